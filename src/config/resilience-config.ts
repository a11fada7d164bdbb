/** How calls are protected, spread and kept: the checked part of the configuration, and what holds by itself. */

export interface RetryConfig {
  /** In all, the first included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly maxDelayMs: number;
}

export interface CircuitBreakerConfig {
  readonly failureThreshold: number;
  readonly recoveryTimeoutMs: number;
  readonly halfOpenMaxCalls: number;
  readonly successThreshold: number;
}

export interface CacheConfig {
  /** `named`: the tools in `tools`; `auto`: also the read-only ones of a trusted server. */
  readonly mode: 'off' | 'named' | 'auto';
  /** Globs over the server's own names, like `invalidatedBy`. */
  readonly tools: readonly string[];
  readonly ttlMs: number;
  readonly staleIfErrorMs: number;
  readonly scope: 'client' | 'shared';
  /** Tools whose success makes the server's cached results worthless. */
  readonly invalidatedBy: readonly string[];
}

/** Second attempts of all servers together, by the calls under way. */
export interface RetryBudgetConfig {
  readonly ratio: number;
  readonly min: number;
}

export type PoolStrategy = 'failover' | 'round-robin' | 'least-busy';

/** Equal servers behind one namespace. */
export interface PoolConfig {
  readonly key: string;
  readonly namespace: string;
  /** Keys of servers, in order of priority; at least one, none of them disabled. */
  readonly members: readonly string[];
  readonly strategy: PoolStrategy;
  readonly exposeMembers: boolean;
}

/** One tool over several different ones. */
export interface ComposedToolConfig {
  readonly name: string;
  readonly description: string | undefined;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly strategy: 'first' | 'merge';
  readonly deadlineMs: number;
  readonly targets: readonly {
    /** A name as clients see it. */
    readonly tool: string;
    readonly arguments: Readonly<Record<string, unknown>>;
  }[];
}

export const builtInRetry: RetryConfig = { attempts: 3, delayMs: 200, maxDelayMs: 5_000 };

export const builtInCircuitBreaker: CircuitBreakerConfig = {
  failureThreshold: 5,
  recoveryTimeoutMs: 30_000,
  halfOpenMaxCalls: 3,
  successThreshold: 2,
};

export const builtInCache: CacheConfig = {
  mode: 'named',
  tools: [],
  ttlMs: 60_000,
  staleIfErrorMs: 0,
  scope: 'client',
  invalidatedBy: [],
};

export const builtInRetryBudget: RetryBudgetConfig = { ratio: 0.2, min: 3 };

export const builtInConcurrency = { maxConcurrency: 16, maxQueue: 256 } as const;
