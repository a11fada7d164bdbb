/**
 * Clients that can do the same are a group, and a group shares one set of connections.
 *
 * A server is told of no capability that the clients behind its connection lack, and of all that they have. The first
 * group is there from the start: its connections are opened for the client that is expected, and opened anew where a
 * client with other capabilities comes while the group is empty. A server that asks a client for its roots, or asks what
 * only one of several clients can answer, gets a connection for each client; the connection that it has stays with that
 * client.
 */
import type { Client, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { identitySource, type SettableIdentity } from '../downstream/connection/client-info.ts';
import type { ServerSet } from './server-set/server-set.ts';
import { capabilitiesKey } from '../protocol/client-capabilities.ts';
import type { ConnectedClient } from '../server/served-proxy.ts';

/** The connections of an empty group are kept so long, for clients that come again. */
const EMPTY_MS = 30_000;
/** Stands for the holder of a connection that no client may have for itself. */
const NOBODY = '';

export interface CapabilityGroupsOptions {
  readonly info: JsonObject;
  /** The expected capabilities of the first client; `undefined`: that client is on its way, and waited for. */
  readonly expected: JsonObject | undefined;
  /** Makes a group's server set, not started. @param first the first group's set, where this is another one. */
  readonly open: (
    groups: CapabilityGroups,
    group: CapabilityGroup,
    first: ServerSet | undefined,
  ) => ServerSet;
  /** The config leaves it to the proxy which clients share a server's connection. */
  readonly mayPart: (server: string) => boolean;
  /** The server's connections are its clients' own from now on. */
  readonly parted: (server: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class CapabilityGroup {
  /** The identity of connections that are opened from now on: each keeps its own, and lists in its name. */
  identity: SettableIdentity;
  /** The clients that are here, by view. */
  readonly clients = new Map<string, ConnectedClient>();
  /** The views of the clients that the group's connections have served, the first two. */
  readonly served = new Set<string>();
  /** The view whose client this group's connection is now, by server that has connections for each client. */
  readonly holders = new Map<string, string>();
  /** Servers that asked when no client was here. */
  readonly unanswered = new Set<string>();
  cancelEnd: (() => void) | undefined;
  serverSet!: ServerSet;

  constructor(identity: SettableIdentity) {
    this.identity = identity;
  }
}

export class CapabilityGroups {
  readonly #options: CapabilityGroupsOptions;
  readonly #first: CapabilityGroup;
  /** The further groups, by their capabilities. */
  readonly #others = new Map<string, CapabilityGroup>();
  /** Servers that have connections for each client. */
  readonly #parted = new Set<string>();
  /** The views of the clients that came, the first two. */
  readonly #came = new Set<string>();

  constructor(options: CapabilityGroupsOptions) {
    this.#options = options;
    const { info, expected: capabilities } = options;
    this.#first = this.#open(identitySource(capabilities && { info, capabilities }), undefined);
  }

  /** The server set that serves every client without a group. */
  get first(): ServerSet {
    return this.#first.serverSet;
  }

  get serverSets(): readonly ServerSet[] {
    return [this.#first, ...this.#others.values()].map(({ serverSet }) => serverSet);
  }

  /** Each client has a connection of its own to this server, though the config does not say so. */
  hasParted(server: string): boolean {
    return this.#parted.has(server);
  }

  /** Finds a client's group, or makes one. */
  join(handle: ConnectedClient): CapabilityGroup {
    const { view, capabilities } = handle.client;
    const group = this.#groupFor(capabilities);
    group.cancelEnd?.();
    if (group.clients.size === 0 && group.unanswered.size > 0) group.serverSet.renew(group.unanswered);
    group.unanswered.clear();
    group.clients.set(view, handle);
    for (const views of [group.served, this.#came]) if (views.size < 2) views.add(view);
    return group;
  }

  leave(group: CapabilityGroup, handle: ConnectedClient): void {
    const { view } = handle.client;
    if (group.clients.get(view) !== handle) return;
    group.clients.delete(view);
    const empty = group.clients.size === 0;
    for (const [server, holder] of group.holders) {
      if (holder !== view && !empty) continue;
      group.holders.delete(server);
      // The server knows the roots of the client that has left.
      group.serverSet.downstreamOf(server)?.rest();
    }
    if (!empty || group === this.#first) return;
    group.cancelEnd = this.#options.clock.after(EMPTY_MS, () => void this.#end(group));
  }

  /** The one client that a server can only mean, whatever it asks. */
  clientHandleOf(group: CapabilityGroup, server: string): ClientHandle | undefined {
    const handle = this.#only(group, server);
    // Programs of the modern era that share a token look like one client.
    return handle?.client.era === 'legacy' ? handle : undefined;
  }

  /** The one client of the modern era, whose programs can be asked with their own calls. */
  callerOf(group: CapabilityGroup, server: string): Client | undefined {
    const client = this.#only(group, server)?.client;
    return client?.era === 'modern' ? client : undefined;
  }

  /** A client needs a connection of its own beside its group's, or takes the group's over. */
  needsOwn(group: CapabilityGroup, server: string, view: string): boolean {
    if (!this.#parted.has(server)) return false;
    const holder = group.holders.get(server);
    if (holder !== undefined) return holder !== view;
    const fresh = group.served.size === 1 || group.serverSet.downstreamOf(server)?.connected !== true;
    group.holders.set(server, fresh ? view : NOBODY);
    return !fresh;
  }

  /** A server is about to learn a client's roots: no other client may use that connection. */
  rootsAsked(group: CapabilityGroup, server: string, { view }: Client): void {
    if (!this.#options.mayPart(server)) return;
    if (!group.holders.has(server)) group.holders.set(server, group.served.size === 1 ? view : NOBODY);
    this.#part(server, 'asks its clients for their roots');
  }

  /** A server asked, and it could not be told whom. */
  cannotTellWho(group: CapabilityGroup, server: string): void {
    if (!this.#options.mayPart(server)) return;
    if (group.clients.size === 0) return void group.unanswered.add(server);
    if (!group.holders.has(server)) group.holders.set(server, NOBODY);
    this.#part(server, 'asks its clients questions');
  }

  async close(): Promise<void> {
    for (const { cancelEnd } of this.#others.values()) cancelEnd?.();
    await Promise.all([...this.#others.values()].map(({ serverSet }) => serverSet.close()));
    await this.#first.serverSet.close();
  }

  #only(group: CapabilityGroup, server: string): ConnectedClient | undefined {
    const [only, another] = this.#options.mayPart(server) ? group.served : this.#came;
    const view = this.#parted.has(server) ? group.holders.get(server) : another ? undefined : only;
    return view === undefined ? undefined : group.clients.get(view);
  }

  #groupFor(capabilities: JsonObject): CapabilityGroup {
    const first = this.#first;
    const { info } = this.#options;
    const key = capabilitiesKey(capabilities);
    const { now } = first.identity;
    if (now && capabilitiesKey(now.capabilities) === key) return first;
    const known = this.#others.get(key);
    if (known) return known;
    if (!now) {
      first.identity.set({ info, capabilities });
      first.serverSet.recall();
      return first;
    }
    if (first.clients.size > 0) {
      const group = this.#open(identitySource({ info, capabilities }), first.serverSet);
      this.#others.set(key, group);
      group.serverSet.start();
      return group;
    }
    first.identity = identitySource({ info, capabilities });
    first.served.clear();
    first.holders.clear();
    first.unanswered.clear();
    first.serverSet.renew();
    return first;
  }

  #open(identity: SettableIdentity, first: ServerSet | undefined): CapabilityGroup {
    const group = new CapabilityGroup(identity);
    group.serverSet = this.#options.open(this, group, first);
    return group;
  }

  async #end(group: CapabilityGroup): Promise<void> {
    for (const [key, one] of this.#others) if (one === group) this.#others.delete(key);
    await group.serverSet.close();
  }

  #part(server: string, why: string): void {
    if (this.#parted.has(server)) return;
    this.#parted.add(server);
    this.#options.log.info({ server }, `${why}: every client gets a connection of its own from now on`);
    this.#options.parted(server);
  }
}
