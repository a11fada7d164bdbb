/**
 * What a server offers: remembered from an earlier run until it has told, asked again when it says that it changed.
 *
 * However often it says so, at most one round of asking runs and one waits.
 */
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { type CheckedListing, type Listing, type ListingMemory, sameListing } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { Connection } from './connection.ts';
import type { GreetingSource } from './greeting.ts';

/** What tells nothing for so long hangs; what fails sooner holds nobody up. */
const HANG_MS = 1000;

/** Lists are asked again at most this often, however often the server says that they changed. */
const REFRESH_PAUSE_MS = 300;

export interface OfferOptions {
  readonly server: string;
  readonly greeting: GreetingSource;
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

export class Offer {
  readonly #options: OfferOptions;
  #listing: Listing | undefined;
  #fresh = false;
  #exact = false;
  #waitedInVain = false;
  #listMs: number | undefined;
  #connection: Connection | undefined;
  #refreshing = false;
  #refreshAgain = false;
  #renewing: Promise<void> | undefined;

  constructor(options: OfferOptions) {
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
    const { greeting, memory } = this.#options;
    if (this.#listing || !greeting.now) return;
    const exact = memory.recall(greeting.now.capabilities);
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

  /** Asks at once, and waits: a call depends on it. */
  renew(connection: Connection): Promise<void> {
    return (this.#renewing ??= this.#ask(connection).finally(() => {
      this.#renewing = undefined;
    }));
  }

  async #refresh(): Promise<void> {
    this.#refreshing = true;
    const { clock } = this.#options;
    const connection = this.#connection;
    if (connection && !connection.closed) await this.#ask(connection);
    clock.after(REFRESH_PAUSE_MS, () => {
      this.#refreshing = false;
      if (!this.#refreshAgain) return;
      this.#refreshAgain = false;
      this.refresh();
    });
  }

  async #ask(connection: Connection): Promise<void> {
    const { greeting, memory, checked, clock, timeoutMs, log, server, changed, failed } = this.#options;
    const signal = new Cancellation();
    const stop = clock.after(timeoutMs, () => signal.cancel('it took too long'));
    const asked = clock.now();
    try {
      const { info, capabilities } = await greeting.promise;
      const from = clock.now();
      const { listing: told, whole } = await connection.list(
        { info, capabilities },
        { before: this.#listing, signal },
      );
      const { now: listing, later } = await checked(told, this.#listing);
      if (this.#connection !== connection) return;
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
}
