/**
 * Lets only a few reconnect at a time: many servers that fell together (a network, a machine that slept) must not
 * come back as a storm. A slow server's place is given on after a while, so that it does not hold back the rest.
 */
import type { Clock } from '../core/clock.ts';

export class ReconnectLimiter {
  readonly #atOnce: number;
  readonly #longestMs: number;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor({
    atOnce,
    longestMs,
    clock,
  }: {
    readonly atOnce: number;
    readonly longestMs: number;
    readonly clock: Clock;
  }) {
    this.#atOnce = atOnce;
    this.#longestMs = longestMs;
    this.#clock = clock;
  }

  /** Waits for a place. @returns a function that gives the place on; calling it again does nothing. */
  async take(): Promise<() => void> {
    if (this.#taken >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#taken++;
    let over = false;
    const giveUp = (): void => {
      if (over) return;
      over = true;
      stop();
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    };
    const stop = this.#clock.after(this.#longestMs, giveUp);
    return giveUp;
  }
}
