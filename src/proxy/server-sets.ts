/**
 * All server sets of the proxy: the one of an only client, or one for each group of clients that can do the same and
 * one on top of it for each client.
 */
import type { AttachedClient } from './clients/attached-client.ts';
import { type CapabilityGroup, CapabilityGroups } from './capability-groups.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Client, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { ListKind } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { CurrentState } from './current-state.ts';
import { type ClientIdentity, identitySource } from '../downstream/connection/client-info.ts';
import type { JsonObject } from '../json/json.ts';
import type { ListNotifications } from './clients/list-notifications.ts';
import type { ConnectionsFor, ServerFactory } from './server-factory.ts';
import { serverSetConfig } from './server-set/server-set-config.ts';
import { ServerSet } from './server-set/server-set.ts';
import type { ConnectedClient } from '../server/served-proxy.ts';

const MAX_LOGGED = 10_000;

export interface ServerSetsOptions {
  readonly state: CurrentState;
  readonly clients: ReadonlyMap<string, AttachedClient>;
  readonly factory: ServerFactory;
  /** There is one client only. */
  readonly exclusive: boolean;
  /** The proxy's own name and version, for clients that told none. */
  readonly info: JsonObject;
  /** The expected capabilities of the first client; `undefined`: that client is on its way, and waited for. */
  readonly expected: JsonObject | undefined;
  readonly startsKnown: boolean;
  readonly dropResults: (server: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The servers that a client sees. */
export interface ClientConnections {
  readonly serverSet: ServerSet;
  /** The group whose connections the client shares; an only client has none. */
  readonly group: CapabilityGroup | undefined;
}

interface SetParts {
  readonly connections: ConnectionsFor;
  readonly own: (server: string) => boolean;
  readonly ownOnDemand?: (server: string) => boolean;
  readonly shared?: ServerSet | undefined;
  readonly changed: (kinds: readonly ListKind[]) => void;
}

export class ServerSets {
  readonly #options: ServerSetsOptions;
  /** The identity of an only client. */
  readonly #identity = identitySource();
  readonly #logged = new Set<string>();
  #groups: CapabilityGroups | undefined;
  #first: ServerSet | undefined;

  constructor(options: ServerSetsOptions) {
    this.#options = options;
  }

  /** Connects the servers for the first client, or for the client that is expected. */
  start(): void {
    const { exclusive, info, expected, dropResults, clock, log } = this.#options;
    if (!exclusive)
      this.#groups = new CapabilityGroups({
        info,
        expected,
        open: (groups, group, first) => this.#groupSet(groups, group, first),
        mayPart: (server) => this.#connectionsOf(server) === 'auto',
        parted: dropResults,
        clock,
        log,
      });
    this.#first = this.#groups?.first ?? this.#exclusiveSet();
    this.#first.start();
  }

  /** Serves whoever has no set of its own. */
  get first(): ServerSet {
    if (!this.#first) throw new Error('the server sets are not started yet');
    return this.#first;
  }

  get all(): ReadonlySet<ServerSet> {
    const ofClients = [...this.#options.clients.values()].map(({ serverSet }) => serverSet);
    return new Set([...(this.#groups?.serverSets ?? [this.first]), ...ofClients]);
  }

  /** The set of the client with this view; for nobody's view the first. */
  of(view: string | undefined): ServerSet {
    return (view !== undefined && this.#options.clients.get(view)?.serverSet) || this.first;
  }

  /** Servers have been told, or will be told at once, what their client can do. */
  get identityKnown(): boolean {
    return this.#groups !== undefined || this.#identity.now !== undefined;
  }

  /** Each client has a connection of its own to this server, though the config does not say so. */
  hasParted(server: string): boolean {
    return this.#groups?.hasParted(server) ?? false;
  }

  join(handle: ConnectedClient, listNotifications: ListNotifications): ClientConnections {
    if (this.#groups) {
      const group = this.#groups.join(handle);
      return { group, serverSet: this.#clientSet(this.#groups, group, handle, listNotifications) };
    }
    this.#identity.set(this.#identityOf(handle.client));
    this.first.recall();
    return { group: undefined, serverSet: this.first };
  }

  leave(handle: ConnectedClient, { serverSet, group }: ClientConnections): void {
    if (group) this.#groups?.leave(group, handle);
    if (serverSet !== this.first) void serverSet.close();
  }

  /** Tells the servers whose questions go to this client alone. */
  rootsChanged(handle: ConnectedClient, { serverSet, group }: ClientConnections): void {
    for (const downstream of serverSet.downstreams) downstream.rootsChanged();
    if (!group) return;
    for (const server of this.#options.state.now.topology.servers.keys())
      if (this.#groups?.clientHandleOf(group, server) === handle)
        group.serverSet.downstreamOf(server)?.rootsChanged();
  }

  /** Has every HTTP server hear of the proxies before this one at once. */
  probeHttp(): void {
    for (const [server, { transport }] of this.#options.state.now.topology.servers)
      if (transport.kind === 'http')
        for (const serverSet of this.all) serverSet.downstreamOf(server)?.probe();
  }

  async close(): Promise<void> {
    for (const { serverSet } of this.#options.clients.values())
      if (serverSet !== this.first) await serverSet.close();
    await (this.#groups ?? this.first).close();
  }

  /** The connections of the only client. */
  #exclusiveSet(): ServerSet {
    const { clients } = this.#options;
    const clientHandle = (): ClientHandle | undefined => [...clients.values()][0]?.handle;
    return this.#open({
      connections: {
        identity: this.#identity,
        shared: false,
        clientHandle,
        caller: () => modern(clientHandle()?.client),
        cannotTellWho() {},
        rootsAsked() {},
      },
      own: () => true,
      changed: (kinds) => {
        for (const { listNotifications } of clients.values()) listNotifications.changed(kinds);
      },
    });
  }

  /**
   * The connections that a group of clients shares; those that the config has all clients share are the first group's.
   *
   * @param first the first group's set, where this is another one.
   */
  #groupSet(groups: CapabilityGroups, group: CapabilityGroup, first: ServerSet | undefined): ServerSet {
    return this.#open({
      connections: {
        get identity() {
          return group.identity;
        },
        shared: true,
        clientHandle: (server) => groups.clientHandleOf(group, server),
        caller: (server) => groups.callerOf(group, server),
        cannotTellWho: (server) => groups.cannotTellWho(group, server),
        rootsAsked: (server, client) => groups.rootsAsked(group, server, client),
      },
      own: (server) => {
        const connections = this.#connectionsOf(server);
        return first ? connections === 'auto' : connections !== 'per-client';
      },
      shared: first,
      // Each client of the group has a set of its own, which hears of it.
      changed() {},
    });
  }

  /** A client's own connections, where a server's config or its behaviour asks for them. */
  #clientSet(
    groups: CapabilityGroups,
    group: CapabilityGroup,
    handle: ConnectedClient,
    listNotifications: ListNotifications,
  ): ServerSet {
    const { client } = handle;
    const serverSet = this.#open({
      connections: {
        identity: identitySource(this.#identityOf(client)),
        shared: false,
        owner: client,
        clientHandle: () => handle,
        caller: () => modern(client),
        cannotTellWho() {},
        rootsAsked() {},
      },
      own: (server) => this.#connectionsOf(server) === 'per-client',
      ownOnDemand: (server) => groups.needsOwn(group, server, client.view),
      shared: group.serverSet,
      changed: (kinds) => listNotifications.changed(kinds),
    });
    serverSet.start();
    return serverSet;
  }

  #open({ connections, own, ownOnDemand = () => false, shared, changed }: SetParts): ServerSet {
    const { state, factory, startsKnown, clock } = this.#options;
    return new ServerSet({
      config: serverSetConfig(state.now.config, state.now.topology),
      own,
      ownOnDemand,
      shared,
      startsKnown,
      make: (server, serverChanged) => factory.make(server, connections, serverChanged),
      clock,
      changed: (kinds, catalog) => {
        this.#logProblems(catalog);
        changed(kinds);
      },
    });
  }

  #connectionsOf(server: string): ServerConfig['connections'] | undefined {
    return this.#options.state.now.topology.servers.get(server)?.connections;
  }

  /** The revision of a legacy client may suit a server best that takes no other. */
  #identityOf({ info, capabilities, era, protocolVersion }: Client): ClientIdentity {
    return {
      info: info ?? this.#options.info,
      capabilities,
      protocolVersion: era === 'legacy' ? protocolVersion : undefined,
    };
  }

  /** Logs each problem once, however often the catalog is built. */
  #logProblems({ problems }: Catalog): void {
    for (const { server, item, what } of problems) {
      const id = JSON.stringify([server, item, what]);
      if (this.#logged.has(id)) continue;
      if (this.#logged.size < MAX_LOGGED) this.#logged.add(id);
      this.#options.log.warn({ server, item, what }, 'left out or altered');
    }
  }
}

function modern(client: Client | undefined): Client | undefined {
  return client?.era === 'modern' ? client : undefined;
}
