/**
 * The downstream servers that one client sees, and the catalog made of them.
 *
 * The shared server set serves everybody. A client that needs connections of its own has a server set of its own on top,
 * which falls back to the shared one for all other servers.
 */
import { buildCatalog, type CatalogOptions } from '../catalog/build-catalog.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { diffCatalogs } from '../catalog/catalog.ts';
import type { CatalogEntry } from '../catalog/build-catalog.ts';
import { type PoolListing, poolListing, poolToolRules } from '../catalog/pool-listing.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import type { Listing, ListKind } from '../core/listing.ts';
import type { Downstream } from '../downstream/downstream.ts';
import type { ServerPipeline } from '../pipeline/server-pipeline.ts';

/** Changes that come within this time become one new catalog. */
const GATHER_MS = 50;
/** The same while servers that are listed already are coming up: what they tell anew becomes one change. */
const GATHER_STARTING_MS = 500;
/** Servers that need not be started to be listed are started when a client has its list, at the latest after this. */
const START_LATEST_MS = 500;
/** So long after the first list, since a client mostly asks for several. */
const AFTER_LIST_MS = 20;
/** One at a time: starting a process stops everything else for a moment. */
const START_STEP_MS = 2;
/** A list for no client in particular waits so long, unless the config says how long. */
const USUAL_LIST_MS = 20_000;
/** So often it is looked whether a server that is coming up still is; mostly it tells. */
const OWNER_STEP_MS = 60_000;
/** How long lists that are asked again may hold up who asked for them. */
const FRESHEN_MS = { listed: 1000, missed: 3000 } as const;
/** How long a server that is replaced may take to end before the next one is started. */
const REPLACE_MS = 1000;
/** What calls on a server that was replaced may still take. */
const DRAIN_MS = 30_000;

/** What a call asks for by its name. */
export interface Wanted {
  readonly name: string;
  readonly signal?: Cancellation;
}

/** A server's fixed part of the catalog. */
export type ServerSetServer = Omit<CatalogEntry, 'listing'>;

/** A pool's fixed part of the catalog. */
export interface ServerSetPool {
  readonly key: string;
  readonly namespace: string;
  /** In order of priority. */
  readonly members: readonly string[];
}

/** A running server: the downstream and what stands around it. */
export interface RunningServer {
  readonly downstream: Downstream;
  readonly pipeline: ServerPipeline;
}

/** What a reload may change. */
export interface ServerSetConfig {
  /** All servers, in config order. */
  readonly servers: readonly ServerSetServer[];
  readonly pools: readonly ServerSetPool[];
  /** What has names of its own, servers and pools, in catalog order. */
  readonly shown: readonly string[];
  readonly catalog: CatalogOptions;
  /** How long a client's first list may wait in all; `undefined`: as long as the client is known to wait. */
  readonly listWaitMs: number | undefined;
}

export interface ServerSetOptions {
  readonly config: ServerSetConfig;
  /** Which of them this server set connects itself from the start. */
  readonly own: (server: string) => boolean;
  /** Which of them it connects itself once a call wants them. */
  readonly ownOnDemand: (server: string) => boolean;
  readonly make: (server: string, changed: () => void) => RunningServer;
  readonly shared: ServerSet | undefined;
  /** Whether what is known well enough to be listed is started before a call wants it; default: it is. */
  readonly startsKnown?: boolean;
  readonly clock: Clock;
  /** The catalog was swapped; these lists differ. */
  readonly changed: (kinds: readonly ListKind[], catalog: Catalog) => void;
}

export class ServerSet {
  readonly #options: ServerSetOptions;
  #config: ServerSetConfig;
  readonly #running = new Map<string, RunningServer>();
  readonly #watchers = new Set<() => void>();
  readonly #offShared: (() => void) | undefined;
  #catalog: Catalog;
  #pools: ReadonlyMap<string, PoolListing> = new Map();
  #builtFrom: readonly (Listing | undefined)[] = [];
  #gathering: (() => void) | undefined;
  #startedAt = 0;
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

  constructor(options: ServerSetOptions) {
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
    if (this.#later.size > 0 && this.#options.startsKnown !== false)
      this.#cancelLater = clock.after(START_LATEST_MS, () => this.#startLater());
  }

  /** It is known now who the client is, and so what is remembered for it. */
  recall(): void {
    for (const { downstream } of this.#running.values()) {
      downstream.recall();
      if (downstream.remembered && this.#later.has(downstream)) continue;
      this.#later.delete(downstream);
      downstream.start();
    }
    this.#rebuild();
  }

  /** A client has had a list. */
  hasListed(): void {
    if (this.#startingLater || this.#later.size === 0 || this.#options.startsKnown === false) return;
    this.#cancelLater?.();
    this.#cancelLater = this.#options.clock.after(AFTER_LIST_MS, () => this.#startLater());
  }

  /** Takes over another config: what `differs` names is replaced, what is gone is ended, what is new is started. */
  reload(config: ServerSetConfig, differs: ReadonlySet<string>): void {
    this.#config = config;
    const wanted = new Set(config.servers.map(({ server }) => server));
    for (const [server, { downstream, pipeline }] of [...this.#running]) {
      if (wanted.has(server) && !differs.has(server)) continue;
      this.#running.delete(server);
      this.#later.delete(downstream);
      void this.#drain(downstream, pipeline);
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
    this.#later.delete(before.downstream);
    const { downstream } = this.#make(server, before.downstream.listing);
    // What another run was told for clients like these is right already.
    if (!downstream.exact) this.#confirming.add(downstream);
    // Before the other one ends, which is told at once.
    this.#replacing.add(downstream);
    void this.#afterwards(downstream, this.#drain(before.downstream, before.pipeline));
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

  /** Who answers for a server to this server set's clients. */
  find(server: string): RunningServer | undefined {
    return (
      this.#running.get(server) ??
      (this.#options.ownOnDemand(server) ? this.#add(server) : this.#options.shared?.find(server))
    );
  }

  /** The downstream that a server's calls go to now; starts nothing. */
  downstreamOf(server: string): Downstream | undefined {
    return this.#running.get(server)?.downstream ?? this.#options.shared?.downstreamOf(server);
  }

  /** Whether a server's connection is this server set's, and not the shared one's. */
  owns(server: string): boolean {
    return this.#options.shared !== undefined && this.#running.has(server);
  }

  /** Tells of every change of a server's state or listing. @returns a function that stops it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Waits for servers that were never listed: until each has told what it offers or has failed, or the time is over.
   *
   * One that is remembered is not waited for, and one that was waited for in vain before is not again.
   *
   * @param until the clock's time.
   */
  async settled(until = this.#waitEnd): Promise<void> {
    const { clock } = this.#options;
    while (this.#allAwaited > 0 && clock.now() < until) await this.#nextListing(until - clock.now());
    this.#rebuild();
  }

  /** Some are still waited for. */
  get missing(): boolean {
    return this.#allAwaited > 0;
  }

  /** A client has waited for those that are missing as long as it could. */
  waitedInVain(): void {
    this.#options.shared?.waitedInVain();
    for (const { downstream } of this.#running.values()) downstream.waitedInVain();
  }

  /**
   * Waits, while servers are coming up, for something to be in the catalog; at most as long as a list waits, but for
   * what is in the namespace of a server that is coming up as long as that may take.
   */
  async appears(found: (catalog: Catalog) => boolean, wanted?: Wanted): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + (this.#config.listWaitMs ?? USUAL_LIST_MS);
    this.#rebuild();
    while (!found(this.#catalog) && this.#allPending > 0 && wanted?.signal?.cancelled !== true) {
      const itsOwn = wanted !== undefined && this.#ownersOf(wanted.name).some(({ expected }) => expected);
      const left = itsOwn ? OWNER_STEP_MS : end - clock.now();
      if (left <= 0) break;
      await this.#nextListing(left, wanted?.signal);
      this.#rebuild();
    }
  }

  /** Why nothing of this name is there: its server could not be started. */
  absence(name: string): { readonly server: string; readonly why: string } | undefined {
    for (const { listing, status } of this.#ownersOf(name))
      if (!listing && status.lastFailure) return { server: status.server, why: status.lastFailure.what };
    return undefined;
  }

  /** Waits until every server that is coming up has told what it offers or has failed, however long that takes. */
  async listed(): Promise<void> {
    while (this.#allPending > 0) await this.#nextListing(OWNER_STEP_MS);
    this.#rebuild();
  }

  /** Whose namespace a name is in; without prefixes it may be anybody's. */
  #ownersOf(name: string): Downstream[] {
    const { servers, pools, catalog } = this.#config;
    const within = ({ namespace }: { readonly namespace: string }): boolean =>
      !catalog.prefix || name.startsWith(`${namespace}__`);
    const members = pools.filter(within).flatMap((pool) => pool.members);
    const owners = [...servers.filter(within).map(({ server }) => server), ...members];
    return owners.flatMap((server) => this.downstreamOf(server) ?? []);
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
    for (const { pipeline } of this.#running.values()) pipeline.close();
    await Promise.all(all.map((downstream) => downstream.close()));
  }

  #add(server: string): RunningServer {
    const running = this.#make(server);
    running.downstream.start();
    return running;
  }

  #make(server: string, instead?: Listing): RunningServer {
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

  async #drain(downstream: Downstream, pipeline: ServerPipeline): Promise<void> {
    this.#draining.add(downstream);
    await downstream.drain(DRAIN_MS);
    this.#draining.delete(downstream);
    pipeline.close();
  }

  /** How many of its own servers may still bring their first listing. */
  get pending(): number {
    return this.#count((downstream) => downstream.expected || this.#isConfirming(downstream));
  }

  get #allPending(): number {
    const { shared } = this.#options;
    return this.pending + (shared ? shared.#allPending : 0);
  }

  #isConfirming(downstream: Downstream): boolean {
    if (this.#replacing.has(downstream)) return this.#confirming.has(downstream) || !downstream.listing;
    return this.#confirming.has(downstream) && downstream.confirming;
  }

  /** How many of its own servers a list waits for. */
  get awaited(): number {
    return this.#count((downstream) => downstream.awaited || this.#isConfirming(downstream));
  }

  get #allAwaited(): number {
    const { shared } = this.#options;
    return this.awaited + (shared ? shared.#allAwaited : 0);
  }

  #count(fits: (downstream: Downstream) => boolean): number {
    let count = 0;
    for (const { downstream } of this.#running.values()) if (fits(downstream)) count++;
    return count;
  }

  /** Servers are coming up, so that more news is to be expected soon. */
  get comingUp(): boolean {
    for (const { downstream } of this.#running.values())
      if (downstream.expected || downstream.state === 'starting') return true;
    return this.#options.shared?.comingUp ?? false;
  }

  /** Without a client of its own to ask for it. */
  get #waitEnd(): number {
    return this.#startedAt + (this.#config.listWaitMs ?? USUAL_LIST_MS);
  }

  /** @returns whether one more server is settled before the time is over. */
  #nextListing(ms: number, signal?: Cancellation): Promise<boolean> {
    const before = this.#allPending;
    return new Promise((resolve) => {
      let off = (): void => {};
      const done = (came: boolean): void => {
        stop();
        unwatch();
        off();
        resolve(came);
      };
      const stop = this.#options.clock.after(ms, () => done(false));
      const unwatch = this.watch(() => {
        if (this.#allPending < before) done(true);
      });
      if (signal) off = signal.onCancel(() => done(false));
    });
  }

  #somethingChanged(): void {
    const { clock } = this.#options;
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

  /** The server's pipeline as it is now; starts nothing. */
  pipelineOf(server: string): ServerPipeline | undefined {
    return this.#running.get(server)?.pipeline ?? this.#options.shared?.pipelineOf(server);
  }

  /** What a server offers to this server set's clients, if it is known. */
  listingOf(server: string): Listing | undefined {
    const running = this.#running.get(server);
    // What it told for other clients serves until it has told it for these.
    return running?.downstream.listing ? running.downstream.offered : this.#options.shared?.listingOf(server);
  }
}
