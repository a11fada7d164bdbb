/**
 * The state of a downstream server, as `proxy_status` and the log name it.
 *
 * A server in `ready`, `degraded`, `unhealthy` or `critical` is up; a server that is down, or falls again and again, is
 * also `unhealthy` or `critical`. `stopped` is no fault: the server was not wanted.
 */
export type DownstreamState =
  'starting' | 'ready' | 'degraded' | 'unhealthy' | 'critical' | 'stopping' | 'stopped';

/** The activity in which a server failed. */
export type Stage = 'start' | 'run' | 'list' | 'probe';

export interface DownstreamStatus {
  readonly server: string;
  readonly state: DownstreamState;
  readonly protocolVersion: string | undefined;
  readonly serverInfo: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds since the current start began; absent if the server is not starting. */
  readonly startingMs: number | undefined;
  /** Milliseconds from the start of the last successful connect to its handshake. */
  readonly startMs: number | undefined;
  /** Milliseconds that all lists took last time. */
  readonly listMs: number | undefined;
  readonly restarts: number;
  /** Milliseconds until the next attempt. */
  readonly restartInMs: number | undefined;
  /** The latest failure, its stage and its age in milliseconds. */
  readonly lastFailure: { readonly stage: Stage; readonly what: string; readonly agoMs: number } | undefined;
  /** Calls under way. */
  readonly inFlight: number;
  /** The lists are those of an earlier run. */
  readonly fromSnapshot: boolean;
  readonly health: HealthReport;
  /** Messages that could not be used and were skipped, counted by kind. */
  readonly skipped: Readonly<Record<string, number>>;
}

export type HealthLevel = 'healthy' | 'degraded' | 'unhealthy' | 'critical';

export interface HealthReport {
  readonly level: HealthLevel;
  /** The reasons for not being healthy, one sentence part each. */
  readonly reasons: readonly string[];
  /** Figures of the last minutes' calls. */
  readonly calls: {
    readonly count: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly p95Ms: number | undefined;
    /** The usual p95 of this server. */
    readonly usualP95Ms: number | undefined;
  };
  readonly probes: {
    readonly failedInARow: number;
    readonly lastMs: number | undefined;
    readonly lastAgoMs: number | undefined;
  };
  /** Milliseconds for which the server has been getting slower, within the last hour. */
  readonly slowingForMs: number | undefined;
}
