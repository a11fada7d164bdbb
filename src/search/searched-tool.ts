/** A tool's definition as the index reads it. */
import { isObject, type JsonObject } from '../json/json.ts';
import { propertiesOf } from './local-schema.ts';
import type { SearchedTool } from './tool-index.ts';

/** Schemas are foreign: so many names and texts are read, so deep. */
const MAX_TEXTS = 200;
const MAX_DEPTH = 3;

export interface ToolPlace {
  /** The name that clients see. */
  readonly name: string;
  readonly server: string;
  /** The operator's own words for it. */
  readonly keywords?: readonly string[] | undefined;
}

/** @param definition as clients get it, after overrides. */
export function searchedTool(
  definition: JsonObject,
  { name, server, keywords = [] }: ToolPlace,
): SearchedTool {
  const { title, description, annotations, inputSchema } = definition;
  const shown = typeof title === 'string' ? title : isObject(annotations) ? annotations['title'] : undefined;
  return {
    name,
    server,
    title: typeof shown === 'string' ? shown : undefined,
    description: typeof description === 'string' ? description : '',
    parameters: argumentTexts(inputSchema),
    keywords,
  };
}

function argumentTexts(schema: unknown): string[] {
  const texts: string[] = [];
  const visit = (part: unknown, depth: number): void => {
    if (!isObject(part) || depth > MAX_DEPTH) return;
    for (const [name, property] of propertiesOf(part)) {
      if (texts.length >= MAX_TEXTS) return;
      texts.push(name);
      if (!isObject(property)) continue;
      if (typeof property['description'] === 'string') texts.push(property['description']);
      visit(property, depth + 1);
      visit(property['items'], depth + 1);
    }
  };
  visit(schema, 0);
  return texts;
}
