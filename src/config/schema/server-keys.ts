/** The keys of an entry of `mcpServers`, and of `defaults`. */
import { auth } from './auth-keys.ts';
import { choice, count, duration, field, flag, listOf, nonEmptyText, tableOf, texts } from './fields.ts';
import { serverLimits } from './limit-keys.ts';
import { isNamespace, namespaceOf } from './namespaces.ts';
import type { InputOf } from './reader.ts';
import { cacheKeys, circuitBreakerKeys, retrySection } from './resilience-keys.ts';
import { key, section } from './section.ts';
import { serverToolKeys } from './tool-keys.ts';

/** Values of `env` and `headers`: text only, since `007` or `1.10` as a number would reach the server changed. */
const secret = field('text (put the value in quotes)', (value) =>
  typeof value === 'string' ? value : undefined,
);

const restartKeys = {
  enabled: key(flag(), { doc: 'whether it is', byDefault: true, example: false }),
  delayMs: key(duration(0), {
    doc: 'before the first time; doubles up to `maxDelayMs`',
    byDefault: 500,
    example: '2s',
  }),
  maxDelayMs: key(duration(0), { doc: 'the longest pause', byDefault: 30_000, example: '5m' }),
};

const healthKeys = {
  intervalMs: key(duration(0), {
    doc: 'between two of them, about; 0: none',
    byDefault: 30_000,
    example: '5m',
  }),
  timeoutMs: key(duration(), { doc: 'until one has failed', byDefault: 5_000, example: '2s' }),
};

const ownKeys = {
  type: key(
    choice(
      ['stdio', 'http', 'sse', 'websocket', 'tcp'],
      ['local', 'remote', 'streamable-http', 'streamableHttp', 'streamable_http', 'ws'],
    ),
    {
      doc: 'the transport',
      without:
        'found out: a `command` is stdio, a `url` Streamable HTTP with SSE to fall back on, `ws://` WebSocket, `host` and `port` TCP',
      example: 'http',
    },
  ),
  command: key(nonEmptyText(), { doc: 'the program of a local server; no shell is used', example: 'npx' }),
  args: key(texts(), {
    doc: 'its arguments',
    byDefault: [],
    example: ['-y', '@modelcontextprotocol/server-memory'],
  }),
  url: key(nonEmptyText(), { doc: 'the address of a remote server', example: 'https://docs.example/mcp' }),
  auth: key(auth, {
    doc: 'how to log in at a remote server, where that cannot be found out',
    byDefault: {},
  }),
  host: key(nonEmptyText(), {
    doc: 'the host of a server that speaks JSON-RPC in lines over TCP',
    example: '127.0.0.1',
  }),
  port: key(count(1, 65_535), { doc: 'its port', example: 9002 }),
  namespace: key(
    field(
      'a namespace of letters, digits, "-" and single "_", none at its end',
      (value) => (typeof value === 'string' && isNamespace(value) ? value : undefined),
      { guess: (value) => namespaceOf(value) },
    ),
    { doc: 'the prefix of its names', without: 'its name in the file', example: 'gh' },
  ),
};

const sharedKeys = {
  env: key(tableOf(secret), {
    doc: 'variables of a local server, beside those of `inheritEnv`',
    byDefault: new Map(),
    example: { MEMORY_FILE_PATH: '${userHome}/memory.json' },
  }),
  cwd: key(nonEmptyText(), {
    doc: 'folder of a local server, from the file’s own',
    without: "the proxy's",
    example: './data',
  }),
  envFile: key(nonEmptyText(), { doc: 'more variables, as `NAME=value` lines', example: '.env' }),
  headers: key(tableOf(secret), {
    doc: 'headers of every request to a remote server',
    byDefault: new Map(),
    example: { Authorization: 'Bearer ${DOCS_TOKEN}' },
  }),
  disabled: key(flag(), {
    doc: 'it keeps its place and its names, and is not served',
    byDefault: false,
    example: true,
  }),
  tags: key(listOf(nonEmptyText()), { doc: 'for `serve --tags`', byDefault: [], example: ['dev'] }),
  protocol: key(choice(['auto', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']), {
    doc: 'the revision of MCP to speak with it; `auto` asks the server',
    byDefault: 'auto',
    example: '2025-11-25',
  }),
  inheritEnv: key(listOf(nonEmptyText()), {
    doc: 'variables of the proxy that a local server gets',
    without: 'the few that the MCP SDK passes (`PATH`, `HOME` …), and those of HTTP proxies',
    example: ['PATH', 'HOME', 'LANG'],
  }),
  connections: key(choice(['auto', 'shared', 'per-client']), {
    doc: '`shared`: one connection for all clients, without roots; `per-client`: one for each; `auto`: one for all clients of the same capabilities, and one for each from when the server asks for roots, or asks what only one of several can answer',
    byDefault: 'auto',
    example: 'per-client',
  }),
  connectTimeoutMs: key(duration(), {
    doc: 'from its start to the answered handshake',
    byDefault: 60_000,
    example: '2m',
  }),
  stopGraceMs: key(duration(0), {
    doc: 'between asking it to end and killing it',
    byDefault: 3_000,
    example: '10s',
  }),
  timeoutMs: key(duration(), {
    doc: 'idle time of one attempt of a call; progress resets it',
    byDefault: 300_000,
    example: '30s',
  }),
  maxTimeoutMs: key(duration(), {
    doc: 'deadline of the whole call, attempts and pauses included',
    byDefault: 3_600_000,
    example: '10m',
  }),
  limits: key(serverLimits, { doc: 'what the server may take of the proxy', byDefault: {} }),
  restart: key(section(restartKeys), { doc: 'starting it again after it has ended', byDefault: {} }),
  start: key(choice(['eager', 'lazy']), {
    doc: '`eager`: with the proxy; `lazy`: at its first call, its lists come from what is remembered',
    byDefault: 'eager',
    example: 'lazy',
  }),
  idleStopMs: key(duration(0), {
    doc: 'a lazy server is stopped after so long without a call; 0: never',
    byDefault: 0,
    example: '10m',
  }),
  outage: key(choice(['keep', 'hide']), {
    doc: 'while it is down its tools stay listed (`keep`) or not (`hide`)',
    byDefault: 'keep',
    example: 'hide',
  }),
  health: key(section(healthKeys), { doc: 'probes of a server that says nothing by itself', byDefault: {} }),
  replicas: key(count(1, 64), {
    doc: 'more than one makes a pool of so many equal ones',
    byDefault: 1,
    example: 3,
  }),
  trustAnnotations: key(flag(), {
    doc: 'whether its read-only and idempotent hints may allow repeating and caching',
    byDefault: false,
    example: true,
  }),
  maxConcurrency: key(count(1), { doc: 'calls at a time', byDefault: 16, example: 4 }),
  maxQueue: key(count(0), {
    doc: 'calls that may wait in the queue; more are `BUSY`',
    byDefault: 256,
    example: 0,
  }),
  retry: key(retrySection, { doc: 'asking again, where that is safe', byDefault: {} }),
  circuitBreaker: key(section(circuitBreakerKeys), {
    doc: 'leaving a failing server alone for a while',
    byDefault: {},
  }),
  cache: key(section(cacheKeys), { doc: 'giving an answer again', byDefault: {} }),
  tools: key(section(serverToolKeys), { doc: 'which of its tools are offered, and how', byDefault: {} }),
};

export const serverKeys = { ...ownKeys, ...sharedKeys };

/** One entry of `mcpServers`. */
export const serverSection = section(serverKeys);

/**
 * An entry of `mcpServers`, checked and with units read, defaults not yet applied.
 * Strings are in our own notation: variables as in `variables.ts`.
 */
export type ServerInput = InputOf<typeof serverKeys>;

/** `defaults`: the keys that can hold for more than one server. */
export const defaultsSection = section(sharedKeys, {
  misplaced: new Map(
    Object.keys(ownKeys).map((name) => [name, 'belongs to one server, not to the defaults.']),
  ),
});

export type DefaultsInput = InputOf<typeof sharedKeys>;
