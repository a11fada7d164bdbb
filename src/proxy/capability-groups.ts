/**
 * Who shares connections with whom: clients that can do the same are a cohort, and a cohort has one set of connections.
 *
 * A server is told of no capability that the clients behind its connection lack, and of all that they have. The first
 * cohort is there from the start: its connections are opened for the client that is expected, and opened anew where
 * one with other capabilities comes while it is empty. A server that asks a client for its roots, or asks what only
 * one of several clients can answer, gets a connection for each client; the one that it has stays with that client.
 */
import type { Client, ClientDoor } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { greetingSource, type SettableGreeting } from '../downstream/connection/client-info.ts';
import type { Fleet } from './server-set.ts';
import { meaningOf } from '../protocol/client-capabilities.ts';
import type { Member } from '../server/served-proxy.ts';

/** The connections of an empty cohort are kept so long, for clients that come again. */
const EMPTY_MS = 30_000;
/** Stands for the holder of a connection that nobody may have for himself. */
const NOBODY = '';

export interface CohortsOptions {
  readonly info: JsonObject;
  /** What the first client is expected to be able to do; unknown: it is on its way, and waited for. */
  readonly expected: JsonObject | undefined;
  /** Makes a cohort's fleet; its servers are started by `start`. */
  readonly open: (cohort: Cohort, first: Fleet | undefined) => Fleet;
  /** Whether the config leaves it to us who shares a server's connection. */
  readonly mayPart: (server: string) => boolean;
  /** The server's connections are its clients' own from now on. */
  readonly parted: (server: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Cohort {
  /** Of the connections that are opened from now on: each keeps its own, and lists in its name. */
  greeting: SettableGreeting;
  /** By view. */
  readonly members = new Map<string, Member>();
  /** The views of those that its connections have served, the first two. */
  readonly served = new Set<string>();
  /** By server that has connections for each client: whose this cohort's is. */
  readonly holders = new Map<string, string>();
  /** Servers that asked when nobody was here. */
  readonly unanswered = new Set<string>();
  cancelEnd: (() => void) | undefined;
  fleet!: Fleet;

  constructor(greeting: SettableGreeting) {
    this.greeting = greeting;
  }
}

export class Cohorts {
  readonly #options: CohortsOptions;
  readonly #first: Cohort;
  /** The further ones, by their capabilities. */
  readonly #others = new Map<string, Cohort>();
  /** Servers that have connections for each client. */
  readonly #parted = new Set<string>();
  /** The views of the clients that came, the first two. */
  readonly #came = new Set<string>();

  constructor(options: CohortsOptions) {
    this.#options = options;
    const { info, expected: capabilities } = options;
    this.#first = this.#open(greetingSource(capabilities && { info, capabilities }), undefined);
  }

  /** The fleet that serves whoever has no cohort. */
  get first(): Fleet {
    return this.#first.fleet;
  }

  get fleets(): readonly Fleet[] {
    return [this.#first, ...this.#others.values()].map(({ fleet }) => fleet);
  }

  /** Whether each client has a connection of its own to a server, though the config does not say so. */
  hasParted(server: string): boolean {
    return this.#parted.has(server);
  }

  /** Finds a client's cohort, or makes one. */
  join(member: Member): Cohort {
    const { view, capabilities } = member.client;
    const cohort = this.#cohortFor(capabilities);
    cohort.cancelEnd?.();
    if (cohort.members.size === 0 && cohort.unanswered.size > 0) cohort.fleet.renew(cohort.unanswered);
    cohort.unanswered.clear();
    cohort.members.set(view, member);
    for (const views of [cohort.served, this.#came]) if (views.size < 2) views.add(view);
    return cohort;
  }

  leave(cohort: Cohort, member: Member): void {
    const { view } = member.client;
    if (cohort.members.get(view) !== member) return;
    cohort.members.delete(view);
    const empty = cohort.members.size === 0;
    for (const [server, holder] of cohort.holders) {
      if (holder !== view && !empty) continue;
      cohort.holders.delete(server);
      // It knows the roots of who has left.
      cohort.fleet.downstreamOf(server)?.rest();
    }
    if (!empty || cohort === this.#first) return;
    cohort.cancelEnd = this.#options.clock.after(EMPTY_MS, () => void this.#end(cohort));
  }

  /** The one client that a server can only mean, whatever it asks. */
  doorOf(cohort: Cohort, server: string): ClientDoor | undefined {
    const member = this.#only(cohort, server);
    // Of the modern family, programs that share a token look like one client.
    return member?.client.era === 'legacy' ? member : undefined;
  }

  /** The same of the modern family, whose programs can be asked with their own calls. */
  callerOf(cohort: Cohort, server: string): Client | undefined {
    const client = this.#only(cohort, server)?.client;
    return client?.era === 'modern' ? client : undefined;
  }

  /** Whether a client needs a connection of its own, beside its cohort's, which may become its own. */
  needsOwn(cohort: Cohort, server: string, view: string): boolean {
    if (!this.#parted.has(server)) return false;
    const holder = cohort.holders.get(server);
    if (holder !== undefined) return holder !== view;
    const fresh = cohort.served.size === 1 || cohort.fleet.downstreamOf(server)?.connected !== true;
    cohort.holders.set(server, fresh ? view : NOBODY);
    return !fresh;
  }

  /** A server is about to learn a client's roots: no other client may use that connection. */
  rootsAsked(cohort: Cohort, server: string, { view }: Client): void {
    if (!this.#options.mayPart(server)) return;
    if (!cohort.holders.has(server)) cohort.holders.set(server, cohort.served.size === 1 ? view : NOBODY);
    this.#part(server, 'asks its clients for their roots');
  }

  /** A server asked, and it could not be told whom. */
  cannotTellWho(cohort: Cohort, server: string): void {
    if (!this.#options.mayPart(server)) return;
    if (cohort.members.size === 0) return void cohort.unanswered.add(server);
    if (!cohort.holders.has(server)) cohort.holders.set(server, NOBODY);
    this.#part(server, 'asks its clients questions');
  }

  async close(): Promise<void> {
    for (const { cancelEnd } of this.#others.values()) cancelEnd?.();
    await Promise.all([...this.#others.values()].map(({ fleet }) => fleet.close()));
    await this.#first.fleet.close();
  }

  #only(cohort: Cohort, server: string): Member | undefined {
    const [only, another] = this.#options.mayPart(server) ? cohort.served : this.#came;
    const view = this.#parted.has(server) ? cohort.holders.get(server) : another ? undefined : only;
    return view === undefined ? undefined : cohort.members.get(view);
  }

  #cohortFor(capabilities: JsonObject): Cohort {
    const first = this.#first;
    const { info } = this.#options;
    const key = meaningOf(capabilities);
    const { now } = first.greeting;
    if (now && meaningOf(now.capabilities) === key) return first;
    const known = this.#others.get(key);
    if (known) return known;
    if (!now) {
      first.greeting.set({ info, capabilities });
      first.fleet.recall();
      return first;
    }
    if (first.members.size > 0) {
      const cohort = this.#open(greetingSource({ info, capabilities }), first.fleet);
      this.#others.set(key, cohort);
      cohort.fleet.start();
      return cohort;
    }
    first.greeting = greetingSource({ info, capabilities });
    first.served.clear();
    first.holders.clear();
    first.unanswered.clear();
    first.fleet.renew();
    return first;
  }

  #open(greeting: SettableGreeting, first: Fleet | undefined): Cohort {
    const cohort = new Cohort(greeting);
    cohort.fleet = this.#options.open(cohort, first);
    return cohort;
  }

  async #end(cohort: Cohort): Promise<void> {
    for (const [key, one] of this.#others) if (one === cohort) this.#others.delete(key);
    await cohort.fleet.close();
  }

  #part(server: string, why: string): void {
    if (this.#parted.has(server)) return;
    this.#parted.add(server);
    this.#options.log.info({ server }, `${why}: every client gets a connection of its own from now on`);
    this.#options.parted(server);
  }
}
