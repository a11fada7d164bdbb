/** The proxy as those see it who start it: a command, a program that embeds it, a test. */
import type { Config } from '../config/config.ts';
import type { Client } from '../core/call.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ServerReport } from '../meta-tools/proxy-status.ts';
import type { ServedProxy } from '../server/served-proxy.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkflowsOnDemand } from '../workflow/on-demand.ts';

export interface ProxyOptions {
  readonly config: Config;
  readonly version: string;
  /** One client only (stdio): its downstreams are told exactly what it can do, and belong to it. */
  readonly exclusive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The first client is on its way: handshakes with servers begin when it is known what that client can do. */
  readonly awaitsClient?: boolean;
  /** All clients are one user, as over stdio: they see each other's workflow runs. Default: as `exclusive`. */
  readonly oneUser?: boolean;
  /** The proxy goes on with workflow runs that a dead proxy left; default: true. */
  readonly goesOn?: boolean;
  /** Servers with a snapshot are started before a call wants them; default: true. */
  readonly startsKnown?: boolean;
  /** Set for every child process; tells a proxy that it was started by itself. */
  readonly childEnv?: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock?: Clock;
}

export interface Proxy {
  /** @internal */
  readonly served: ServedProxy;
  /** Every server that connects for all clients is connected. */
  readonly ready: boolean;
  /**
   * Takes over a changed config: only servers that differ are started anew, and calls under way on them may end.
   *
   * @returns the keys that differ and hold for as long as the process lives.
   */
  reload(config: Config): readonly string[];
  /** Waits until every server that connects for all clients is up or has failed. */
  connected(): Promise<void>;
  /** Waits until every server that is coming up for all clients has been listed or has failed. */
  listed(): Promise<void>;
  /** The definition of a saved workflow's tool as JSON, once the saved workflows are read. */
  savedTool(name: string): Promise<string | undefined>;
  /** Waits for a tool of a server that is coming up. */
  toolAppears(name: string, signal: Cancellation): Promise<void>;
  /** Reports on every server as the client with this view sees it; for the empty view, as the operator does. */
  report(view: string): readonly ServerReport[];
  /** Resident memory of each server's processes, bytes; empty where the system does not tell. */
  memory(): Promise<ReadonlyMap<string, number>>;
  /**
   * Absent where `expose.metaTools` is off.
   *
   * @internal
   */
  readonly workflows: WorkflowsOnDemand | undefined;
  /**
   * The clients that are attached now.
   *
   * @internal
   */
  readonly clients: readonly Client[];
  /** Figures for Prometheus. */
  readonly metrics: Metrics | undefined;
  /** Gives servers that were never listed and are still coming up so many milliseconds to be listed and remembered. */
  learn(ms: number): Promise<void>;
  /** Ends every connection and child process, and hurries where only so many milliseconds are left. Idempotent. */
  close(withinMs?: number): Promise<void>;
}
