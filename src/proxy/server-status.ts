/** How every server does: for `proxy_status`, for `switchyard status`, for Prometheus. */
import type { AttachedClient } from './attached-client.ts';
import type { Route } from '../catalog/catalog.ts';
import type { ServerSet } from './server-set.ts';
import type { ServerReport } from '../meta-tools/proxy-status.ts';
import type { CallStats } from '../middleware/observe.ts';
import type { Topology } from '../routing/topology.ts';
import { breakerReport, cachedReport, loginReport } from '../pipeline/server-load.ts';
import type { ServerPipeline } from '../pipeline/server-pipeline.ts';
import type { ServerFigures } from '../telemetry/metrics.ts';

export interface ServerStatusesOptions {
  /** As the config of the moment has them. */
  readonly all: () => Topology;
  readonly shared: () => ServerSet;
  readonly attached: () => ReadonlyMap<string, AttachedClient>;
  readonly countOf: (server: string) => CallStats;
}

export class ServerStatuses {
  readonly #options: ServerStatusesOptions;

  constructor(options: ServerStatusesOptions) {
    this.#options = options;
  }

  /** As the client with this view sees them; for nobody's view, the connections that all share. */
  of(view: string): ServerReport[] {
    const { all, shared, attached, countOf } = this.#options;
    const serverSet = attached().get(view)?.serverSet ?? shared();
    const { servers, ownerOf } = all();
    return [...servers.keys()].map((server) => {
      const downstream = serverSet.downstreamOf(server);
      const counts = countOf(server);
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
        ...loginReport(pipeline, view === '' ? this.#ownRoads(server) : []),
        breaker: breakerReport(pipeline),
        queue: { running: pipeline?.gate.running ?? 0, waiting: pipeline?.gate.queued ?? 0 },
        latencyMs: counts.latencyMs,
        retries: counts.retries,
        failovers: counts.failovers,
        cache: cachedReport(countOf(ownerOf(server))),
        problems: serverSet.catalog.problems
          .filter((problem) => problem.server === server || problem.server === ownerOf(server))
          .map(({ item, what }) => (item === '' ? what : `${item}: ${what}`)),
      };
    });
  }

  /** Of the connection that all share, else of any. */
  figures(): ServerFigures[] {
    const { all, shared, attached, countOf } = this.#options;
    const serverSets = new Set([shared(), ...[...attached().values()].map(({ serverSet }) => serverSet)]);
    const { servers, ownerOf } = all();
    return [...servers.keys()].map((server) => {
      const serverSet = [...serverSets].find((one) => one.pipelineOf(server)) ?? shared();
      const pipeline = serverSet.pipelineOf(server);
      const counts = countOf(server);
      return {
        server,
        state: serverSet.downstreamOf(server)?.state ?? 'stopped',
        breaker: pipeline?.circuit.state ?? 'closed',
        running: pipeline?.gate.running ?? 0,
        waiting: pipeline?.gate.queued ?? 0,
        restarts: serverSet.downstreamOf(server)?.status.restarts ?? 0,
        retries: counts.retries,
        failovers: counts.failovers,
        cached: countOf(ownerOf(server)).cached,
        failures: counts.failures,
        toolErrors: counts.toolErrors,
      };
    });
  }

  /** Of one client of each person. */
  #ownRoads(server: string): ServerPipeline[] {
    const { shared, attached } = this.#options;
    const byPerson = new Map<string, ServerPipeline>();
    for (const { member, serverSet } of attached().values()) {
      const pipeline =
        serverSet !== shared() && serverSet.owns(server) ? serverSet.pipelineOf(server) : undefined;
      if (pipeline) byPerson.set(member.client.person ?? '', pipeline);
    }
    return [...byPerson.values()];
  }

  #answers(server: string, { targets: [target] }: Route, serverSet: ServerSet): boolean {
    if (!target || target.server === server) return target !== undefined;
    return (
      this.#options.all().pools.has(target.server) &&
      serverSet.membersWith(target.server, 'tools', target.originalName).includes(server)
    );
  }
}
