/** Keys for the tools of a server, and for tools over several others. */
import { anyTable, choice, duration, flag, listOf, nonEmptyText, tableOf, text, texts } from './fields.ts';
import { toolCircuitBreaker } from './resilience-keys.ts';
import { key, requiredKey, section } from './section.ts';

const annotationKeys = {
  title: key(text(), { doc: 'its title in the annotations', example: 'Find' }),
  readOnlyHint: key(flag(), { doc: 'it changes nothing', example: true }),
  destructiveHint: key(flag(), { doc: 'it may destroy something', example: false }),
  idempotentHint: key(flag(), { doc: 'doing it twice does no more than once', example: true }),
  openWorldHint: key(flag(), { doc: 'it deals with the world outside', example: false }),
};

const toolOverrideKeys = {
  title: key(text(), { doc: 'title for clients', without: "the server's", example: 'New issue' }),
  description: key(text(), {
    doc: 'description for clients',
    without: "the server's",
    example: 'Opens an issue in our tracker.',
  }),
  annotations: key(section(annotationKeys), { doc: 'hints for clients, laid over the server’s' }),
  timeoutMs: key(duration(), {
    doc: 'idle time of one attempt',
    without: "the server's",
    example: '20s',
  }),
  maxTimeoutMs: key(duration(), {
    doc: 'deadline of the whole call',
    without: "the server's",
    example: '2m',
  }),
  circuitBreaker: key(toolCircuitBreaker, {
    doc: "a circuit of the tool's own, laid over the server's settings",
    without: "the server's circuit",
  }),
  idempotencyKey: key(nonEmptyText(), {
    doc: "the tool's own argument that takes a key which is the same for every attempt of one call; the call carries it in `_meta` too, as `switchyard/idempotencyKey`",
    example: 'request_id',
  }),
};

export const serverToolKeys = {
  include: key(texts(), {
    doc: 'names of its tools to offer; `*` stands for any text',
    byDefault: ['*'],
    example: ['get_*', 'search'],
  }),
  exclude: key(texts(), {
    doc: 'names of its tools to leave out, stronger than `include`',
    byDefault: [],
    example: ['delete_*'],
  }),
  rename: key(tableOf(nonEmptyText()), {
    doc: 'its own name of a tool → the name to offer it under, before the namespace',
    byDefault: new Map(),
    example: { search_repositories: 'find_repos' },
  }),
  override: key(tableOf(section(toolOverrideKeys)), {
    doc: 'its own name of a tool → what to say or do differently',
    byDefault: new Map(),
    example: { create_issue: { timeoutMs: '20s' } },
  }),
  safeToRepeat: key(texts(), {
    doc: 'tools that may be done twice, by the word of the operator, stronger than annotations; `*` stands for any text. A call that may be repeated carries `switchyard/idempotencyKey` in its `_meta`, the same for every attempt',
    byDefault: [],
    example: ['get_*'],
  }),
};

const target = section({
  tool: requiredKey(nonEmptyText(), { doc: 'a name as clients see it', example: 'brave__search' }),
  arguments: key(anyTable(), {
    doc: "its arguments, with expressions over the caller's",
    byDefault: {},
    example: { query: '${{ input.q }}' },
  }),
});

export const composedToolKeys = {
  description: key(text(), { doc: 'for clients', example: 'Searches the web' }),
  inputSchema: key(anyTable(), {
    doc: 'the JSON Schema of its arguments',
    byDefault: { type: 'object', additionalProperties: true },
    example: { type: 'object', properties: { q: { type: 'string' } } },
  }),
  strategy: key(choice(['first', 'merge']), {
    doc: '`first`: the first good answer, in order; `merge`: all of them together',
    byDefault: 'first',
    example: 'merge',
  }),
  deadlineMs: key(duration(), { doc: 'for all targets together', byDefault: 10_000, example: '30s' }),
  targets: requiredKey(listOf(target), { doc: 'the tools that are asked' }),
};
