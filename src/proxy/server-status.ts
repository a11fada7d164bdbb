/** How every server does: for `proxy_status`, for `switchyard status`, for Prometheus. */
import type { Attached } from './attached-client.ts';
import type { Route } from '../catalog/catalog.ts';
import type { Fleet } from './server-set.ts';
import type { ServerReport } from '../meta-tools/proxy-status.ts';
import type { CallStats } from '../middleware/observe.ts';
import type { Members } from '../routing/topology.ts';
import { breakerReport, cachedReport, loginReport } from '../pipeline/server-load.ts';
import type { ServerRoad } from '../pipeline/server-pipeline.ts';
import type { ServerFigures } from '../telemetry/metrics.ts';

export interface ServerReportsOptions {
  /** As the config of the moment has them. */
  readonly all: () => Members;
  readonly shared: () => Fleet;
  readonly attached: () => ReadonlyMap<string, Attached>;
  readonly countOf: (server: string) => CallStats;
}

export class ServerReports {
  readonly #options: ServerReportsOptions;

  constructor(options: ServerReportsOptions) {
    this.#options = options;
  }

  /** As the client with this view sees them; for nobody's view, the connections that all share. */
  of(view: string): ServerReport[] {
    const { all, shared, attached, countOf } = this.#options;
    const fleet = attached().get(view)?.fleet ?? shared();
    const { servers, ownerOf } = all();
    return [...servers.keys()].map((server) => {
      const downstream = fleet.downstreamOf(server);
      const counts = countOf(server);
      const road = fleet.roadOf(server);
      return {
        ...downstream?.status,
        server,
        state: downstream?.state ?? 'stopped',
        tools: [...fleet.catalog.tools.values()].filter((route) => this.#answers(server, route, fleet))
          .length,
        calls: counts.calls,
        errors: [...counts.failures.values()].reduce((sum, count) => sum + count, 0),
        failures: Object.fromEntries(counts.failures),
        toolErrors: counts.toolErrors,
        ...loginReport(road, view === '' ? this.#ownRoads(server) : []),
        breaker: breakerReport(road),
        queue: { running: road?.gate.running ?? 0, waiting: road?.gate.queued ?? 0 },
        latencyMs: counts.latencyMs,
        retries: counts.retries,
        failovers: counts.failovers,
        cache: cachedReport(countOf(ownerOf(server))),
        problems: fleet.catalog.problems
          .filter((problem) => problem.server === server || problem.server === ownerOf(server))
          .map(({ item, what }) => (item === '' ? what : `${item}: ${what}`)),
      };
    });
  }

  /** Of the connection that all share, else of any. */
  figures(): ServerFigures[] {
    const { all, shared, attached, countOf } = this.#options;
    const fleets = new Set([shared(), ...[...attached().values()].map(({ fleet }) => fleet)]);
    const { servers, ownerOf } = all();
    return [...servers.keys()].map((server) => {
      const fleet = [...fleets].find((one) => one.roadOf(server)) ?? shared();
      const road = fleet.roadOf(server);
      const counts = countOf(server);
      return {
        server,
        state: fleet.downstreamOf(server)?.state ?? 'stopped',
        breaker: road?.circuit.state ?? 'closed',
        running: road?.gate.running ?? 0,
        waiting: road?.gate.queued ?? 0,
        restarts: fleet.downstreamOf(server)?.status.restarts ?? 0,
        retries: counts.retries,
        failovers: counts.failovers,
        cached: countOf(ownerOf(server)).cached,
        failures: counts.failures,
        toolErrors: counts.toolErrors,
      };
    });
  }

  /** Of one client of each person. */
  #ownRoads(server: string): ServerRoad[] {
    const { shared, attached } = this.#options;
    const byPerson = new Map<string, ServerRoad>();
    for (const { member, fleet } of attached().values()) {
      const road = fleet !== shared() && fleet.owns(server) ? fleet.roadOf(server) : undefined;
      if (road) byPerson.set(member.client.person ?? '', road);
    }
    return [...byPerson.values()];
  }

  #answers(server: string, { targets: [target] }: Route, fleet: Fleet): boolean {
    if (!target || target.server === server) return target !== undefined;
    return (
      this.#options.all().pools.has(target.server) &&
      fleet.membersWith(target.server, 'tools', target.originalName).includes(server)
    );
  }
}
