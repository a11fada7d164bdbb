/**
 * The downstream servers that one client sees, and the catalog made of them.
 *
 * The shared fleet serves everybody. A client that needs connections of its own has a fleet of its own on top,
 * which falls back to the shared one for all other servers.
 */
import { buildCatalog, type CatalogOptions } from './catalog/build-catalog.ts';
import type { Catalog } from './catalog/catalog.ts';
import { diffCatalogs } from './catalog/diff-catalogs.ts';
import type { CatalogEntry } from './catalog/build-catalog.ts';
import { type PoolListing, poolListing, poolToolRules } from './catalog/pool-listing.ts';
import type { Clock } from './core/clock.ts';
import type { Listing, ListKind } from './core/listing.ts';
import type { Downstream } from './downstream/downstream.ts';
import type { ServerRoad } from './routing/server-road.ts';

/** Changes that come within this time become one new catalog. */
const GATHER_MS = 50;
/** The same while servers that are listed already are coming up: what they tell anew becomes one change. */
const GATHER_STARTING_MS = 500;
/** A list waits at least so long for the next server to come up. */
const MIN_QUIET_MS = 300;
/** How long a greeting waits for servers that are not known yet, and how long for the next of them. */
const GLIMPSE_MS = 250;
const GLIMPSE_QUIET_MS = 40;
/** Servers that need not be started to be listed are started when a client has its list, at the latest after this. */
const START_LATEST_MS = 500;
/** So long after the first list, since a client mostly asks for several. */
const AFTER_LIST_MS = 20;
/** One at a time: starting a process stops everything else for a moment. */
const START_STEP_MS = 2;
/** How long lists that are asked again may hold up who asked for them. */
const FRESHEN_MS = { listed: 1000, missed: 3000 } as const;
/** How long a server that is replaced may take to end before the next one is started. */
const REPLACE_MS = 1000;
/** What calls on a server that was replaced may still take. */
const DRAIN_MS = 30_000;

/** A server's fixed part of the catalog. */
export type FleetServer = Omit<CatalogEntry, 'listing'>;

/** A pool's fixed part of the catalog. */
export interface FleetPool {
  readonly key: string;
  readonly namespace: string;
  /** In order of priority. */
  readonly members: readonly string[];
}

/** A running server: the downstream and what stands around it. */
export interface Running {
  readonly downstream: Downstream;
  readonly road: ServerRoad;
}

/** What a reload may change. */
export interface FleetConfig {
  /** All servers, in config order. */
  readonly servers: readonly FleetServer[];
  readonly pools: readonly FleetPool[];
  /** What has names of its own, servers and pools, in catalog order. */
  readonly shown: readonly string[];
  readonly catalog: CatalogOptions;
  readonly listWaitMs: number;
}

export interface FleetOptions {
  readonly config: FleetConfig;
  /** Which of them this fleet connects itself from the start. */
  readonly own: (server: string) => boolean;
  /** Which of them it connects itself once a call wants them. */
  readonly ownOnDemand: (server: string) => boolean;
  readonly make: (server: string, changed: () => void) => Running;
  readonly shared: Fleet | undefined;
  readonly clock: Clock;
  /** The catalog was swapped; these lists differ. */
  readonly changed: (kinds: readonly ListKind[], catalog: Catalog) => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  #config: FleetConfig;
  readonly #running = new Map<string, Running>();
  readonly #watchers = new Set<() => void>();
  readonly #offShared: (() => void) | undefined;
  #catalog: Catalog;
  #pools: ReadonlyMap<string, PoolListing> = new Map();
  #builtFrom: readonly (Listing | undefined)[] = [];
  #gathering: (() => void) | undefined;
  #startedAt = 0;
  #slowestMs = 0;
  readonly #listed = new Set<string>();
  /** Known well enough to be listed, and not started yet. */
  readonly #later = new Set<Downstream>();
  #cancelLater: (() => void) | undefined;
  #startingLater = false;
  /** Listed by what was told for other clients, until they have told it for these. */
  readonly #confirming = new WeakSet<Downstream>();
  /** Not started yet, since they wait for the end of the one before. */
  readonly #replacing = new Set<Downstream>();
  /** Replaced, with calls still under way. */
  readonly #draining = new Set<Downstream>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#catalog = buildCatalog([], options.config.catalog);
    this.#offShared = options.shared?.watch(() => this.#somethingChanged());
    this.#rebuild();
  }

  /**
   * Starts all servers of its own; none waits for another. Those of which it is known what they offer come later,
   * so that clients get their first answers before any process is started.
   */
  start(): void {
    const { clock, own } = this.#options;
    this.#startedAt = clock.now();
    for (const { server } of this.#config.servers) {
      if (!own(server)) continue;
      const { downstream } = this.#make(server);
      if (downstream.remembered) this.#later.add(downstream);
      else downstream.start();
    }
    this.#rebuild();
    if (this.#later.size > 0) this.#cancelLater = clock.after(START_LATEST_MS, () => this.#startLater());
  }

  /** It is known now who the client is, and so what is remembered for it. */
  recall(): void {
    for (const { downstream } of this.#running.values()) {
      downstream.recall();
      if (downstream.remembered) continue;
      this.#later.delete(downstream);
      downstream.start();
    }
    this.#rebuild();
  }

  /** A client has had a list. */
  hasListed(): void {
    if (this.#startingLater || this.#later.size === 0) return;
    this.#cancelLater?.();
    this.#cancelLater = this.#options.clock.after(AFTER_LIST_MS, () => this.#startLater());
  }

  /** Takes over another config: what `differs` names is replaced, what is gone is ended, what is new is started. */
  reload(config: FleetConfig, differs: ReadonlySet<string>): void {
    this.#config = config;
    const wanted = new Set(config.servers.map(({ server }) => server));
    for (const [server, { downstream, road }] of [...this.#running]) {
      if (wanted.has(server) && !differs.has(server)) continue;
      this.#running.delete(server);
      this.#listed.delete(server);
      this.#later.delete(downstream);
      void this.#drain(downstream, road);
      if (wanted.has(server) && this.#options.own(server))
        this.#make(server, downstream.listing).downstream.start();
    }
    for (const { server } of config.servers)
      if (this.#options.own(server) && !this.#running.has(server)) this.#make(server).downstream.start();
    this.#builtFrom = [];
    this.#rebuild();
  }

  /** Others are served from now on: these servers are told so on new connections, and their lists are awaited again. */
  renew(servers: Iterable<string> = this.#running.keys()): void {
    this.#startedAt = this.#options.clock.now();
    for (const server of [...servers]) {
      const downstream = this.#running.get(server)?.downstream;
      if (downstream?.expected) this.#renewOnceListed(server, downstream);
      else if (downstream) this.#renewOne(server);
    }
    this.#builtFrom = [];
    this.#rebuild();
  }

  /** What is still starting may be fetching its program: it is let come up, and serves until the next one does. */
  #renewOnceListed(server: string, downstream: Downstream): void {
    const unwatch = this.watch(() => {
      const replaced = this.#running.get(server)?.downstream !== downstream;
      if (!replaced && downstream.expected) return;
      unwatch();
      if (!replaced) this.#renewOne(server);
    });
  }

  #renewOne(server: string): void {
    const before = this.#running.get(server);
    if (!before) return;
    this.#listed.delete(server);
    this.#later.delete(before.downstream);
    const { downstream } = this.#make(server, before.downstream.listing);
    // What another run was told for clients like these is right already.
    if (downstream.listing === before.downstream.listing) this.#confirming.add(downstream);
    // Before the other one ends, which is told at once.
    this.#replacing.add(downstream);
    void this.#afterwards(downstream, this.#drain(before.downstream, before.road));
  }

  /** One process at a time, where the one before ends soon. */
  async #afterwards(downstream: Downstream, ended: Promise<void>): Promise<void> {
    let stop: () => void = () => {};
    const late = new Promise<void>((resolve) => (stop = this.#options.clock.after(REPLACE_MS, resolve)));
    await Promise.race([ended, late]);
    stop();
    this.#replacing.delete(downstream);
    downstream.start();
    this.#somethingChanged();
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** Every server has told what it offers. */
  get complete(): boolean {
    return this.#config.servers.every(({ server }) => this.listingOf(server) !== undefined);
  }

  /** Its own servers. */
  get downstreams(): Iterable<Downstream> {
    return [...this.#running.values()].map(({ downstream }) => downstream);
  }

  /** Who answers for a server to this fleet's clients. */
  find(server: string): Running | undefined {
    return (
      this.#running.get(server) ??
      (this.#options.ownOnDemand(server) ? this.#add(server) : this.#options.shared?.find(server))
    );
  }

  /** The downstream that a server's calls go to now; starts nothing. */
  downstreamOf(server: string): Downstream | undefined {
    return this.#running.get(server)?.downstream ?? this.#options.shared?.downstreamOf(server);
  }

  /** Whether a server's connection is this fleet's, and not the shared one's. */
  owns(server: string): boolean {
    return this.#options.shared !== undefined && this.#running.has(server);
  }

  /** Tells of every change of a server's state or listing. @returns a function that stops it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Waits for servers that are coming up: until all are there, or nothing new has come for as long as the
   * slowest so far took (for each that is missing), or `listWaitMs` is over.
   */
  async settled(): Promise<void> {
    const { clock, shared } = this.#options;
    const { listWaitMs } = this.#config;
    await shared?.settled();
    const end = this.#startedAt + listWaitMs;
    while (this.pending > 0 && clock.now() < end) {
      // One that is still missing may hang; when many or all are, the machine is slow and not the servers.
      const quietMs =
        this.#listed.size === 0 ? Infinity : Math.max(MIN_QUIET_MS, this.#slowestMs) * this.pending;
      if (!(await this.#nextListing(Math.min(quietMs, end - clock.now())))) break;
    }
    this.#rebuild();
  }

  /**
   * Waits a moment for servers that are coming up, so that a greeting can tell of them: until all are there, or
   * nothing new has come for a while.
   */
  async glimpsed(): Promise<void> {
    const { clock, shared } = this.#options;
    const end = clock.now() + GLIMPSE_MS;
    while (this.#allPending > 0 && clock.now() < end) {
      const none = this.#listed.size + (shared ? shared.#listed.size : 0) === 0;
      const quietMs = none ? Infinity : GLIMPSE_QUIET_MS;
      if (!(await this.#nextListing(Math.min(quietMs, end - clock.now())))) break;
    }
    this.#rebuild();
  }

  /** Waits, while servers are coming up, for something to be in the catalog; at most `listWaitMs`. */
  async appears(found: (catalog: Catalog) => boolean): Promise<void> {
    const { clock } = this.#options;
    const { listWaitMs } = this.#config;
    const end = clock.now() + listWaitMs;
    this.#rebuild();
    while (!found(this.#catalog) && this.#allPending > 0 && clock.now() < end) {
      await this.#nextListing(end - clock.now());
      this.#rebuild();
    }
  }

  /** Has old lists asked again, for a client that lists or that names what no list has; waits a moment for it. */
  async freshen(why: 'listed' | 'missed'): Promise<void> {
    const asked = this.#config.servers.flatMap(({ server }) => this.downstreamOf(server)?.freshen(why) ?? []);
    let stop: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      stop = this.#options.clock.after(FRESHEN_MS[why], resolve);
    });
    await Promise.race([Promise.all(asked), late]);
    stop();
    this.#rebuild();
  }

  /** Starts what would start later, and waits until every server is up or has failed; a lazy one is left alone. */
  async connected(): Promise<void> {
    this.#cancelLater?.();
    for (const downstream of this.#later) downstream.start();
    this.#later.clear();
    const waiting = (): boolean =>
      [...this.downstreams].some(
        ({ connected, lazy, status }) => !connected && !lazy && status.lastFailure === undefined,
      );
    while (waiting())
      await new Promise<void>((resolve) => {
        const unwatch = this.watch(() => {
          unwatch();
          resolve();
        });
      });
  }

  /** Ends all of its own servers. */
  async close(): Promise<void> {
    this.#gathering?.();
    this.#cancelLater?.();
    this.#later.clear();
    this.#offShared?.();
    const all = [...this.downstreams, ...this.#draining];
    for (const { road } of this.#running.values()) road.close();
    await Promise.all(all.map((downstream) => downstream.close()));
  }

  #add(server: string): Running {
    const running = this.#make(server);
    running.downstream.start();
    return running;
  }

  #make(server: string, instead?: Listing): Running {
    const running = this.#options.make(server, () => this.#somethingChanged());
    this.#running.set(server, running);
    running.downstream.recall(instead);
    return running;
  }

  #startLater(): void {
    this.#startingLater = true;
    const [next] = this.#later;
    if (!next) return;
    this.#later.delete(next);
    next.start();
    this.#cancelLater = this.#options.clock.after(START_STEP_MS, () => this.#startLater());
  }

  async #drain(downstream: Downstream, road: ServerRoad): Promise<void> {
    this.#draining.add(downstream);
    await downstream.drain(DRAIN_MS);
    this.#draining.delete(downstream);
    road.close();
  }

  /** How many of its own servers may still bring their first listing. */
  get pending(): number {
    let pending = 0;
    for (const { downstream } of this.#running.values())
      if (downstream.expected || this.#isConfirming(downstream)) pending++;
    return pending;
  }

  get #allPending(): number {
    const { shared } = this.#options;
    return this.pending + (shared ? shared.#allPending : 0);
  }

  #isConfirming(downstream: Downstream): boolean {
    if (this.#replacing.has(downstream)) return this.#confirming.has(downstream) || !downstream.listing;
    return this.#confirming.has(downstream) && downstream.confirming;
  }

  /** @returns whether one more server is settled before the time is over. */
  #nextListing(ms: number): Promise<boolean> {
    const before = this.#allPending;
    return new Promise((resolve) => {
      const done = (came: boolean): void => {
        stop();
        unwatch();
        resolve(came);
      };
      const stop = this.#options.clock.after(ms, () => done(false));
      const unwatch = this.watch(() => {
        if (this.#allPending < before) done(true);
      });
    });
  }

  #somethingChanged(): void {
    const { clock } = this.#options;
    for (const [server, { downstream }] of this.#running) {
      if (!downstream.listing || this.#listed.has(server) || this.#isConfirming(downstream)) continue;
      this.#listed.add(server);
      this.#slowestMs = Math.max(this.#slowestMs, clock.now() - this.#startedAt);
    }
    for (const watcher of [...this.#watchers]) watcher();
    const starting = [...this.downstreams].some(({ state, listing }) => listing && state === 'starting');
    this.#gathering ??= clock.after(starting ? GATHER_STARTING_MS : GATHER_MS, () => this.#rebuild());
  }

  #rebuild(): void {
    this.#gathering?.();
    this.#gathering = undefined;
    const listings = this.#config.servers.map(({ server }) => this.listingOf(server));
    if (listings.every((listing, i) => listing === this.#builtFrom[i]) && this.#builtFrom.length > 0) return;
    this.#builtFrom = listings;
    const entries = this.#entries();
    const before = this.#catalog;
    this.#catalog = buildCatalog(entries, this.#config.catalog);
    const kinds = diffCatalogs(before, this.#catalog);
    if (kinds.length > 0) this.#options.changed(kinds, this.#catalog);
  }

  /** In catalog order; a pool is one entry. */
  #entries(): CatalogEntry[] {
    const { servers, pools, shown } = this.#config;
    const known = new Map<string, CatalogEntry>();
    for (const server of servers) {
      const listing = this.listingOf(server.server);
      if (listing) known.set(server.server, { ...server, listing });
    }
    const listed = new Map<string, PoolListing>();
    for (const { key, namespace, members } of pools) {
      const entries = members.flatMap((member) => known.get(member) ?? []);
      const pooled = poolListing(entries);
      if (!pooled) continue;
      listed.set(key, pooled);
      const maxTools = Math.max(...entries.map((entry) => entry.maxTools));
      const trusted = entries.every((entry) => entry.trusted !== false);
      known.set(key, {
        server: key,
        namespace,
        listing: pooled.listing,
        tools: poolToolRules(entries),
        maxTools,
        trusted,
      });
    }
    this.#pools = listed;
    return shown.flatMap((key) => known.get(key) ?? []);
  }

  /** The members of a pool that have something, in order of priority. */
  membersWith(pool: string, kind: ListKind, name: string): readonly string[] {
    return this.#pools.get(pool)?.membersWith(kind, name) ?? [];
  }

  /** The server's road as it is now; starts nothing. */
  roadOf(server: string): ServerRoad | undefined {
    return this.#running.get(server)?.road ?? this.#options.shared?.roadOf(server);
  }

  /** What a server offers to this fleet's clients, if it is known. */
  listingOf(server: string): Listing | undefined {
    const running = this.#running.get(server);
    // What it told for other clients serves until it has told it for these.
    return running?.downstream.listing ? running.downstream.offered : this.#options.shared?.listingOf(server);
  }
}
