/** The tools that find, describe and call the others, and read long results: their definitions. */
import type { JsonObject } from '../json/json.ts';
import type { Access } from '../search/tool-class.ts';

export const CALLS: ReadonlyMap<string, Access> = new Map([
  ['call_read', 'read'],
  ['call_write', 'write'],
  ['call_destructive', 'destructive'],
]);

export const FIND = 'find_tools';
export const DESCRIBE = 'describe_tools';
export const READ = 'read_result';

export const OWN_NAMES: ReadonlySet<string> = new Set([FIND, DESCRIBE, ...CALLS.keys(), READ]);

/** The name of the tool that calls others of this class. */
export function callFor(access: Access): string {
  return `call_${access}`;
}

/** Names in a description, in characters. */
const MAX_NAMES = 500;
/** The longest answers that some clients show whole when told so. */
const MAX_RESULT = 200_000;

export function findDefinition(servers: readonly string[]): string {
  return definition(
    FIND,
    `Finds tools behind this entry, on the servers ${named(servers)}. Answers a line per tool: name(arguments) [class] - purpose. Call what was found with the call_* tool of its class.`,
    {
      query: { type: 'string', description: 'What is to be done, in words, or a name; empty lists servers' },
      server: { type: 'string', description: 'Only on it; without a query all its tools' },
      access: { type: 'string', enum: ['read', 'write', 'destructive'] },
      limit: { type: 'integer', minimum: 1, maximum: 20, default: 10 },
    },
    [],
    { title: 'Find tools', readOnlyHint: true, openWorldHint: false },
  );
}

export function describeDefinition(): string {
  return definition(
    DESCRIBE,
    'Gives the full definitions of up to 5 tools: more than a signature or a shortened schema tells.',
    { tools: { type: 'array', items: { type: 'string' }, maxItems: 5 } },
    ['tools'],
    { title: 'Describe tools', readOnlyHint: true, openWorldHint: false },
  );
}

export function callDefinitions(): string[] {
  const properties = {
    tool: { type: 'string' },
    args: { type: 'object', additionalProperties: true, description: 'The arguments of that tool' },
  };
  const one = (name: string, description: string, annotations: JsonObject): string =>
    definition(name, description, properties, ['tool'], annotations);
  return [
    one('call_read', 'Calls a tool of class [read].', {
      title: 'Call a reading tool',
      readOnlyHint: true,
      openWorldHint: true,
    }),
    one('call_write', 'Calls a tool of class [write].', {
      title: 'Call a writing tool',
      readOnlyHint: false,
      destructiveHint: false,
      openWorldHint: true,
    }),
    one('call_destructive', 'Calls a tool of class [destructive] or [destructive?].', {
      title: 'Call a tool that may destroy',
      readOnlyHint: false,
      destructiveHint: true,
      openWorldHint: true,
    }),
  ];
}

export function readDefinition(): string {
  return definition(
    READ,
    'Reads on in a long result that was kept: a page, a part, or what is looked for in it.',
    {
      result: { type: 'string', description: 'Its handle' },
      pointer: { type: 'string', description: 'JSON pointer' },
      offset: { type: 'integer', minimum: 0 },
      limit: { type: 'integer', minimum: 1, description: 'Bytes' },
      find: { type: 'string', description: 'Text to look for' },
      cel: { type: 'string', description: 'CEL expression over `value`' },
    },
    ['result'],
    { title: 'Read a long result', readOnlyHint: true, openWorldHint: false },
    { 'anthropic/maxResultSizeChars': MAX_RESULT },
  );
}

function definition(
  name: string,
  description: string,
  properties: JsonObject,
  required: readonly string[],
  annotations: JsonObject,
  meta: JsonObject = {},
): string {
  return JSON.stringify({
    name,
    description,
    inputSchema: { type: 'object', properties, ...(required.length > 0 && { required }) },
    annotations,
    // A client that keeps definitions back would hide behind its own search what is the search here.
    _meta: { 'anthropic/alwaysLoad': true, ...meta },
  });
}

function named(servers: readonly string[]): string {
  let text = '';
  for (const [index, server] of servers.entries()) {
    const next = `${text}${text === '' ? '' : ', '}${server}`;
    if (next.length > MAX_NAMES) return `${text} and ${servers.length - index} more`;
    text = next;
  }
  return text;
}
