/** What the model's context is made of, put together: the config, the clients' views, and how the servers do. */
import { join } from 'node:path';
import { Exposures } from '../context/exposures.ts';
import type { Client } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { stringAt } from '../json/json.ts';
import type { CurrentState } from './current-state.ts';
import type { Topology } from '../routing/topology.ts';
import type { FindableServer } from '../search/find-answer.ts';
import type { ClientViews } from './clients/client-views.ts';
import type { ServerSet } from './server-set/server-set.ts';

export interface ModelExposuresOptions {
  readonly state: CurrentState;
  readonly views: ClientViews;
  /** The definitions of the proxy's own tools. */
  readonly own: () => readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export function modelExposures({ state, views, own, clock, log }: ModelExposuresOptions): Exposures {
  return new Exposures({
    expose: () => state.now.config.expose,
    results: () => state.now.config.results,
    async load() {
      const { ModelContext } = await import('../context/model-context.ts');
      return new ModelContext({
        expose: () => state.now.config.expose,
        results: state.now.config.results,
        viewOf: (client) => views.of(client),
        servers: () => state.now.topology.shown,
        serverFacts: (client) =>
          state.now.topology.shown.map((key) => factsOf(key, state.now.topology, views.serverSetOf(client))),
        own,
        folder: join(state.now.config.stateDir, 'results'),
        ownerOf,
        clock,
        log,
      });
    },
  });

  /** Where tokens tell persons apart, a result is its person's in both eras; else its session's. */
  function ownerOf({ id, person }: Client): string {
    return state.now.config.http.tokens.size > 0 && person !== undefined ? `person ${person}` : id;
  }
}

function factsOf(key: string, { pools }: Topology, serverSet: ServerSet): FindableServer {
  const members = pools.get(key)?.members ?? [key];
  const listing = members.map((member) => serverSet.listingOf(member)).find((one) => one !== undefined);
  const about = listing?.instructions ?? stringAt(listing?.serverInfo, 'description') ?? '';
  const troubles = members.map((member) => troubleOf(member, serverSet));
  return { name: key, about, trouble: troubles.includes(undefined) ? undefined : troubles[0] };
}

function troubleOf(server: string, serverSet: ServerSet): FindableServer['trouble'] {
  if (serverSet.pipelineOf(server)?.login?.status.state === 'login required') return 'needs a login';
  const downstream = serverSet.downstreamOf(server);
  if (!downstream || downstream.connected) return undefined;
  const { state } = downstream;
  if (state === 'unhealthy' || state === 'critical') return 'down';
  // A server that nobody has wanted yet starts with its first call.
  return state === 'starting' && serverSet.listingOf(server) === undefined ? 'starting' : undefined;
}
