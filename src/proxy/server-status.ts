/** Reports on every server: for `proxy_status`, for `switchyard status`, for Prometheus. */
import type { AttachedClient } from './clients/attached-client.ts';
import type { Route } from '../catalog/catalog.ts';
import type { ServerSet } from './server-set/server-set.ts';
import type { ServerSets } from './server-sets.ts';
import type { ServerReport } from '../meta-tools/proxy-status.ts';
import type { CallCounts } from '../pipeline/call-counts.ts';
import type { CurrentState } from './current-state.ts';
import { breakerReport, cachedReport, loginReport } from '../pipeline/server-load.ts';
import type { ServerPipeline } from '../pipeline/server-pipeline.ts';
import type { ServerFigures } from '../telemetry/metrics.ts';
import { memoryByGroup } from '../transport/child-process/process-table.ts';

export interface ServerStatusesOptions {
  readonly state: CurrentState;
  readonly clients: ReadonlyMap<string, AttachedClient>;
  readonly serverSets: ServerSets;
  readonly counts: CallCounts;
}

export class ServerStatuses {
  readonly #options: ServerStatusesOptions;

  constructor(options: ServerStatusesOptions) {
    this.#options = options;
  }

  /** The reports as the client with this view sees the servers; for nobody's view, of the connections that all share. */
  of(view: string): ServerReport[] {
    const { state, serverSets, counts: allCounts } = this.#options;
    const serverSet = serverSets.of(view);
    const { servers, ownerOf } = state.now.topology;
    return [...servers.keys()].map((server) => {
      const downstream = serverSet.downstreamOf(server);
      const counts = allCounts.of(server);
      const pipeline = serverSet.pipelineOf(server);
      return {
        ...downstream?.status,
        server,
        state: downstream?.state ?? 'stopped',
        tools: [...serverSet.catalog.tools.values()].filter((route) =>
          this.#answers(server, route, serverSet),
        ).length,
        calls: counts.calls,
        errors: [...counts.failures.values()].reduce((sum, count) => sum + count, 0),
        failures: Object.fromEntries(counts.failures),
        toolErrors: counts.toolErrors,
        ...loginReport(pipeline, view === '' ? this.#pipelinesOfPersons(server) : []),
        breaker: breakerReport(pipeline),
        queue: { running: pipeline?.gate.running ?? 0, waiting: pipeline?.gate.queued ?? 0 },
        latencyMs: counts.latencyMs,
        retries: counts.retries,
        failovers: counts.failovers,
        cache: cachedReport(allCounts.of(ownerOf(server))),
        problems: serverSet.catalog.problems
          .filter((problem) => problem.server === server || problem.server === ownerOf(server))
          .map(({ item, what }) => (item === '' ? what : `${item}: ${what}`)),
      };
    });
  }

  /** The figures of the connection that all share, else of any. */
  figures(): ServerFigures[] {
    const { state, clients, counts: allCounts } = this.#options;
    const { first } = this.#options.serverSets;
    const serverSets = new Set([first, ...[...clients.values()].map(({ serverSet }) => serverSet)]);
    const { servers, ownerOf } = state.now.topology;
    return [...servers.keys()].map((server) => {
      const serverSet = [...serverSets].find((one) => one.pipelineOf(server)) ?? first;
      const pipeline = serverSet.pipelineOf(server);
      const counts = allCounts.of(server);
      return {
        server,
        state: serverSet.downstreamOf(server)?.state ?? 'stopped',
        breaker: pipeline?.circuit.state ?? 'closed',
        running: pipeline?.gate.running ?? 0,
        waiting: pipeline?.gate.queued ?? 0,
        restarts: serverSet.downstreamOf(server)?.status.restarts ?? 0,
        retries: counts.retries,
        failovers: counts.failovers,
        cached: allCounts.of(ownerOf(server)).cached,
        failures: counts.failures,
        toolErrors: counts.toolErrors,
      };
    });
  }

  /** The pipelines of connections that belong to one person each. */
  #pipelinesOfPersons(server: string): ServerPipeline[] {
    const { clients, serverSets } = this.#options;
    const byPerson = new Map<string, ServerPipeline>();
    for (const { handle, serverSet } of clients.values()) {
      const pipeline =
        serverSet !== serverSets.first && serverSet.owns(server) ? serverSet.pipelineOf(server) : undefined;
      if (pipeline) byPerson.set(handle.client.person ?? '', pipeline);
    }
    return [...byPerson.values()];
  }

  #answers(server: string, { targets: [target] }: Route, serverSet: ServerSet): boolean {
    if (!target || target.server === server) return target !== undefined;
    return (
      this.#options.state.now.topology.pools.has(target.server) &&
      serverSet.membersWith(target.server, 'tools', target.originalName).includes(server)
    );
  }
}

/** Resident memory of each server's processes, bytes. @param running the server of each process, by process id. */
export async function memoryByServer(
  running: ReadonlyMap<number, string>,
): Promise<ReadonlyMap<string, number>> {
  const byGroup = await memoryByGroup();
  const byServer = new Map<string, number>();
  for (const [pid, server] of running)
    if (byGroup.has(pid)) byServer.set(server, (byServer.get(server) ?? 0) + (byGroup.get(pid) ?? 0));
  return byServer;
}
