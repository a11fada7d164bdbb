/**
 * The downstream servers that one client sees, and the catalog made of them.
 *
 * The shared server set serves everybody. A client that needs connections of its own has a server set of its own on top,
 * which falls back to the shared one for all other servers.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../core/clock.ts';
import type { Listing, ListKind } from '../../core/listing.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { ServerPipeline } from '../../pipeline/server-pipeline.ts';
import { CatalogSync } from './catalog-sync.ts';
import { LateStarts } from './late-starts.ts';
import { ListingWaits, type Wanted } from './listing-waits.ts';
import { Replacements } from './replacements.ts';
import type { ServerSetConfig } from './server-set-config.ts';

/** Changes that come within this time become one new catalog. */
const GATHER_MS = 50;
/** The same while servers that are listed already are coming up: what is listed anew becomes one change. */
const GATHER_STARTING_MS = 500;
/** Lists that are fetched again may hold up a client that asked for them so long. */
const FRESHEN_MS = { listed: 1000, missed: 3000 } as const;

/** One server on one connection: the downstream and the pipeline around it. */
export interface ServerInstance {
  readonly downstream: Downstream;
  readonly pipeline: ServerPipeline;
}

export interface ServerSetOptions {
  readonly config: ServerSetConfig;
  /** Which servers this set connects itself from the start. */
  readonly own: (server: string) => boolean;
  /** Which servers this set connects itself once a call wants them. */
  readonly ownOnDemand: (server: string) => boolean;
  readonly make: (server: string, changed: () => void) => ServerInstance;
  readonly shared: ServerSet | undefined;
  /** Servers with a remembered listing are started before a call wants them; default: true. */
  readonly startsKnown?: boolean;
  readonly clock: Clock;
  /** The catalog was swapped; these lists differ. */
  readonly changed: (kinds: readonly ListKind[], catalog: Catalog) => void;
}

export class ServerSet {
  readonly #options: ServerSetOptions;
  #config: ServerSetConfig;
  readonly #instances = new Map<string, ServerInstance>();
  readonly #watchers = new Set<() => void>();
  readonly #unwatchShared: (() => void) | undefined;
  readonly #catalogs: CatalogSync;
  readonly #lateStarts: LateStarts;
  readonly #replacements: Replacements;
  readonly #waits: ListingWaits;

  constructor(options: ServerSetOptions) {
    const { config, shared, startsKnown = true, changed, clock } = options;
    this.#options = options;
    this.#config = config;
    this.#lateStarts = new LateStarts(clock, startsKnown);
    this.#replacements = new Replacements(clock);
    this.#catalogs = new CatalogSync({
      config,
      listingOf: (server) => this.listingOf(server),
      changed,
      clock,
    });
    this.#waits = new ListingWaits({
      catalogs: this.#catalogs,
      downstreams: () => this.downstreams,
      isConfirming: (downstream) => this.#replacements.isConfirming(downstream),
      ownersOf: (name) => this.#ownersOf(name),
      shared: shared && shared.#waits,
      watch: (watcher) => this.watch(watcher),
      listWaitMs: () => this.#config.listWaitMs,
      clock,
    });
    this.#unwatchShared = shared?.watch(() => this.#somethingChanged());
    this.#catalogs.rebuild();
  }

  /**
   * Starts all servers of its own; none waits for another. Servers with a remembered listing come later, so that
   * clients get their first answers before any process is started.
   */
  start(): void {
    this.#waits.started();
    for (const { server } of this.#config.servers) {
      if (!this.#options.own(server)) continue;
      const { downstream } = this.#make(server);
      if (downstream.remembered) this.#lateStarts.add(downstream);
      else downstream.start();
    }
    this.#catalogs.rebuild();
    this.#lateStarts.begin();
  }

  /** The client's capabilities are known now, and so the listings remembered for them. */
  recall(): void {
    for (const { downstream } of this.#instances.values()) {
      downstream.recall();
      if (downstream.remembered && this.#lateStarts.has(downstream)) continue;
      this.#lateStarts.delete(downstream);
      downstream.start();
    }
    this.#catalogs.rebuild();
  }

  /** A client has had a list. */
  hasListed(): void {
    this.#lateStarts.hasListed();
  }

  /** Takes over another config: servers in `differs` are replaced, those gone are ended, new ones are started. */
  reload(config: ServerSetConfig, differs: ReadonlySet<string>): void {
    const { own } = this.#options;
    this.#config = config;
    const wanted = new Set(config.servers.map(({ server }) => server));
    for (const [server, { downstream, pipeline }] of [...this.#instances]) {
      if (wanted.has(server) && !differs.has(server)) continue;
      this.#instances.delete(server);
      this.#lateStarts.delete(downstream);
      void this.#replacements.drain(downstream, pipeline);
      if (wanted.has(server) && own(server)) this.#make(server, downstream.listing).downstream.start();
    }
    for (const { server } of config.servers)
      if (own(server) && !this.#instances.has(server)) this.#make(server).downstream.start();
    this.#catalogs.renew(config);
  }

  /** Other clients are served from now on: these servers are told so on new connections, and listed for them. */
  renew(servers: Iterable<string> = this.#instances.keys()): void {
    this.#waits.started();
    for (const server of [...servers]) {
      const downstream = this.#instances.get(server)?.downstream;
      if (downstream?.expected) this.#renewOnceListed(server, downstream);
      else if (downstream) this.#renewOne(server);
    }
    this.#catalogs.renew();
  }

  /** A server that is still starting may be fetching its program: it comes up, and serves until the next one does. */
  #renewOnceListed(server: string, downstream: Downstream): void {
    const unwatch = this.watch(() => {
      const replaced = this.#instances.get(server)?.downstream !== downstream;
      if (!replaced && downstream.expected) return;
      unwatch();
      if (!replaced) this.#renewOne(server);
    });
  }

  #renewOne(server: string): void {
    const before = this.#instances.get(server);
    if (!before) return;
    this.#lateStarts.delete(before.downstream);
    const { downstream } = this.#make(server, before.downstream.listing);
    void this.#replacements.replace(before, downstream).then(() => this.#somethingChanged());
  }

  get catalog(): Catalog {
    return this.#catalogs.catalog;
  }

  /** Every server has been listed. */
  get complete(): boolean {
    return this.#config.servers.every(({ server }) => this.listingOf(server) !== undefined);
  }

  /** The downstreams of this set itself. */
  get downstreams(): Iterable<Downstream> {
    return [...this.#instances.values()].map(({ downstream }) => downstream);
  }

  /** The instance that answers to this set's clients; started where need be. */
  find(server: string): ServerInstance | undefined {
    return (
      this.#instances.get(server) ??
      (this.#options.ownOnDemand(server) ? this.#add(server) : this.#options.shared?.find(server))
    );
  }

  /** The downstream that a server's calls go to now; starts nothing. */
  downstreamOf(server: string): Downstream | undefined {
    return this.#instances.get(server)?.downstream ?? this.#options.shared?.downstreamOf(server);
  }

  /** The server's pipeline as it is now; starts nothing. */
  pipelineOf(server: string): ServerPipeline | undefined {
    return this.#instances.get(server)?.pipeline ?? this.#options.shared?.pipelineOf(server);
  }

  /** The listing of a server as this set's clients see it, if it is known. */
  listingOf(server: string): Listing | undefined {
    const downstream = this.#instances.get(server)?.downstream;
    // What was listed for other clients serves until the server was listed for these.
    return downstream?.listing ? downstream.shownListing : this.#options.shared?.listingOf(server);
  }

  /** A server's connection is this server set's, and not the shared one's. */
  owns(server: string): boolean {
    return this.#options.shared !== undefined && this.#instances.has(server);
  }

  /** The members of a pool that have this item, in order of priority. */
  membersWith(pool: string, kind: ListKind, name: string): readonly string[] {
    return this.#catalogs.membersWith(pool, kind, name);
  }

  /** Tells of every change of a server's state or listing. @returns a function that stops it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Waits for servers that were never listed. @param until the clock's time. */
  settled(until?: number): Promise<void> {
    return this.#waits.settled(until);
  }

  /** Some servers are still waited for. */
  get missing(): boolean {
    return this.#waits.missing;
  }

  /** A client has waited for the missing servers as long as it could. */
  waitedInVain(): void {
    this.#options.shared?.waitedInVain();
    for (const downstream of this.downstreams) downstream.waitedInVain();
  }

  /** Waits, while servers are coming up, for something to be in the catalog. */
  appears(found: (catalog: Catalog) => boolean, wanted?: Wanted): Promise<void> {
    return this.#waits.appears(found, wanted);
  }

  /** Waits until every server that is coming up was listed or has failed, however long that takes. */
  listed(): Promise<void> {
    return this.#waits.listed();
  }

  /** Why nothing of this name is there: its server could not be started. */
  absence(name: string): { readonly server: string; readonly why: string } | undefined {
    for (const { listing, status } of this.#ownersOf(name))
      if (!listing && status.lastFailure) return { server: status.server, why: status.lastFailure.what };
    return undefined;
  }

  /** The servers in whose namespace a name is; without prefixes it may be in any. */
  #ownersOf(name: string): Downstream[] {
    const { servers, pools, catalog } = this.#config;
    const within = ({ namespace }: { readonly namespace: string }): boolean =>
      !catalog.prefix || name.startsWith(`${namespace}__`);
    const members = pools.filter(within).flatMap((pool) => pool.members);
    const owners = [...servers.filter(within).map(({ server }) => server), ...members];
    return owners.flatMap((server) => this.downstreamOf(server) ?? []);
  }

  /** Has old lists asked again, for a client that lists or that names what no list has; waits a moment for them. */
  async freshen(why: 'listed' | 'missed'): Promise<void> {
    const asked = this.#config.servers.flatMap(({ server }) => this.downstreamOf(server)?.freshen(why) ?? []);
    let stop: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      stop = this.#options.clock.after(FRESHEN_MS[why], resolve);
    });
    await Promise.race([Promise.all(asked), late]);
    stop();
    this.#catalogs.rebuild();
  }

  /** Starts what would start later, and waits until every server is up or has failed; a lazy one is left alone. */
  async connected(): Promise<void> {
    this.#lateStarts.startAll();
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

  /** Servers are coming up, so that more changes are to be expected soon. */
  get comingUp(): boolean {
    for (const { downstream } of this.#instances.values())
      if (downstream.expected || downstream.state === 'starting') return true;
    return this.#options.shared?.comingUp ?? false;
  }

  /** Ends all servers of its own. */
  async close(): Promise<void> {
    this.#catalogs.stop();
    this.#lateStarts.stop();
    this.#unwatchShared?.();
    const ending = [...this.downstreams, ...this.#replacements.draining];
    for (const { pipeline } of this.#instances.values()) pipeline.close();
    await Promise.all(ending.map((downstream) => downstream.close()));
  }

  #add(server: string): ServerInstance {
    const instance = this.#make(server);
    instance.downstream.start();
    return instance;
  }

  /** @param instead a listing for as long as none is remembered. */
  #make(server: string, instead?: Listing): ServerInstance {
    const instance = this.#options.make(server, () => this.#somethingChanged());
    this.#instances.set(server, instance);
    instance.downstream.recall(instead);
    return instance;
  }

  #somethingChanged(): void {
    for (const watcher of [...this.#watchers]) watcher();
    const starting = [...this.downstreams].some(({ state, listing }) => listing && state === 'starting');
    this.#catalogs.rebuildSoon(starting ? GATHER_STARTING_MS : GATHER_MS);
  }
}
