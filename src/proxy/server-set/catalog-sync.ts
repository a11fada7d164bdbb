/** The catalog of a server set, built anew when listings have changed: changes that come together become one catalog. */
import { buildCatalog, type CatalogEntry } from '../../catalog/build-catalog.ts';
import { type Catalog, diffCatalogs } from '../../catalog/catalog.ts';
import { type PoolListing, poolListing, poolToolRules } from '../../catalog/pool-listing.ts';
import type { Clock } from '../../core/clock.ts';
import type { Listing, ListKind } from '../../core/listing.ts';
import type { ServerSetConfig } from './server-set-config.ts';

export interface CatalogSyncOptions {
  readonly config: ServerSetConfig;
  readonly listingOf: (server: string) => Listing | undefined;
  /** The catalog was swapped; these lists differ. */
  readonly changed: (kinds: readonly ListKind[], catalog: Catalog) => void;
  readonly clock: Clock;
}

export class CatalogSync {
  readonly #options: CatalogSyncOptions;
  #config: ServerSetConfig;
  #catalog: Catalog;
  #pools: ReadonlyMap<string, PoolListing> = new Map();
  #builtFrom: readonly (Listing | undefined)[] = [];
  #cancelRebuild: (() => void) | undefined;

  constructor(options: CatalogSyncOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#catalog = buildCatalog([], options.config.catalog);
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** The members of a pool that have this item, in order of priority. */
  membersWith(pool: string, kind: ListKind, name: string): readonly string[] {
    return this.#pools.get(pool)?.membersWith(kind, name) ?? [];
  }

  /** Builds anew from the config or the connections as they are now, though no listing may differ. */
  renew(config = this.#config): void {
    this.#config = config;
    this.#builtFrom = [];
    this.rebuild();
  }

  /** Builds anew after so many milliseconds, where listings differ by then. */
  rebuildSoon(ms: number): void {
    this.#cancelRebuild ??= this.#options.clock.after(ms, () => this.rebuild());
  }

  /** Builds anew where listings differ. */
  rebuild(): void {
    this.#cancelRebuild?.();
    this.#cancelRebuild = undefined;
    const { listingOf, changed } = this.#options;
    const listings = this.#config.servers.map(({ server }) => listingOf(server));
    if (listings.every((listing, i) => listing === this.#builtFrom[i]) && this.#builtFrom.length > 0) return;
    this.#builtFrom = listings;
    const entries = this.#entries();
    const before = this.#catalog;
    this.#catalog = buildCatalog(entries, this.#config.catalog);
    const kinds = diffCatalogs(before, this.#catalog);
    if (kinds.length > 0) changed(kinds, this.#catalog);
  }

  stop(): void {
    this.#cancelRebuild?.();
  }

  /** The entries in catalog order; a pool is one entry. */
  #entries(): CatalogEntry[] {
    const { servers, pools, shown } = this.#config;
    const known = new Map<string, CatalogEntry>();
    for (const server of servers) {
      const listing = this.#options.listingOf(server.server);
      if (listing) known.set(server.server, { ...server, listing });
    }
    const listed = new Map<string, PoolListing>();
    for (const { key, namespace, members } of pools) {
      const entries = members.flatMap((member) => known.get(member) ?? []);
      const pooled = poolListing(entries);
      if (!pooled) continue;
      listed.set(key, pooled);
      known.set(key, {
        server: key,
        namespace,
        listing: pooled.listing,
        tools: poolToolRules(entries),
        maxTools: Math.max(...entries.map((entry) => entry.maxTools)),
        trusted: entries.every((entry) => entry.trusted !== false),
      });
    }
    this.#pools = listed;
    return shown.flatMap((key) => known.get(key) ?? []);
  }
}
