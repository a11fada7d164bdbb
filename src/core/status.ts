/** The state of a downstream server, as `proxy_status` and the log name it. */
export type DownstreamState = 'starting' | 'ready' | 'unhealthy' | 'critical' | 'stopping' | 'stopped';

export interface DownstreamStatus {
  readonly server: string;
  readonly state: DownstreamState;
  readonly protocolVersion: string | undefined;
  readonly serverInfo: Readonly<Record<string, unknown>> | undefined;
  /** From the start of the last successful connect to its handshake, milliseconds. */
  readonly startMs: number | undefined;
  readonly restarts: number;
  /** What went wrong last, and how long ago, milliseconds. */
  readonly lastFailure: { readonly what: string; readonly agoMs: number } | undefined;
  /** Calls under way. */
  readonly inFlight: number;
  /** Messages that could not be used and were skipped, by kind. */
  readonly skipped: Readonly<Record<string, number>>;
}
