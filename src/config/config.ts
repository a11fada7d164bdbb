/**
 * The checked configuration: what every other part may rely on.
 *
 * Everything is filled in: defaults applied, variables expanded, paths absolute, durations in milliseconds,
 * sizes in bytes. Tables with keys that the user chose are Maps in file order. What each key means is told where it is
 * declared, in `schema/`; here is what the files alone do not say. Reading files is `load/load-config.ts`.
 */
import type { authKeys } from './schema/auth-keys.ts';
import type {
  FIXED_PROXY_LIMITS,
  FIXED_SERVER_LIMITS,
  proxyLimitKeys,
  serverLimitKeys,
} from './schema/limit-keys.ts';
import type { FilledOf } from './schema/reader.ts';
import type { poolKeys, retryKeys } from './schema/resilience-keys.ts';
import type { serverKeys } from './schema/server-keys.ts';
import type { composedToolKeys } from './schema/tool-keys.ts';
import type { checkCallKeys, topKeys } from './schema/top-keys.ts';

type FilledTop = FilledOf<typeof topKeys>;
type FilledServer = FilledOf<typeof serverKeys>;

/** The whole configuration. Paths of workflows are absolute. */
export interface Config extends Pick<
  FilledTop,
  | 'expose'
  | 'results'
  | 'http'
  | 'retryBudget'
  | 'workflows'
  | 'check'
  | 'tokenStorage'
  | 'idleExitMs'
  | 'log'
> {
  /** Servers by config key, in file order, disabled ones included. `prefixesNames` says whether names get a prefix. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** Pools by config key. Their members are servers of their own. */
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly tools: readonly ComposedToolConfig[];
  readonly limits: ProxyLimitsConfig;
  /** Absolute. Not created yet. */
  readonly stateDir: string;
  /** Sentences for stderr about what was left out, or looks wrong without being an error. */
  readonly warnings: readonly string[];
}

/** One downstream server. `maxTimeoutMs` is never below `timeoutMs`. */
export interface ServerConfig extends Omit<
  FilledServer,
  keyof TransportKeys | 'namespace' | 'limits' | 'auth'
> {
  /** The key in the config file, as the user wrote it. For people, logs and errors. */
  readonly key: string;
  /** The prefix of its exported names: unique, `[A-Za-z0-9-]` and single `_`, no `_` at its end. */
  readonly namespace: string;
  readonly transport: TransportConfig;
  /** Used for remote servers only. */
  readonly auth: AuthConfig;
  readonly limits: LimitsConfig;
}

/** The keys that become the `transport`. */
type TransportKeys = Pick<
  FilledServer,
  'type' | 'command' | 'args' | 'url' | 'host' | 'port' | 'env' | 'envFile' | 'cwd' | 'headers' | 'inheritEnv'
>;

export type TransportConfig =
  | StdioTransportConfig
  | HttpTransportConfig
  | SseTransportConfig
  | WebSocketTransportConfig
  | TcpTransportConfig;

export interface StdioTransportConfig {
  readonly kind: 'stdio';
  /** The command as written; the transport looks it up on the PATH. */
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

/** Equal servers behind one namespace; its members, in order of priority, are at least one, and none is disabled. */
export type PoolConfig = FilledOf<typeof poolKeys> & { readonly key: string; readonly namespace: string };

/** One tool over several different ones. */
export type ComposedToolConfig = FilledOf<typeof composedToolKeys> & { readonly name: string };

/** A call that `switchyard check` may make. */
export type CheckCall = FilledOf<typeof checkCallKeys>;

export type ExposeConfig = Config['expose'];

export type ResultsConfig = Config['results'];

export type RetryConfig = FilledOf<typeof retryKeys>;

export type AuthConfig = FilledOf<typeof authKeys>;

export type LimitsConfig = FilledOf<typeof serverLimitKeys> & Readonly<typeof FIXED_SERVER_LIMITS>;

export type ProxyLimitsConfig = FilledOf<typeof proxyLimitKeys> & Readonly<typeof FIXED_PROXY_LIMITS>;

/** The parts of a config that names are made of. */
export type NamesConfig = Pick<Config, 'servers' | 'tools' | 'expose'>;

/**
 * Tells whether exported names carry their server's namespace. `auto`: unless exactly one server is configured;
 * disabled ones count, so that switching one off renames nothing.
 */
export function prefixesNames(config: Pick<Config, 'servers' | 'expose'>): boolean {
  if (config.expose.namespaces === 'auto') return config.servers.size !== 1;
  return config.expose.namespaces === 'always';
}
