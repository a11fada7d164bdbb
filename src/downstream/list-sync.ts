/**
 * The listing of a server: remembered from an earlier run until it is fetched, fetched again when the server announces a
 * change.
 *
 * However often the server announces changes, at most one fetch runs and one waits. Many servers never announce any:
 * their lists are fetched again when a client lists and they are old, when their `ttlMs` is over, and when a name is
 * missed.
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

/** A server that is silent for so long hangs; one that fails sooner holds nobody up. */
const HANG_MS = 1000;

/** Lists are fetched at most this often, however often the server announces changes. */
const REFRESH_PAUSE_MS = 300;
/** A list that a client asks for is fetched again where it is older than this. */
const OLD_MS = 3000;
/** The shortest `ttlMs` of a list that is believed. */
const LEAST_TTL_MS = 200;
/** The pauses between fetches because of `ttlMs`: they grow where nothing changes. */
const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** The pause between fetches because of missed names, however often clients name what nobody has. */
const MISSED_PAUSE_MS = 2000;
/** The time for lists that the server does not declare, counted from when the declared ones are there. */
const UNDECLARED_MS = 1000;
const UNDECLARED_TOOLS_MS = 5000;

export interface ListSyncOptions {
  readonly server: string;
  readonly identity: IdentitySource;
  readonly memory: ListingMemory;
  /** Checks a listing that was fetched. @param before the listing until now. */
  readonly checked: (listing: Listing, before: Listing | undefined) => Promise<CheckedListing>;
  /** The time that all lists together may take. */
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

  /** The listing was fetched in this run. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** The listing was fetched for a client with these capabilities, in this run or an earlier one. */
  get exact(): boolean {
    return this.#exact;
  }

  /** The time of the last fetch of all lists, milliseconds. */
  get listMs(): number | undefined {
    return this.#listMs;
  }

  /**
   * Takes the listing remembered for this client's capabilities, once they are known; else one for other clients, or
   * the one that stands in: better a nearly right tool than none, until the lists are fetched.
   */
  recall(instead?: Listing): void {
    const { identity, memory } = this.#options;
    if (this.#listing || !identity.now) return;
    const exact = memory.recall(identity.now.capabilities);
    this.#exact = exact !== undefined;
    this.#listing = exact ?? memory.latest() ?? instead;
  }

  /** Clients have waited for the listing since then in vain. */
  waitedInVain(since: number, mayBeFetching = false): void {
    const { clock, memory } = this.#options;
    if (this.#listing || clock.now() - since < HANG_MS) return;
    // A run counts once, however many lists waited.
    if (mayBeFetching && this.#waitedInVain) return;
    this.#waitedInVain = true;
    memory.hangs(mayBeFetching);
  }

  /** Fetches all lists, now that there is a connection. */
  listFrom(connection: Connection): void {
    this.#connection = connection;
    this.refresh();
  }

  refresh(): void {
    if (this.#refreshing) this.#refreshAgain = true;
    else void this.#refresh();
  }

  /** Fetches at once, and waits: a call depends on it, which needs only declared lists. */
  renew(connection: Connection, which: 'declared' | 'all' = 'declared'): Promise<void> {
    return (this.#renewing ??= this.#ask(connection, which).finally(() => {
      this.#renewing = undefined;
    }));
  }

  /**
   * A client asks for a list, or for something that no list has (`missed`): asks the server again, unless it was asked
   * a moment ago, or while its `ttlMs` lasts.
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
      // A list that failed because the server fell means nothing; the next start asks again.
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

  /** Takes what is settled by now in place of what was not, unless the lists were fetched anew since. */
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

  /** Fetches again when the `ttlMs` is over: clients that have listed hear of what is new. */
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

  /** A server that ended at an undeclared list may stay up where only declared ones are asked for. */
  #fellWhenAsked(): void {
    const again = this.#skip.has('prompts') && this.#skip.has('resources');
    for (const kind of LIST_KINDS) if (kind !== 'tools' || again) this.#skip.add(kind);
  }
}
