/**
 * The keys of `limits`: bounds on what servers, clients and workflows may take.
 *
 * Limits that nobody can choose well are constants. They stand beside the others in a checked config, so that each part
 * has its limits from one place; as keys they are former ones.
 */
import { count, size } from './fields.ts';
import type { Former } from './reader.ts';
import { key, section } from './section.ts';

const FIXED = 'is fixed now, and is ignored here. Remove it.';

/** Constants for each server. */
export const FIXED_SERVER_LIMITS = {
  /** Elements and members in one message. */
  values: 500_000,
  /** Pages of one list. */
  pages: 1_000,
  /** Bytes of one whole list, all pages together. */
  listBytes: 67_108_864,
  /** Parts of one result. */
  contentParts: 10_000,
  /** Lines of stderr that go into the log. */
  stderrLinesPerSecond: 50,
  /** Progress notifications of one call. */
  progressPerSecond: 100,
  /** Log messages to one client or call, and updates of resources. */
  noticesPerSecond: 200,
  /** Questions of the server to clients that wait for an answer. */
  questions: 1_000,
};

export const serverLimitKeys = {
  messageBytes: key(size(1024), {
    doc: 'of one message of the server, uncompressed; a larger one fails its call',
    byDefault: 33_554_432,
    example: '64MiB',
  }),
  depth: key(count(1), { doc: 'nesting of one message', byDefault: 256, example: 64 }),
  tools: key(count(1), { doc: 'tools taken from its list', byDefault: 5_000, example: 200 }),
  stderrBytes: key(size(0), {
    doc: 'kept of the end of its stderr',
    byDefault: 65_536,
    example: '256KiB',
  }),
  queueBytes: key(size(), {
    doc: 'requests that may wait to be read by it; more are `BUSY`',
    byDefault: 67_108_864,
    example: '16MiB',
  }),
};

export const serverLimits = section(serverLimitKeys, { former: fixed(FIXED_SERVER_LIMITS) });

/** Constants for all servers and clients together, or for each client. */
export const FIXED_PROXY_LIMITS = {
  /** Elements and members in one message of a client. */
  values: 500_000,
  /** Calls of one modern client that wait for its answer to a question. */
  parkedCalls: 1_000,
  /** Calls of all modern clients, under way or parked. */
  calls: 10_000,
  /** Modern clients, each set of capabilities of one counting by itself. */
  clients: 1_000,
  /** Subscription streams of one modern client. */
  streams: 256,
  /** Clients of one shared proxy. */
  attached: 64,
  /** Messages for one session whose stream is not open. */
  keptBytes: 4_194_304,
  /** Servers that reconnect at a time. */
  reconnects: 8,
};

export const proxyLimitKeys = {
  waitingBytes: key(size(), { doc: 'of all requests under way', byDefault: 268_435_456, example: '64MiB' }),
  processes: key(count(1), {
    doc: 'child processes at a time, those of single clients and of clients with other capabilities included; what would be one more is not started, and its calls fail with a sentence that says so, until others have ended',
    byDefault: 500,
    example: 50,
  }),
  subscriptions: key(count(1), {
    doc: 'resources that one client may subscribe to',
    byDefault: 2_000,
    example: 200,
  }),
  sessions: key(count(1), {
    doc: 'sessions of the older protocol over HTTP; idle ones make room, else the next `initialize` gets 503',
    byDefault: 2_000,
    example: 100,
  }),
  connections: key(count(1), {
    doc: 'connections of clients over HTTP; further ones are closed',
    byDefault: 1_024,
    example: 256,
  }),
  // Less would refuse what every client says at its start.
  depth: key(count(8), {
    doc: 'nesting of one message of a client; a deeper one is an error',
    byDefault: 256,
    example: 64,
  }),
  requestBytes: key(size(1024), {
    doc: 'one message of a client, over HTTP, stdio or attached; a larger one is refused (over HTTP with 413)',
    byDefault: 33_554_432,
    example: '4MiB',
  }),
  unreadBytes: key(size(1024), {
    doc: 'answers that one client may leave unread; beyond, nothing further is taken in from it, and an answer or a notice that finds no room is left out by itself',
    byDefault: 67_108_864,
    example: '8MiB',
  }),
  cacheBytes: key(size(), { doc: 'all cached results together', byDefault: 67_108_864, example: '16MiB' }),
};

export const proxyLimits = section(proxyLimitKeys, { former: fixed(FIXED_PROXY_LIMITS) });

const workflowLimitKeys = {
  steps: key(count(1), { doc: 'of one definition', byDefault: 1000, example: 100 }),
  runs: key(count(1), {
    doc: 'at work at a time; those that wait for somebody are not counted',
    byDefault: 100,
    example: 10,
  }),
  resultBytes: key(size(), { doc: 'of all results of one run', byDefault: 67_108_864, example: '16MiB' }),
  keptRuns: key(count(0), {
    doc: 'ended runs that are kept; the oldest go at a start, and after every hundred',
    byDefault: 1000,
    example: 100,
  }),
};

export const workflowLimits = section(workflowLimitKeys, {
  former: new Map([
    ['items', { now: FIXED }],
    ['nesting', { now: FIXED }],
  ]),
});

function fixed(limits: Readonly<Record<string, number>>): ReadonlyMap<string, Former> {
  return new Map(Object.keys(limits).map((name) => [name, { now: FIXED }]));
}
