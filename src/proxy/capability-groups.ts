/**
 * Who shares connections with whom: clients that can do the same are a group, and a group has one set of connections.
 *
 * A server is told of no capability that the clients behind its connection lack, and of all that they have. The first
 * group is there from the start: its connections are opened for the client that is expected, and opened anew where
 * one with other capabilities comes while it is empty. A server that asks a client for its roots, or asks what only
 * one of several clients can answer, gets a connection for each client; the one that it has stays with that client.
 */
import type { Client, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { identitySource, type SettableIdentity } from '../downstream/connection/client-info.ts';
import type { ServerSet } from './server-set.ts';
import { capabilitiesKey } from '../protocol/client-capabilities.ts';
import type { ConnectedClient } from '../server/served-proxy.ts';

/** The connections of an empty group are kept so long, for clients that come again. */
const EMPTY_MS = 30_000;
/** Stands for the holder of a connection that nobody may have for himself. */
const NOBODY = '';

export interface CapabilityGroupsOptions {
  readonly info: JsonObject;
  /** What the first client is expected to be able to do; unknown: it is on its way, and waited for. */
  readonly expected: JsonObject | undefined;
  /** Makes a group's server set; its servers are started by `start`. */
  readonly open: (capabilityGroup: CapabilityGroup, first: ServerSet | undefined) => ServerSet;
  /** Whether the config leaves it to us who shares a server's connection. */
  readonly mayPart: (server: string) => boolean;
  /** The server's connections are its clients' own from now on. */
  readonly parted: (server: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class CapabilityGroup {
  /** Of the connections that are opened from now on: each keeps its own, and lists in its name. */
  identity: SettableIdentity;
  /** By view. */
  readonly members = new Map<string, ConnectedClient>();
  /** The views of those that its connections have served, the first two. */
  readonly served = new Set<string>();
  /** By server that has connections for each client: whose this group's is. */
  readonly holders = new Map<string, string>();
  /** Servers that asked when nobody was here. */
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
  /** The further ones, by their capabilities. */
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

  /** The server set that serves whoever has no group. */
  get first(): ServerSet {
    return this.#first.serverSet;
  }

  get serverSets(): readonly ServerSet[] {
    return [this.#first, ...this.#others.values()].map(({ serverSet }) => serverSet);
  }

  /** Whether each client has a connection of its own to a server, though the config does not say so. */
  hasParted(server: string): boolean {
    return this.#parted.has(server);
  }

  /** Finds a client's group, or makes one. */
  join(member: ConnectedClient): CapabilityGroup {
    const { view, capabilities } = member.client;
    const capabilityGroup = this.#cohortFor(capabilities);
    capabilityGroup.cancelEnd?.();
    if (capabilityGroup.members.size === 0 && capabilityGroup.unanswered.size > 0)
      capabilityGroup.serverSet.renew(capabilityGroup.unanswered);
    capabilityGroup.unanswered.clear();
    capabilityGroup.members.set(view, member);
    for (const views of [capabilityGroup.served, this.#came]) if (views.size < 2) views.add(view);
    return capabilityGroup;
  }

  leave(capabilityGroup: CapabilityGroup, member: ConnectedClient): void {
    const { view } = member.client;
    if (capabilityGroup.members.get(view) !== member) return;
    capabilityGroup.members.delete(view);
    const empty = capabilityGroup.members.size === 0;
    for (const [server, holder] of capabilityGroup.holders) {
      if (holder !== view && !empty) continue;
      capabilityGroup.holders.delete(server);
      // It knows the roots of who has left.
      capabilityGroup.serverSet.downstreamOf(server)?.rest();
    }
    if (!empty || capabilityGroup === this.#first) return;
    capabilityGroup.cancelEnd = this.#options.clock.after(EMPTY_MS, () => void this.#end(capabilityGroup));
  }

  /** The one client that a server can only mean, whatever it asks. */
  doorOf(capabilityGroup: CapabilityGroup, server: string): ClientHandle | undefined {
    const member = this.#only(capabilityGroup, server);
    // Of the modern family, programs that share a token look like one client.
    return member?.client.era === 'legacy' ? member : undefined;
  }

  /** The same of the modern family, whose programs can be asked with their own calls. */
  callerOf(capabilityGroup: CapabilityGroup, server: string): Client | undefined {
    const client = this.#only(capabilityGroup, server)?.client;
    return client?.era === 'modern' ? client : undefined;
  }

  /** Whether a client needs a connection of its own, beside its group's, which may become its own. */
  needsOwn(capabilityGroup: CapabilityGroup, server: string, view: string): boolean {
    if (!this.#parted.has(server)) return false;
    const holder = capabilityGroup.holders.get(server);
    if (holder !== undefined) return holder !== view;
    const fresh =
      capabilityGroup.served.size === 1 || capabilityGroup.serverSet.downstreamOf(server)?.connected !== true;
    capabilityGroup.holders.set(server, fresh ? view : NOBODY);
    return !fresh;
  }

  /** A server is about to learn a client's roots: no other client may use that connection. */
  rootsAsked(capabilityGroup: CapabilityGroup, server: string, { view }: Client): void {
    if (!this.#options.mayPart(server)) return;
    if (!capabilityGroup.holders.has(server))
      capabilityGroup.holders.set(server, capabilityGroup.served.size === 1 ? view : NOBODY);
    this.#part(server, 'asks its clients for their roots');
  }

  /** A server asked, and it could not be told whom. */
  cannotTellWho(capabilityGroup: CapabilityGroup, server: string): void {
    if (!this.#options.mayPart(server)) return;
    if (capabilityGroup.members.size === 0) return void capabilityGroup.unanswered.add(server);
    if (!capabilityGroup.holders.has(server)) capabilityGroup.holders.set(server, NOBODY);
    this.#part(server, 'asks its clients questions');
  }

  async close(): Promise<void> {
    for (const { cancelEnd } of this.#others.values()) cancelEnd?.();
    await Promise.all([...this.#others.values()].map(({ serverSet }) => serverSet.close()));
    await this.#first.serverSet.close();
  }

  #only(capabilityGroup: CapabilityGroup, server: string): ConnectedClient | undefined {
    const [only, another] = this.#options.mayPart(server) ? capabilityGroup.served : this.#came;
    const view = this.#parted.has(server) ? capabilityGroup.holders.get(server) : another ? undefined : only;
    return view === undefined ? undefined : capabilityGroup.members.get(view);
  }

  #cohortFor(capabilities: JsonObject): CapabilityGroup {
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
    if (first.members.size > 0) {
      const capabilityGroup = this.#open(identitySource({ info, capabilities }), first.serverSet);
      this.#others.set(key, capabilityGroup);
      capabilityGroup.serverSet.start();
      return capabilityGroup;
    }
    first.identity = identitySource({ info, capabilities });
    first.served.clear();
    first.holders.clear();
    first.unanswered.clear();
    first.serverSet.renew();
    return first;
  }

  #open(identity: SettableIdentity, first: ServerSet | undefined): CapabilityGroup {
    const capabilityGroup = new CapabilityGroup(identity);
    capabilityGroup.serverSet = this.#options.open(capabilityGroup, first);
    return capabilityGroup;
  }

  async #end(capabilityGroup: CapabilityGroup): Promise<void> {
    for (const [key, one] of this.#others) if (one === capabilityGroup) this.#others.delete(key);
    await capabilityGroup.serverSet.close();
  }

  #part(server: string, why: string): void {
    if (this.#parted.has(server)) return;
    this.#parted.add(server);
    this.#options.log.info({ server }, `${why}: every client gets a connection of its own from now on`);
    this.#options.parted(server);
  }
}
