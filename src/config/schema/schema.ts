/** What our own files may hold. Defaults are filled in elsewhere (`defaults.ts`), so that files can be merged first. */
import * as z from 'zod';

import {
  choice,
  count,
  duration,
  field,
  flag,
  listOf,
  nonEmptyText,
  section,
  size,
  tableOf,
  text,
  texts,
} from './fields.ts';
import { auth } from './auth-schema.ts';
import { CLIENT_IDS } from '../dialects/client-ids.ts';
import { isNamespace, namespaceOf } from './namespaces.ts';
import {
  cacheSchema,
  circuitBreakerSchema,
  composedTool,
  object,
  pool,
  retrySchema,
  retryBudget,
} from './resilience-schema.ts';
import { unsupportedKeys } from './unsupported.ts';

const annotations = section({
  title: text().optional(),
  readOnlyHint: flag().optional(),
  destructiveHint: flag().optional(),
  idempotentHint: flag().optional(),
  openWorldHint: flag().optional(),
});

const override = section(
  {
    title: text().optional(),
    description: text().optional(),
    annotations: annotations.optional(),
    timeoutMs: duration().optional(),
    maxTimeoutMs: duration().optional(),
    circuitBreaker: circuitBreakerSchema.optional(),
    idempotencyKey: nonEmptyText().optional(),
  },
  unsupportedKeys.override,
);

const tools = section(
  {
    include: texts().optional(),
    exclude: texts().optional(),
    rename: tableOf(nonEmptyText()).optional(),
    override: tableOf(override).optional(),
    safeToRepeat: texts().optional(),
  },
  unsupportedKeys.tools,
);

const limits = section({
  messageBytes: size(1024).optional(),
  depth: count(1).optional(),
  values: count(1).optional(),
  tools: count(1).optional(),
  pages: count(1).optional(),
  listBytes: size(1024).optional(),
  contentParts: count(1).optional(),
  stderrBytes: size(0).optional(),
  stderrLinesPerSecond: count(1).optional(),
  queueBytes: size().optional(),
  progressPerSecond: count(1).optional(),
  noticesPerSecond: count(1).optional(),
  questions: count(1).optional(),
});

const restart = section({
  enabled: flag().optional(),
  delayMs: duration(0).optional(),
  maxDelayMs: duration(0).optional(),
});

const health = section({ intervalMs: duration(0).optional(), timeoutMs: duration().optional() });

/** Values of `env` and `headers`: text only, since `007` or `1.10` as a number would reach the server changed. */
const secret = field('text (put the value in quotes)', (value) =>
  typeof value === 'string' ? value : undefined,
);

const environment = tableOf(secret);

/** What `defaults` may hold, too. */
const sharedShape = {
  env: environment.optional(),
  cwd: nonEmptyText().optional(),
  envFile: nonEmptyText().optional(),
  headers: tableOf(secret).optional(),
  disabled: flag().optional(),
  tags: listOf(nonEmptyText()).optional(),
  protocol: choice(['auto', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']).optional(),
  inheritEnv: listOf(nonEmptyText()).optional(),
  connections: choice(['auto', 'shared', 'per-client']).optional(),
  connectTimeoutMs: duration().optional(),
  stopGraceMs: duration(0).optional(),
  timeoutMs: duration().optional(),
  maxTimeoutMs: duration().optional(),
  limits: limits.optional(),
  restart: restart.optional(),
  start: choice(['eager', 'lazy']).optional(),
  idleStopMs: duration(0).optional(),
  outage: choice(['keep', 'hide']).optional(),
  health: health.optional(),
  replicas: count(1, 64).optional(),
  trustAnnotations: flag().optional(),
  maxConcurrency: count(1).optional(),
  maxQueue: count(0).optional(),
  retry: retrySchema.optional(),
  circuitBreaker: circuitBreakerSchema.optional(),
  cache: cacheSchema.optional(),
  tools: tools.optional(),
};

const ownShape = {
  type: choice(
    ['stdio', 'http', 'sse', 'websocket', 'tcp'],
    ['local', 'remote', 'streamable-http', 'streamableHttp', 'streamable_http', 'ws'],
  ).optional(),
  command: nonEmptyText().optional(),
  args: texts().optional(),
  url: nonEmptyText().optional(),
  auth: auth.optional(),
  host: nonEmptyText().optional(),
  port: count(1, 65_535).optional(),
  namespace: field(
    'a namespace of letters, digits, "-" and single "_", none at its end',
    (value) => (typeof value === 'string' && isNamespace(value) ? value : undefined),
    { guess: (value) => namespaceOf(value) },
  ).optional(),
};

/** One entry of `mcpServers`. */
export const serverSchema = section({ ...ownShape, ...sharedShape }, unsupportedKeys.server);

/**
 * What one would write under `mcpServers` for a server, checked and with units read, defaults not yet applied.
 * Strings are in our own notation: variables as in `variables.ts`.
 */
export type ServerInput = z.output<typeof serverSchema>;

/** `defaults`: whatever can hold for more than one server. */
export const defaultsSchema = section(
  sharedShape,
  unsupportedKeys.server,
  new Map(Object.keys(ownShape).map((key) => [key, 'belongs to one server, not to the defaults.'])),
);

export type DefaultsInput = z.output<typeof defaultsSchema>;

const expose = section({
  namespaces: choice(['auto', 'always', 'none']).optional(),
  maxNameLength: count(16, 128).optional(),
  metaTools: flag().optional(),
  origin: flag().optional(),
  pageSize: count(0).optional(),
  listWaitMs: duration(0).optional(),
  list: choice(['all', 'slim', 'search', 'auto']).optional(),
  budget: count(1).optional(),
  pins: listOf(nonEmptyText()).optional(),
  confirm: tableOf(choice(['ask'])).optional(),
  never: listOf(nonEmptyText()).optional(),
  clients: tableOf(choice(['all', 'slim', 'search', 'auto'])).optional(),
  tokens: tableOf(choice(['all', 'slim', 'search', 'auto'])).optional(),
});

const results = section({
  maxTokens: count(0).optional(),
  clients: tableOf(count(0)).optional(),
  memoryBytes: size(0).optional(),
  totalBytes: size(0).optional(),
  ttlMs: duration().optional(),
});

const http = section({
  tokens: tableOf(
    field('a token: text of at least one character, none of them a space or a control character', (value) =>
      typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined,
    ),
  ).optional(),
  allowedOrigins: listOf(nonEmptyText()).optional(),
  allowedHosts: listOf(nonEmptyText()).optional(),
  maxBodyBytes: size().optional(),
});

const topShape = {
  $schema: text().optional(),
  mcpServers: z.unknown().optional(),
  defaults: defaultsSchema.optional(),
  expose: expose.optional(),
  results: results.optional(),
  http: http.optional(),
  pools: tableOf(pool).optional(),
  tools: tableOf(composedTool).optional(),
  retryBudget: retryBudget.optional(),
  limits: section({
    waitingBytes: size().optional(),
    processes: count(1).optional(),
    parkedCalls: count(1).optional(),
    calls: count(1).optional(),
    clients: count(1).optional(),
    streams: count(1).optional(),
    subscriptions: count(1).optional(),
    sessions: count(1).optional(),
    connections: count(1).optional(),
    attached: count(1).optional(),
    // Less would refuse what every client says at its start.
    depth: count(8).optional(),
    values: count(100).optional(),
    requestBytes: size(1024).optional(),
    keptBytes: size().optional(),
    unreadBytes: size(1024).optional(),
    cacheBytes: size().optional(),
    reconnects: count(1).optional(),
  }).optional(),
  workflows: section({
    files: listOf(nonEmptyText()).optional(),
    inline: choice(['ask', 'allow', 'read-only', 'off']).optional(),
    limits: section({
      steps: count(1).optional(),
      items: count(1).optional(),
      runs: count(1).optional(),
      resultBytes: size().optional(),
      nesting: count(1).optional(),
      keptRuns: count(0).optional(),
    }).optional(),
  }).optional(),
  imports: listOf(choice(CLIENT_IDS)).optional(),
  check: section({
    calls: listOf(section({ tool: nonEmptyText(), arguments: object.optional() })).optional(),
  }).optional(),
  stateDir: nonEmptyText().optional(),
  tokenStorage: choice(['auto', 'file']).optional(),
  idleExitMs: duration(0).optional(),
  log: section({
    level: choice(['silent', 'error', 'warn', 'info', 'debug', 'trace']).optional(),
  }).optional(),
};

/** A whole file. The servers are checked one by one (`serverSchema`): a disabled one is read differently. */
export const topSchema = section(topShape, unsupportedKeys.top);

/** Every top-level key of the contract, supported or not: what tells a file of ours from a client's. */
export const topKeys: ReadonlySet<string> = new Set([...Object.keys(topShape), ...unsupportedKeys.top]);
