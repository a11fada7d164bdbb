/**
 * The checked configuration: what every other part may rely on.
 *
 * Everything is filled in: defaults applied, variables expanded, paths absolute, durations in milliseconds,
 * sizes in bytes. Tables with keys that the user chose are Maps in file order. Reading files is `load-config.ts`.
 */
import type { AuthConfig } from './auth-config.ts';
import type {
  CacheConfig,
  CircuitBreakerConfig,
  ComposedToolConfig,
  PoolConfig,
  RetryBudgetConfig,
  RetryConfig,
} from './resilience-config.ts';

export interface Config {
  /** By config key, in file order, disabled ones included. Whether names get a prefix: `prefixesNames`. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** By config key. Their members are servers of their own. */
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** Tools over several different ones. */
  readonly tools: readonly ComposedToolConfig[];
  readonly retryBudget: RetryBudgetConfig;
  readonly limits: ProxyLimitsConfig;
  readonly workflows: WorkflowsConfig;
  readonly check: CheckConfig;
  readonly expose: ExposeConfig;
  readonly results: ResultsConfig;
  readonly http: HttpConfig;
  /** Absolute. Not created yet. */
  readonly stateDir: string;
  /** `auto`: the secrets of logins lie in the system's keyring where there is one, else in files. */
  readonly tokenStorage: 'auto' | 'file';
  /** How long a shared proxy stays when its last client has left. */
  readonly idleExitMs: number;
  readonly log: LogConfig;
  /** What was left out or looks wrong without being an error: one sentence each, for stderr. */
  readonly warnings: readonly string[];
}

/** One downstream server. */
export interface ServerConfig {
  /** The key in the config file, as the user wrote it. For people, logs and errors. */
  readonly key: string;
  /** The prefix of its exported names: unique, `[A-Za-z0-9-]` and single `_`, no `_` at its end. */
  readonly namespace: string;
  /** A disabled server keeps its place and namespace. Its variables were not expanded. */
  readonly disabled: boolean;
  readonly tags: readonly string[];
  readonly transport: TransportConfig;
  /** How to log in, where the server demands it; only remote servers do. */
  readonly auth: AuthConfig;
  /** `auto`: ask the server which revision it speaks. */
  readonly protocol: 'auto' | ProtocolRevision;
  readonly connections: 'auto' | 'shared' | 'per-client';
  /** From the start of the process or connection to the answered handshake. */
  readonly connectTimeoutMs: number;
  /** Between asking a process to end and killing it. */
  readonly stopGraceMs: number;
  /** Idle time of one attempt: progress resets it. */
  readonly timeoutMs: number;
  /** Deadline of the whole call. Never below `timeoutMs`. */
  readonly maxTimeoutMs: number;
  readonly limits: LimitsConfig;
  readonly restart: RestartConfig;
  /** `lazy`: at its first call. */
  readonly start: 'eager' | 'lazy';
  /** Stops a lazy server after so long without a call; 0: never. */
  readonly idleStopMs: number;
  /** While it is down: are its tools listed still? */
  readonly outage: 'keep' | 'hide';
  readonly health: HealthConfig;
  /** More than one makes a pool of equal connections. */
  readonly replicas: number;
  /** May its read-only and idempotent hints drive retry, failover and caching? */
  readonly trustAnnotations: boolean;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  readonly retry: RetryConfig;
  readonly circuitBreaker: CircuitBreakerConfig;
  readonly cache: CacheConfig;
  readonly tools: ToolsConfig;
}

export type TransportConfig =
  | StdioTransportConfig
  | HttpTransportConfig
  | SseTransportConfig
  | WebSocketTransportConfig
  | TcpTransportConfig;

export interface StdioTransportConfig {
  readonly kind: 'stdio';
  /** As written: looked up on the PATH by whoever starts it. */
  readonly command: string;
  readonly args: readonly string[];
  /** Set for the process on top of `inheritEnv`; the entry's `envFile` is already in it. Holds secrets. */
  readonly env: ReadonlyMap<string, string>;
  /** Absolute; absent means the proxy's own working folder. */
  readonly cwd?: string;
  /** Names of the proxy's own variables that the process inherits, where they are set. */
  readonly inheritEnv: readonly string[];
}

export interface HttpTransportConfig {
  readonly kind: 'http';
  readonly url: string;
  /** Holds secrets. */
  readonly headers: ReadonlyMap<string, string>;
  /** The user named no transport: try Streamable HTTP first, then SSE. */
  readonly fallbackToSse: boolean;
}

export interface SseTransportConfig {
  readonly kind: 'sse';
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
}

export interface WebSocketTransportConfig {
  readonly kind: 'websocket';
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
}

export interface TcpTransportConfig {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

export type ProtocolRevision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28';

/** What all servers and clients together may take. */
export interface ProxyLimitsConfig {
  /** Bytes of all requests under way, wherever they wait. */
  readonly waitingBytes: number;
  /** Child processes at a time, those of single clients included. */
  readonly processes: number;
  /** Calls of one modern client that wait for its answer to a question. */
  readonly parkedCalls: number;
  /** Modern calls under way, parked ones included. */
  readonly calls: number;
  /** Modern clients; each set of capabilities of one counts by itself. */
  readonly clients: number;
  /** Subscription streams of one modern client. */
  readonly streams: number;
  /** Resources that one client may subscribe to. */
  readonly subscriptions: number;
  /** Legacy sessions over HTTP. */
  readonly sessions: number;
  /** Sockets of clients over HTTP. */
  readonly connections: number;
  /** Clients of a shared proxy. */
  readonly attached: number;
  /** Nesting of one message of a client. */
  readonly depth: number;
  /** Elements and members in it. */
  readonly values: number;
  /** One message of a client, whatever brings it. */
  readonly requestBytes: number;
  /** What is kept for a session whose stream is not open. */
  readonly keptBytes: number;
  /** What one client may leave unread. */
  readonly unreadBytes: number;
  /** All cached results. */
  readonly cacheBytes: number;
  /** Servers that reconnect at a time. */
  readonly reconnects: number;
}

export interface LimitsConfig {
  /** Bytes of one message from the server. */
  readonly messageBytes: number;
  /** Nesting of one message from the server. */
  readonly depth: number;
  /** Elements and members in one message from the server. */
  readonly values: number;
  /** Tools taken from the server's list. */
  readonly tools: number;
  /** Pages of one list. */
  readonly pages: number;
  /** All pages of one list together. */
  readonly listBytes: number;
  /** Parts of one result. */
  readonly contentParts: number;
  /** Bytes kept of the end of its stderr. */
  readonly stderrBytes: number;
  /** Lines of it that are logged. */
  readonly stderrLinesPerSecond: number;
  /** Bytes of requests that may wait to be read by it. */
  readonly queueBytes: number;
  /** Progress of one call. */
  readonly progressPerSecond: number;
  /** Log messages to one client or call, and updates of resources. */
  readonly noticesPerSecond: number;
  /** Questions of the server that wait for an answer. */
  readonly questions: number;
}

export interface RestartConfig {
  readonly enabled: boolean;
  /** Before the first restart; doubles up to `maxDelayMs`. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
}

export interface HealthConfig {
  /** Between two probes, about; 0: no probes. */
  readonly intervalMs: number;
  /** How long a probe waits for its answer. */
  readonly timeoutMs: number;
}

/** Names here are the server's own; `*` in `include` and `exclude` stands for any text. Exclude wins. */
export interface ToolsConfig {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Own name -> the name to offer it under (before the namespace). */
  readonly rename: ReadonlyMap<string, string>;
  readonly override: ReadonlyMap<string, ToolOverrideConfig>;
  /** Globs: the operator's word that these may be done twice, stronger than annotations. */
  readonly safeToRepeat: readonly string[];
}

export interface ToolOverrideConfig {
  readonly title?: string;
  readonly description?: string;
  readonly annotations?: ToolAnnotationsConfig;
  readonly timeoutMs?: number;
  readonly maxTimeoutMs?: number;
  /** Laid over the server's. */
  readonly circuitBreaker?: Partial<CircuitBreakerConfig>;
  /** The tool's own argument that takes the call's idempotency key. */
  readonly idempotencyKey?: string;
}

export interface ToolAnnotationsConfig {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

export interface CheckConfig {
  /** What `switchyard check` may call. */
  readonly calls: readonly CheckCall[];
}

export interface CheckCall {
  /** The name that a client sees. */
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface ExposeConfig {
  readonly namespaces: 'auto' | 'always' | 'none';
  readonly maxNameLength: number;
  readonly metaTools: boolean;
  readonly origin: boolean;
  /** 0: everything in one page. */
  readonly pageSize: number;
  /**
   * How long a client's first list waits, from its greeting on, for servers that were never listed; `undefined`: as
   * long as the client is known to wait.
   */
  readonly listWaitMs: number | undefined;
  readonly list: 'all' | 'slim' | 'search' | 'auto';
  /** Tokens of definitions that `auto` lists in full. */
  readonly budget: number;
  /** Globs of tools that are listed in full in every mode. */
  readonly pins: readonly string[];
  /** Glob of tools -> the person is asked before each call. */
  readonly confirm: ReadonlyMap<string, 'ask'>;
  /** Globs of tools that nobody may call. */
  readonly never: readonly string[];
  /** Glob of the name that a client gives itself -> its mode; the first that fits counts. */
  readonly clients: ReadonlyMap<string, ExposeConfig['list']>;
  /** Name of a token (`http.tokens`) -> the mode of who has it. */
  readonly tokens: ReadonlyMap<string, ExposeConfig['list']>;
}

/** What becomes of long results. */
export interface ResultsConfig {
  /** Tokens of text in one result, where tools are listed shortened or searched; 0: results are never shortened. */
  readonly maxTokens: number;
  /** Glob of a client's name -> the same for it, in every mode. */
  readonly clients: ReadonlyMap<string, number>;
  /** What is kept in memory; more lies in files. */
  readonly memoryBytes: number;
  readonly totalBytes: number;
  readonly ttlMs: number;
}

export interface HttpConfig {
  /** Client name -> bearer token. Holds secrets. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
}

export interface WorkflowsConfig {
  /** Absolute paths, with globs. */
  readonly files: readonly string[];
  /** May definitions come in the call itself? */
  readonly inline: 'ask' | 'allow' | 'read-only' | 'off';
  readonly limits: WorkflowLimitsConfig;
}

export interface WorkflowLimitsConfig {
  /** Of one definition, and of a list in `foreach`. */
  readonly steps: number;
  readonly items: number;
  /** At work at a time. */
  readonly runs: number;
  /** Of all results of one run. */
  readonly resultBytes: number;
  readonly nesting: number;
  /** Ended ones that are kept. */
  readonly keptRuns: number;
}

export interface LogConfig {
  readonly level: LogLevel;
}

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** What names are made of. */
export type NamesConfig = Pick<Config, 'servers' | 'tools' | 'expose'>;

/**
 * Whether exported names carry their server's namespace. `auto`: unless exactly one server is configured;
 * disabled ones count, so that switching one off renames nothing.
 */
export function prefixesNames(config: Pick<Config, 'servers' | 'expose'>): boolean {
  if (config.expose.namespaces === 'auto') return config.servers.size !== 1;
  return config.expose.namespaces === 'always';
}
