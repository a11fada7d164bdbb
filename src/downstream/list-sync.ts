/**
 * What a server offers: remembered from an earlier run until it has told, asked again when it says that it changed.
 *
 * However often it says so, at most one round of asking runs and one waits. Many servers never say so: they are asked
 * again when their list is looked at and is old, when what they said of its time is over, and when something is missed.
 */
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { JsonObject } from '../json/json.ts';
import {
  type CheckedListing,
  LIST_KINDS,
  type Listing,
  type ListingMemory,
  type ListKind,
  sameListing,
} from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { Connection } from './connection/connection.ts';
import type { IdentitySource } from './connection/client-info.ts';
import type { UndeclaredLists } from './connection/pages.ts';

/** What tells nothing for so long hangs; what fails sooner holds nobody up. */
const HANG_MS = 1000;

/** Lists are asked again at most this often, however often the server says that they changed. */
const REFRESH_PAUSE_MS = 300;
/** A list that a client asks for is asked again of the server where it is older than this. */
const OLD_MS = 3000;
/** What a server says of how long its lists are good is not taken for less. */
const LEAST_TTL_MS = 200;
/** By itself a list is asked again when its time is over, but not more often, and less and less where nothing changes. */
const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** However often clients name what nobody has. */
const MISSED_PAUSE_MS = 2000;
/** What lists get that the server does not declare, from when those are there that it does. */
const UNDECLARED_MS = 1000;
const UNDECLARED_TOOLS_MS = 5000;

export interface ListSyncOptions {
  readonly server: string;
  readonly identity: IdentitySource;
  readonly memory: ListingMemory;
  /** What came, with what there is to say of it. @param before what was known until now. */
  readonly checked: (listing: Listing, before: Listing | undefined) => Promise<CheckedListing>;
  /** How long all lists together may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** A listing that differs from the one before. */
  readonly changed: () => void;
  /** A list could not be had. */
  readonly failed: (what: string) => void;
}

export class ListSync {
  readonly #options: ListSyncOptions;
  #listing: Listing | undefined;
  #fresh = false;
  #exact = false;
  #waitedInVain = false;
  #listMs: number | undefined;
  #connection: Connection | undefined;
  #refreshing = false;
  #refreshAgain = false;
  #renewing: Promise<void> | undefined;
  #askedAt = -Infinity;
  #missedAt = -Infinity;
  #pauseMs = LEAST_PAUSE_MS;
  #cancelNext: (() => void) | undefined;
  /** Undeclared lists that are not asked for, since the server did not answer or fell. */
  readonly #skip = new Set<ListKind>();
  /** Undeclared lists that take their time. */
  readonly #slow = new Set<ListKind>();

  constructor(options: ListSyncOptions) {
    this.#options = options;
  }

  get listing(): Listing | undefined {
    return this.#listing;
  }

  /** The server of this run has told it itself. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** What is listed was told to a client with these capabilities, in this run or an earlier one. */
  get exact(): boolean {
    return this.#exact;
  }

  /** How long the last round of asking took, milliseconds. */
  get listMs(): number | undefined {
    return this.#listMs;
  }

  /**
   * Takes what is remembered for this client's capabilities, once they are known; else what was told to other clients,
   * or what stands in for it: better a nearly right tool than none, until the server has told itself.
   */
  recall(instead?: Listing): void {
    const { identity, memory } = this.#options;
    if (this.#listing || !identity.now) return;
    const exact = memory.recall(identity.now.capabilities);
    this.#exact = exact !== undefined;
    this.#listing = exact ?? memory.latest() ?? instead;
  }

  /** It has been waited for since then, and has told nothing. */
  waitedInVain(since: number, mayBeFetching = false): void {
    const { clock, memory } = this.#options;
    if (this.#listing || clock.now() - since < HANG_MS) return;
    // A run counts once, however many lists waited.
    if (mayBeFetching && this.#waitedInVain) return;
    this.#waitedInVain = true;
    memory.hangs(mayBeFetching);
  }

  /** Asks for everything, now that there is a connection. */
  listFrom(connection: Connection): void {
    this.#connection = connection;
    this.refresh();
  }

  refresh(): void {
    if (this.#refreshing) this.#refreshAgain = true;
    else void this.#refresh();
  }

  /** Asks at once, and waits: a call depends on it, which needs only what is declared. */
  renew(connection: Connection, which: 'declared' | 'all' = 'declared'): Promise<void> {
    return (this.#renewing ??= this.#ask(connection, which).finally(() => {
      this.#renewing = undefined;
    }));
  }

  /**
   * A client asks for a list, or for something that no list has (`missed`): asks the server again, unless it was asked
   * a moment ago or said that its list is still good.
   */
  async freshen(why: 'listed' | 'missed'): Promise<void> {
    const now = this.#options.clock.now();
    const connection = this.#connection;
    if (!connection || connection.closed || !this.#fresh) return;
    const goodMs = this.#listing?.ttlMs ? Math.max(LEAST_TTL_MS, this.#listing.ttlMs) : OLD_MS;
    const since = why === 'missed' ? this.#missedAt + MISSED_PAUSE_MS : this.#askedAt + goodMs;
    if (now < since) return;
    if (why === 'missed') this.#missedAt = now;
    await this.renew(connection, 'all');
  }

  stop(): void {
    this.#cancelNext?.();
  }

  async #refresh(): Promise<void> {
    this.#refreshing = true;
    const { clock } = this.#options;
    const connection = this.#connection;
    if (connection && !connection.closed) await this.#ask(connection, 'all');
    clock.after(REFRESH_PAUSE_MS, () => {
      this.#refreshing = false;
      if (!this.#refreshAgain) return;
      this.#refreshAgain = false;
      this.refresh();
    });
  }

  async #ask(connection: Connection, which: 'declared' | 'all'): Promise<void> {
    const { identity, memory, checked, clock, timeoutMs, log, server, changed, failed } = this.#options;
    const signal = new Cancellation();
    const stop = clock.after(timeoutMs, () => signal.cancel('it took too long'));
    const asked = clock.now();
    this.#cancelNext?.();
    try {
      const { info, capabilities } = await identity.promise;
      const from = clock.now();
      this.#askedAt = from;
      const {
        listing: told,
        whole,
        silent,
      } = await connection.own.list(
        { info, capabilities },
        { before: this.#listing, signal, ...(which === 'all' && { undeclared: this.#undeclared() }) },
      );
      if (connection.closed) this.#fellWhenAsked();
      const { now: listing, later } = await checked(told, this.#listing);
      if (this.#connection !== connection) return;
      for (const kind of silent) this.#skip.add(kind);
      if (silent.length > 0) log.debug({ server, silent }, 'lists that are not declared were not answered');
      this.#listMs = Math.round(clock.now() - from);
      const before = this.#listing;
      if (!whole) this.waitedInVain(asked);
      // A list that failed because the server fell says nothing; the next start asks again.
      if (!whole && connection.closed) return;
      const wasFresh = this.#fresh;
      this.#fresh = this.#exact = true;
      if (!before || !sameListing(before, listing)) this.#listing = listing;
      if (whole) memory.keep(capabilities, listing);
      else failed(listing.problems.join('; '));
      if (this.#listing !== before || !wasFresh) changed();
      if (later) void this.#settle(this.#listing, later, whole ? capabilities : undefined);
      this.#askAgainAfter(listing.ttlMs, this.#listing !== before);
    } catch (error) {
      log.warn({ server, why: messageOf(error) }, 'listing failed');
      if (this.#connection !== connection || connection.closed) return;
      this.waitedInVain(asked);
      failed(messageOf(error));
      changed();
    } finally {
      stop();
    }
  }

  /** Takes what is settled by now in place of what was not, unless the server has told anew since. */
  async #settle(
    open: Listing | undefined,
    later: Promise<Listing>,
    capabilities: JsonObject | undefined,
  ): Promise<void> {
    const listing = await later;
    if (this.#listing !== open) return;
    this.#listing = listing;
    if (capabilities) this.#options.memory.keep(capabilities, listing);
    this.#options.changed();
  }

  /** When its time is over: who has listed already hears of what is new. */
  #askAgainAfter(ttlMs: number, changed: boolean): void {
    this.#cancelNext?.();
    if (ttlMs <= 0) return;
    this.#pauseMs = changed ? LEAST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#cancelNext = this.#options.clock.after(Math.max(ttlMs, this.#pauseMs), () => this.refresh());
  }

  #undeclared(): UndeclaredLists {
    const { clock } = this.#options;
    return {
      skip: this.#skip,
      patience: (kind) =>
        new Promise((resolve) => {
          if (!this.#slow.has(kind))
            clock.after(kind === 'tools' ? UNDECLARED_TOOLS_MS : UNDECLARED_MS, resolve);
        }),
      late: (kind) => {
        this.#skip.delete(kind);
        this.#slow.add(kind);
        this.refresh();
      },
    };
  }

  /** Some servers end at a method that they do not know: asked for what they declare they may stay. */
  #fellWhenAsked(): void {
    const again = this.#skip.has('prompts') && this.#skip.has('resources');
    for (const kind of LIST_KINDS) if (kind !== 'tools' || again) this.#skip.add(kind);
  }
}
