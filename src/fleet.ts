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
import type { Clock } from './core/clock.ts';
import type { Handler } from './core/call.ts';
import type { Listing, ListKind } from './core/listing.ts';
import type { Downstream } from './downstream/downstream.ts';

/** Changes that come within this time become one new catalog. */
const GATHER_MS = 50;
/** A list waits at least so long for the next server to come up. */
const MIN_QUIET_MS = 300;

/** A server's fixed part of the catalog. */
export type FleetServer = Omit<CatalogEntry, 'listing'>;

/** A running server: the downstream and the handler that wraps it. */
export interface Running {
  readonly downstream: Downstream;
  readonly handle: Handler;
}

export interface FleetOptions {
  /** All servers, in config order. */
  readonly servers: readonly FleetServer[];
  /** Which of them this fleet connects itself from the start. */
  readonly own: (server: string) => boolean;
  /** Which of them it connects itself once a call wants them. */
  readonly ownOnDemand: (server: string) => boolean;
  readonly make: (server: string, changed: () => void) => Running;
  readonly shared: Fleet | undefined;
  readonly catalog: CatalogOptions;
  readonly listWaitMs: number;
  readonly clock: Clock;
  /** The catalog was swapped; these lists differ. */
  readonly changed: (kinds: readonly ListKind[], catalog: Catalog) => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, Running>();
  readonly #watchers = new Set<() => void>();
  readonly #offShared: (() => void) | undefined;
  #catalog: Catalog;
  #builtFrom: readonly (Listing | undefined)[] = [];
  #gathering: (() => void) | undefined;
  #startedAt = 0;
  #slowestMs = 0;
  readonly #listed = new Set<string>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#catalog = buildCatalog([], options.catalog);
    this.#offShared = options.shared?.watch(() => this.#somethingChanged());
    this.#rebuild();
  }

  /** Starts all servers of its own at once; none waits for another. */
  start(): void {
    this.#startedAt = this.#options.clock.now();
    for (const { server } of this.#options.servers) if (this.#options.own(server)) this.#add(server);
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** Every server has told what it offers. */
  get complete(): boolean {
    return this.#options.servers.every(({ server }) => this.listingOf(server) !== undefined);
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
    const { clock, listWaitMs, shared } = this.#options;
    await shared?.settled();
    const end = this.#startedAt + listWaitMs;
    while (this.pending > 0 && clock.now() < end) {
      // One that is still missing may hang; when many are, the machine is slow and not the servers.
      const quietMs = Math.max(MIN_QUIET_MS, this.#slowestMs) * this.pending;
      if (!(await this.#nextListing(Math.min(quietMs, end - clock.now())))) break;
    }
    this.#rebuild();
  }

  /** Waits, while servers are coming up, for something to be in the catalog; at most `listWaitMs`. */
  async appears(found: (catalog: Catalog) => boolean): Promise<void> {
    const { clock, listWaitMs, shared } = this.#options;
    const end = clock.now() + listWaitMs;
    this.#rebuild();
    while (!found(this.#catalog) && this.pending + (shared?.pending ?? 0) > 0 && clock.now() < end) {
      await this.#nextListing(end - clock.now());
      this.#rebuild();
    }
  }

  /** Ends all of its own servers. */
  async close(): Promise<void> {
    this.#gathering?.();
    this.#offShared?.();
    await Promise.all([...this.#running.values()].map(({ downstream }) => downstream.close()));
  }

  #add(server: string): Running {
    const running = this.#options.make(server, () => this.#somethingChanged());
    this.#running.set(server, running);
    running.downstream.start();
    return running;
  }

  /** How many of its own servers may still bring their first listing. */
  get pending(): number {
    let pending = 0;
    for (const { downstream } of this.#running.values())
      if (!downstream.listing && (downstream.state === 'starting' || downstream.state === 'ready')) pending++;
    return pending;
  }

  /** @returns whether one more server is settled before the time is over. */
  #nextListing(ms: number): Promise<boolean> {
    const pending = (): number => this.pending + (this.#options.shared?.pending ?? 0);
    const before = pending();
    return new Promise((resolve) => {
      const done = (came: boolean): void => {
        stop();
        unwatch();
        resolve(came);
      };
      const stop = this.#options.clock.after(ms, () => done(false));
      const unwatch = this.watch(() => {
        if (pending() < before) done(true);
      });
    });
  }

  #somethingChanged(): void {
    const { clock } = this.#options;
    for (const [server, { downstream }] of this.#running) {
      if (!downstream.listing || this.#listed.has(server)) continue;
      this.#listed.add(server);
      this.#slowestMs = Math.max(this.#slowestMs, clock.now() - this.#startedAt);
    }
    for (const watcher of [...this.#watchers]) watcher();
    this.#gathering ??= clock.after(GATHER_MS, () => this.#rebuild());
  }

  #rebuild(): void {
    this.#gathering?.();
    this.#gathering = undefined;
    const listings = this.#options.servers.map(({ server }) => this.listingOf(server));
    if (listings.every((listing, i) => listing === this.#builtFrom[i]) && this.#builtFrom.length > 0) return;
    this.#builtFrom = listings;
    const entries = this.#options.servers.flatMap((server, i) => {
      const listing = listings[i];
      return listing ? [{ ...server, listing }] : [];
    });
    const before = this.#catalog;
    this.#catalog = buildCatalog(entries, this.#options.catalog);
    const kinds = diffCatalogs(before, this.#catalog);
    if (kinds.length > 0) this.#options.changed(kinds, this.#catalog);
  }

  /** What a server offers to this fleet's clients, if it is known. */
  listingOf(server: string): Listing | undefined {
    return this.#running.get(server)?.downstream.listing ?? this.#options.shared?.listingOf(server);
  }
}
