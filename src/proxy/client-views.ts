/** What each client sees of the servers: for the router, for the policies of a call, for its workflows. */
import type { Attached } from './attached-client.ts';
import type { Client } from '../core/call.ts';
import type { Fleet } from './server-set.ts';
import type { PolicyView } from '../routing/call-policies.ts';
import type { Members } from '../routing/topology.ts';
import type { Pool } from '../routing/pool.ts';
import { standing } from '../pipeline/server-load.ts';
import type { View } from '../routing/router.ts';
import { workflowView } from '../routing/workflow-view.ts';
import type { Tools } from '../workflow/tools.ts';

export interface ClientViewsOptions {
  /** As the config of the moment has them. */
  readonly all: () => Members;
  readonly pools: () => ReadonlyMap<string, Pool>;
  readonly shared: () => Fleet;
  readonly attached: () => ReadonlyMap<string, Attached>;
  /** There is one client only. */
  readonly exclusive: boolean;
  /** Whether each client has a connection to a server of its own, though the config does not say so. */
  readonly hasParted: (server: string) => boolean;
}

type FleetView = View &
  PolicyView & {
    /** Has servers asked again that may offer by now what no list has. */
    missed(): Promise<void>;
  };

export class ClientViews {
  readonly #options: ClientViewsOptions;
  /** Made once for each fleet, not for each call. */
  readonly #views = new WeakMap<Fleet, FleetView>();

  constructor(options: ClientViewsOptions) {
    this.#options = options;
  }

  /** Without a client, what all see. */
  fleetOf(client: Client | undefined): Fleet {
    const { attached, shared } = this.#options;
    return (client && attached().get(client.view)?.fleet) ?? shared();
  }

  of(client: Client): FleetView {
    const fleet = this.fleetOf(client);
    let view = this.#views.get(fleet);
    if (!view) this.#views.set(fleet, (view = this.#viewOn(fleet)));
    return view;
  }

  /** What a client's workflow may call. @param isSafe to repeat, by the name clients see. */
  tools(client: Client | undefined, isSafe: (name: string) => boolean): Tools {
    const { all } = this.#options;
    const fleet = this.fleetOf(client);
    const isReady = (server: string): boolean => fleet.downstreamOf(server)?.state === 'ready';
    return workflowView({
      catalog: fleet.catalog,
      healthOf: (server) => {
        const one = all().pools.get(server)?.members.find(isReady);
        return fleet.downstreamOf(one ?? server)?.state ?? 'stopped';
      },
      isSafe,
    });
  }

  #viewOn(fleet: Fleet): FleetView {
    const { all, pools, exclusive, hasParted } = this.#options;
    return {
      get catalog() {
        return fleet.catalog;
      },
      appears: (found, wanted) => fleet.appears(found, wanted),
      absence: (name) => fleet.absence(name),
      missed: () => fleet.freshen('missed'),
      alone: (server) => exclusive || fleet.owns(server),
      find: (server) => fleet.find(server)?.road.handle,
      pool: (server) => pools().get(server),
      membersOf: (pool, kind, name) =>
        kind === undefined || name === undefined
          ? (all().pools.get(pool)?.members ?? [])
          : fleet.membersWith(pool, kind, name),
      ownerOf: (server) => all().ownerOf(server),
      standingOf: (server, tool) => standing(fleet.downstreamOf(server)?.state, fleet.roadOf(server), tool),
      listingOf: (server) => fleet.listingOf(server),
      apart: (server) => fleet.owns(server) || hasParted(server),
      generationOf: (server) => fleet.roadOf(server)?.generation ?? 0,
    };
  }
}
