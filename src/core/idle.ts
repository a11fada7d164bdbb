/** Reports that something has not been used for a while. */
import type { Clock } from './clock.ts';

export class Idle {
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #idle: () => void;
  #usedAt = 0;
  #cancel: (() => void) | undefined;

  /** @param afterMs milliseconds without use; 0 means never. */
  constructor(afterMs: number, clock: Clock, idle: () => void) {
    this.#afterMs = afterMs;
    this.#clock = clock;
    this.#idle = idle;
  }

  /** Moves no timer: the timer that is set checks the time of the last use when it fires. */
  used(): void {
    if (this.#afterMs === 0) return;
    this.#usedAt = this.#clock.now();
    this.#cancel ??= this.#arm(this.#afterMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const left = this.#usedAt + this.#afterMs - this.#clock.now();
      this.#cancel = left > 0 ? this.#arm(left) : undefined;
      if (left <= 0) this.#idle();
    });
  }
}
