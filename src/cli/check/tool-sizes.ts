/** The tools of a server as clients would get them: how many, how large, and what some clients take offence at. */
import { at, isObject, type JsonObject, stringAt } from '../../json/json.ts';
import { oneLine } from '../terminal/sanitize.ts';

export interface CheckedTools {
  readonly tools: number;
  readonly prompts: number;
  readonly resources: number;
  /** The size of what clients put into their model's context. */
  readonly toolBytes: number;
  readonly warnings: readonly string[];
}

/** `mcp__switchyard__` before a name, and 64 characters in all, is what the usual clients make of it and take. */
const LONGEST_NAME = 46;
const LONGEST_DESCRIPTION = 1024;
const LARGEST_TOOL = 16 * 1024;
const PROPERTY_NAME = /^[a-zA-Z0-9_.-]{1,64}$/;
/** Tools that a warning names. */
const NAMED = 3;

/** @param texts the definitions under the names that clients see. */
export function checkTools(texts: readonly string[]): Pick<CheckedTools, 'toolBytes' | 'warnings'> {
  const byFault = new Map<string, string[]>();
  for (const text of texts) {
    const tool = JSON.parse(text) as JsonObject;
    const name = oneLine(stringAt(tool, 'name') ?? '', 80);
    for (const fault of faultsOf(tool, text)) byFault.set(fault, [...(byFault.get(fault) ?? []), name]);
  }
  return {
    toolBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    warnings: [...byFault].map(([fault, names]) => `${fault}: ${namesText(names)}`),
  };
}

/** `a, b, c and 4 more` */
export function namesText(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}

function faultsOf(tool: JsonObject, text: string): Set<string> {
  const faults = new Set<string>();
  const name = stringAt(tool, 'name') ?? '';
  const description = stringAt(tool, 'description') ?? '';
  const schema = tool['inputSchema'];
  if (name.length > LONGEST_NAME)
    faults.add(`name longer than ${LONGEST_NAME} characters, too long for some clients`);
  if (description.trim() === '') faults.add('no description, so that models can only guess');
  if (description.length > LONGEST_DESCRIPTION)
    faults.add(`description longer than ${LONGEST_DESCRIPTION} characters, which some clients cut or refuse`);
  if (text.length > LARGEST_TOOL)
    faults.add(`definition larger than ${LARGEST_TOOL / 1024} KiB, all of it in the model's context`);
  for (const word of ['anyOf', 'oneOf', 'allOf'])
    if (at(schema, word) !== undefined)
      faults.add(`inputSchema with ${word} at its top, which some models' APIs refuse`);
  walk(schema, faults);
  return faults;
}

/** Listings are bounded in depth. */
function walk(schema: unknown, faults: Set<string>): void {
  if (Array.isArray(schema)) for (const one of schema as unknown[]) walk(one, faults);
  if (!isObject(schema)) return;
  if (schema['type'] === 'array' && schema['items'] === undefined && schema['prefixItems'] === undefined)
    faults.add('inputSchema with an array without items, which some clients refuse');
  const reference = schema['$ref'];
  if (typeof reference === 'string' && !reference.startsWith('#'))
    faults.add('inputSchema that refers to another document, which no client fetches');
  const properties = schema['properties'];
  if (isObject(properties)) {
    if (Object.keys(properties).some((key) => !PROPERTY_NAME.test(key)))
      faults.add("inputSchema with an argument name that some models' APIs refuse");
    for (const one of Object.values(properties)) walk(one, faults);
  }
  for (const word of [
    'items',
    'prefixItems',
    'additionalProperties',
    'anyOf',
    'oneOf',
    'allOf',
    'not',
    '$defs',
    'definitions',
  ])
    if (word === '$defs' || word === 'definitions') {
      const definitions = schema[word];
      if (isObject(definitions)) for (const one of Object.values(definitions)) walk(one, faults);
    } else walk(schema[word], faults);
}
