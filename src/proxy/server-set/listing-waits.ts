/** Waits, bounded in time, for servers that are coming up to be listed: those of one server set and those it shares. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { CatalogSync } from './catalog-sync.ts';

/** A list for no client in particular waits so long, unless the config says how long. */
const USUAL_LIST_MS = 20_000;
/** The pause between two looks whether a server that is coming up still is; mostly the server set tells. */
const OWNER_STEP_MS = 60_000;

/** A name that a call asks for. */
export interface Wanted {
  readonly name: string;
  readonly signal?: Cancellation;
}

export interface ListingWaitsOptions {
  readonly catalogs: CatalogSync;
  /** The downstreams of the server set itself. */
  readonly downstreams: () => Iterable<Downstream>;
  /** The listing is one for other clients, and one for these is about to come. */
  readonly isConfirming: (downstream: Downstream) => boolean;
  /** The servers in whose namespace a name is. */
  readonly ownersOf: (name: string) => readonly Downstream[];
  readonly shared: ListingWaits | undefined;
  /** Tells of every change of a server's state or listing. @returns a function that stops it. */
  readonly watch: (watcher: () => void) => () => void;
  readonly listWaitMs: () => number | undefined;
  readonly clock: Clock;
}

export class ListingWaits {
  readonly #options: ListingWaitsOptions;
  #startedAt = 0;

  constructor(options: ListingWaitsOptions) {
    this.#options = options;
  }

  /** Servers are starting now: lists without a client of their own wait from here on. */
  started(): void {
    this.#startedAt = this.#options.clock.now();
  }

  /**
   * Waits for servers that were never listed: until each was listed or has failed, or the time is over.
   *
   * A server with a remembered listing is not waited for, nor is one that was waited for in vain before.
   *
   * @param until the clock's time; without a client, from the start as long as a list waits.
   */
  async settled(until = this.#startedAt + this.#listMs): Promise<void> {
    const { clock, catalogs } = this.#options;
    while (this.missing && clock.now() < until) await this.#nextListing(until - clock.now());
    catalogs.rebuild();
  }

  /** Some servers are still waited for. */
  get missing(): boolean {
    return this.#awaited > 0;
  }

  /**
   * Waits, while servers are coming up, for something to be in the catalog: as long as a list waits, but as long as it
   * may take where the namespace is that of a server that is coming up.
   */
  async appears(found: (catalog: Catalog) => boolean, wanted?: Wanted): Promise<void> {
    const { clock, catalogs, ownersOf } = this.#options;
    const end = clock.now() + this.#listMs;
    catalogs.rebuild();
    while (!found(catalogs.catalog) && this.#pending > 0 && wanted?.signal?.cancelled !== true) {
      const ownerComes = wanted !== undefined && ownersOf(wanted.name).some(({ expected }) => expected);
      const left = ownerComes ? OWNER_STEP_MS : end - clock.now();
      if (left <= 0) break;
      await this.#nextListing(left, wanted?.signal);
      catalogs.rebuild();
    }
  }

  /** Waits until every server that is coming up was listed or has failed, however long that takes. */
  async listed(): Promise<void> {
    while (this.#pending > 0) await this.#nextListing(OWNER_STEP_MS);
    this.#options.catalogs.rebuild();
  }

  get #listMs(): number {
    return this.#options.listWaitMs() ?? USUAL_LIST_MS;
  }

  /** The number of servers that may still bring their first listing. */
  get #pending(): number {
    const { isConfirming, shared } = this.#options;
    const own = this.#count((downstream) => downstream.expected || isConfirming(downstream));
    return own + (shared ? shared.#pending : 0);
  }

  /** The number of servers that a list waits for. */
  get #awaited(): number {
    const { isConfirming, shared } = this.#options;
    const own = this.#count((downstream) => downstream.awaited || isConfirming(downstream));
    return own + (shared ? shared.#awaited : 0);
  }

  #count(fits: (downstream: Downstream) => boolean): number {
    let count = 0;
    for (const downstream of this.#options.downstreams()) if (fits(downstream)) count++;
    return count;
  }

  /** Waits until one server less is pending, at most so long. */
  #nextListing(ms: number, signal?: Cancellation): Promise<void> {
    const { clock, watch } = this.#options;
    const before = this.#pending;
    return new Promise((resolve) => {
      let off = (): void => {};
      const done = (): void => {
        stop();
        unwatch();
        off();
        resolve();
      };
      const stop = clock.after(ms, done);
      const unwatch = watch(() => {
        if (this.#pending < before) done();
      });
      if (signal) off = signal.onCancel(done);
    });
  }
}
