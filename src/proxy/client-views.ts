/** What each client sees of the servers: for the router, for the policies of a call, for its workflows. */
import type { AttachedClient } from './attached-client.ts';
import type { Client } from '../core/call.ts';
import type { ServerSet } from './server-set.ts';
import type { ClientView } from '../pipeline/call-pipeline.ts';
import type { Topology } from '../routing/topology.ts';
import type { Pool } from '../routing/pool.ts';
import { loadScore } from '../pipeline/server-load.ts';
import { workflowView } from '../routing/workflow-view.ts';
import type { Tools } from '../workflow/tools.ts';

export interface ClientViewsOptions {
  /** As the config of the moment has them. */
  readonly all: () => Topology;
  readonly pools: () => ReadonlyMap<string, Pool>;
  readonly shared: () => ServerSet;
  readonly attached: () => ReadonlyMap<string, AttachedClient>;
  /** There is one client only. */
  readonly exclusive: boolean;
  /** Whether each client has a connection to a server of its own, though the config does not say so. */
  readonly hasParted: (server: string) => boolean;
}

export class ClientViews {
  readonly #options: ClientViewsOptions;
  /** Made once for each server set, not for each call. */
  readonly #views = new WeakMap<ServerSet, ClientView>();

  constructor(options: ClientViewsOptions) {
    this.#options = options;
  }

  /** Without a client, what all see. */
  serverSetOf(client: Client | undefined): ServerSet {
    const { attached, shared } = this.#options;
    return (client && attached().get(client.view)?.serverSet) ?? shared();
  }

  of(client: Client): ClientView {
    const serverSet = this.serverSetOf(client);
    let view = this.#views.get(serverSet);
    if (!view) this.#views.set(serverSet, (view = this.#viewOn(serverSet)));
    return view;
  }

  /** What a client's workflow may call. @param isSafe to repeat, by the name clients see. */
  tools(client: Client | undefined, isSafe: (name: string) => boolean): Tools {
    const { all } = this.#options;
    const serverSet = this.serverSetOf(client);
    const isReady = (server: string): boolean => serverSet.downstreamOf(server)?.state === 'ready';
    return workflowView({
      catalog: serverSet.catalog,
      healthOf: (server) => {
        const one = all().pools.get(server)?.members.find(isReady);
        return serverSet.downstreamOf(one ?? server)?.state ?? 'stopped';
      },
      isSafe,
    });
  }

  #viewOn(serverSet: ServerSet): ClientView {
    const { all, pools, exclusive, hasParted } = this.#options;
    return {
      get catalog() {
        return serverSet.catalog;
      },
      appears: (found, wanted) => serverSet.appears(found, wanted),
      absence: (name) => serverSet.absence(name),
      missed: () => serverSet.freshen('missed'),
      alone: (server) => exclusive || serverSet.owns(server),
      find: (server) => serverSet.find(server)?.pipeline.handle,
      pool: (server) => pools().get(server),
      membersOf: (pool, kind, name) =>
        kind === undefined || name === undefined
          ? (all().pools.get(pool)?.members ?? [])
          : serverSet.membersWith(pool, kind, name),
      ownerOf: (server) => all().ownerOf(server),
      scoreOf: (server, tool) =>
        loadScore(serverSet.downstreamOf(server)?.state, serverSet.pipelineOf(server), tool),
      listingOf: (server) => serverSet.listingOf(server),
      apart: (server) => serverSet.owns(server) || hasParted(server),
      generationOf: (server) => serverSet.pipelineOf(server)?.generation ?? 0,
    };
  }
}
