/**
 * Bounds for what a server sends without being asked: floods are thinned out and counted, never stored.
 */
import type { Clock } from '../core/clock.ts';

const WINDOW_MS = 1000;

/** Lets so many pass in a second. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #since = -Infinity;
  #used = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** @returns whether one more may pass. */
  take(): boolean {
    const now = this.#clock.now();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#used = 0;
    }
    if (this.#used >= this.#perSecond) return false;
    this.#used++;
    return true;
  }

  /** The time until more may pass, milliseconds. */
  get renewedInMs(): number {
    return Math.max(0, this.#since + WINDOW_MS - this.#clock.now());
  }
}

export interface LatestWinsOptions<T> {
  readonly perSecond: number;
  readonly clock: Clock;
  readonly pass: (item: T) => void;
  /** Tells how many were left out in favour of a newer one. */
  readonly leftOut: (count: number) => void;
}

/** Passes things on as they come; in a flood only the newest counts, and comes later. */
export class LatestWins<T> {
  readonly #options: LatestWinsOptions<T>;
  readonly #allowance: TokenBucket;
  #held: { readonly item: T } | undefined;
  #leftOut = 0;
  #cancel: (() => void) | undefined;

  constructor(options: LatestWinsOptions<T>) {
    this.#options = options;
    this.#allowance = new TokenBucket(options.perSecond, options.clock);
  }

  push(item: T): void {
    if (this.#held) this.#leftOut++;
    else if (this.#allowance.take()) return this.#options.pass(item);
    this.#held = { item };
    this.#cancel ??= this.#options.clock.after(this.#allowance.renewedInMs, () => {
      this.#cancel = undefined;
      this.flush();
    });
  }

  /** Passes on what is held. */
  flush(): void {
    const held = this.#held;
    this.stop();
    if (held) this.#options.pass(held.item);
  }

  /** Lets go of what is held. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#held = undefined;
    if (this.#leftOut > 0) this.#options.leftOut(this.#leftOut);
    this.#leftOut = 0;
  }
}
