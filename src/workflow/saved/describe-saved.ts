import { isObject, type JsonObject } from '../../json/json.ts';
import { toolsOf } from '../plan/plan.ts';
import { readWorkflow, type SavedLookup } from './read-workflow.ts';
import type { SavedFile } from './saved.ts';
import { isReadOnly, type Tools } from '../tools.ts';
import type { Problem } from '../definition/problem.ts';

export interface SavedWorkflow {
  readonly name: string;
  readonly file: string;
  readonly description: string | undefined;
  readonly input: JsonObject | undefined;
  /** Derived from the workflow's tools. */
  readonly annotations: JsonObject;
  /** The mistakes that keep the workflow from running. */
  readonly problems: readonly Problem[];
}

/** A saved workflow as a tool: its annotations follow from the tools that it calls. */
export function describeSaved(
  { name, file, definition }: SavedFile,
  tools: Tools,
  lookup: SavedLookup,
): SavedWorkflow {
  const { description, input } = definition;
  const read = readWorkflow(name, tools, lookup);
  const used =
    'errors' in read
      ? []
      : [...toolsOf(read.program, read.context.programs)].map((tool) => read.context.tools.get(tool));
  const readOnly = !('errors' in read) && used.every(isReadOnly);
  return {
    name,
    file,
    description: typeof description === 'string' ? description : undefined,
    input: isObject(input) ? input : undefined,
    annotations: {
      readOnlyHint: readOnly,
      // A tool that writes and does not say otherwise may destroy.
      destructiveHint:
        !readOnly && used.some((tool) => !isReadOnly(tool) && tool?.annotations['destructiveHint'] !== false),
      idempotentHint: readOnly || used.every((tool) => tool?.safeToRepeat === true),
      openWorldHint: used.some((tool) => tool?.annotations['openWorldHint'] !== false),
    },
    problems: 'errors' in read ? read.errors : [],
  };
}
