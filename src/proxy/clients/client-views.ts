/** The servers as each client sees them: for the router, for the policies of a call, for workflows. */
import type { Client } from '../../core/call.ts';
import type { CurrentState } from '../current-state.ts';
import type { ServerSet } from '../server-set/server-set.ts';
import type { ServerSets } from '../server-sets.ts';
import type { ClientView } from '../../pipeline/call-pipeline.ts';
import { loadScore } from '../../pipeline/server-load.ts';
import { workflowView } from '../../routing/workflow-view.ts';
import type { Tools } from '../../workflow/tools.ts';

export interface ClientViewsOptions {
  readonly state: CurrentState;
  readonly serverSets: ServerSets;
  /** There is one client only. */
  readonly exclusive: boolean;
}

export class ClientViews {
  readonly #options: ClientViewsOptions;
  /** Views are made once for each server set, not for each call. */
  readonly #views = new WeakMap<ServerSet, ClientView>();

  constructor(options: ClientViewsOptions) {
    this.#options = options;
  }

  /** The server set of a client; without a client, the one that all see. */
  serverSetOf(client: Client | undefined): ServerSet {
    return this.#options.serverSets.of(client?.view);
  }

  of(client: Client): ClientView {
    const serverSet = this.serverSetOf(client);
    let view = this.#views.get(serverSet);
    if (!view) this.#views.set(serverSet, (view = this.#viewOn(serverSet)));
    return view;
  }

  /** The tools that a client's workflow may call. @param isSafe to repeat, by the name that clients see. */
  tools(client: Client | undefined, isSafe: (name: string) => boolean): Tools {
    const { state } = this.#options;
    const serverSet = this.serverSetOf(client);
    const isReady = (server: string): boolean => serverSet.downstreamOf(server)?.state === 'ready';
    return workflowView({
      catalog: serverSet.catalog,
      healthOf: (server) => {
        const one = state.now.topology.pools.get(server)?.members.find(isReady);
        return serverSet.downstreamOf(one ?? server)?.state ?? 'stopped';
      },
      isSafe,
    });
  }

  #viewOn(serverSet: ServerSet): ClientView {
    const { state, serverSets, exclusive } = this.#options;
    return {
      get catalog() {
        return serverSet.catalog;
      },
      appears: (found, wanted) => serverSet.appears(found, wanted),
      absence: (name) => serverSet.absence(name),
      missed: () => serverSet.freshen('missed'),
      alone: (server) => exclusive || serverSet.owns(server),
      find: (server) => serverSet.find(server)?.pipeline.handle,
      pool: (server) => state.now.pipeline.pools.get(server),
      membersOf: (pool, kind, name) =>
        kind === undefined || name === undefined
          ? (state.now.topology.pools.get(pool)?.members ?? [])
          : serverSet.membersWith(pool, kind, name),
      ownerOf: (server) => state.now.topology.ownerOf(server),
      scoreOf: (server, tool) =>
        loadScore(serverSet.downstreamOf(server)?.state, serverSet.pipelineOf(server), tool),
      listingOf: (server) => serverSet.listingOf(server),
      apart: (server) => serverSet.owns(server) || serverSets.hasParted(server),
      generationOf: (server) => serverSet.pipelineOf(server)?.generation ?? 0,
    };
  }
}
