import { listed, nearest } from '../../core/nearest.ts';
import { isObject } from '../../json/json.ts';
import type { Tools } from '../tools.ts';
import { checkInTime } from './check-in-time.ts';
import type { ToldProblem } from './problem.ts';

/** Checks that the tool exists, and takes these arguments as far as they are known. */
export function checkArguments(
  { tools, ms, tool: name, with: args, path }: CheckedCall,
  problem: ToldProblem,
): void {
  if (typeof name !== 'string') return;
  const tool = tools.get(name);
  if (!tool) {
    const names = [...tools.names()];
    const bare = names.find((known) => name.endsWith(`__${known}`));
    if (bare !== undefined) {
      problem(
        `${path}.tool`,
        `there is no tool "${name}": with one server names have no prefix, unless "expose.namespaces" is "always".`,
        { expected: 'the name of a tool as it is listed', nearest: bare, fix: `"tool": "${bare}"` },
      );
      return;
    }
    // The server's name is the part that is forgotten most.
    const near = names.find((known) => known.endsWith(`__${name}`)) ?? nearest(name, names);
    problem(`${path}.tool`, `there is no tool "${name}"; there are: ${listed(names)}`, {
      expected: 'the name of a tool as it is listed',
      ...(near !== undefined && { nearest: near, fix: `"tool": "${near}"` }),
    });
    return;
  }
  const { problems } = checkInTime(strict(tool.inputSchema), args, {
    path: `${path}.with`,
    unknown: hasTemplate,
    foreign: true,
    ms,
  });
  for (const { path: place, message, ...more } of problems) problem(place, message, more);
}

interface CheckedCall {
  readonly tools: Tools;
  readonly tool: unknown;
  readonly with: unknown;
  readonly path: string;
  /** The deadline of the check, milliseconds. */
  readonly ms: number;
}

function hasTemplate(value: unknown): boolean {
  return typeof value === 'string' && value.includes('${{');
}

/** Closes a schema: servers seldom do, and ignore unknown arguments, so a misspelt one would pass unseen. */
function strict(schema: unknown): unknown {
  if (!isObject(schema) || !isObject(schema['properties']) || 'additionalProperties' in schema) return schema;
  const open = ['anyOf', 'oneOf', 'allOf', 'patternProperties', '$ref'].some((word) => word in schema);
  return open ? schema : { ...schema, additionalProperties: false };
}
