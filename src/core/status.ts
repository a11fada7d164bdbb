/**
 * The state of a downstream server, as `proxy_status` and the log name it.
 *
 * `ready`, `degraded`, `unhealthy`, `critical`: it is up, and does well or badly; `unhealthy` and `critical` also
 * where it is down, and where it falls again and again. `stopped` is no fault: it was not wanted.
 */
export type DownstreamState =
  'starting' | 'ready' | 'degraded' | 'unhealthy' | 'critical' | 'stopping' | 'stopped';

/** What a server was doing when it failed. */
export type Stage = 'start' | 'run' | 'list' | 'probe';

export interface DownstreamStatus {
  readonly server: string;
  readonly state: DownstreamState;
  readonly protocolVersion: string | undefined;
  readonly serverInfo: Readonly<Record<string, unknown>> | undefined;
  /** How long the start under way has taken so far, milliseconds; absent where there is none. */
  readonly startingMs: number | undefined;
  /** From the start of the last successful connect to its handshake, milliseconds. */
  readonly startMs: number | undefined;
  /** How long all its lists took last, milliseconds. */
  readonly listMs: number | undefined;
  readonly restarts: number;
  /** Until the next attempt, milliseconds. */
  readonly restartInMs: number | undefined;
  /** What went wrong last, at what stage, and how long ago, milliseconds. */
  readonly lastFailure: { readonly stage: Stage; readonly what: string; readonly agoMs: number } | undefined;
  /** Calls under way. */
  readonly inFlight: number;
  /** What it offers is what is remembered of an earlier run. */
  readonly fromSnapshot: boolean;
  readonly health: HealthReport;
  /** Messages that could not be used and were skipped, by kind. */
  readonly skipped: Readonly<Record<string, number>>;
}

export type HealthLevel = 'healthy' | 'degraded' | 'unhealthy' | 'critical';

export interface HealthReport {
  readonly level: HealthLevel;
  /** Why it is not healthy, one sentence part each. */
  readonly reasons: readonly string[];
  /** Of the last minutes' calls. */
  readonly calls: {
    readonly count: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly p95Ms: number | undefined;
    /** What is usual for this server. */
    readonly usualP95Ms: number | undefined;
  };
  readonly probes: {
    readonly failedInARow: number;
    readonly lastMs: number | undefined;
    readonly lastAgoMs: number | undefined;
  };
  /** For how long it has been getting slower, within the last hour. */
  readonly slowingForMs: number | undefined;
}
