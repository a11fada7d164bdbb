/**
 * A clock with two hands, silence and the whole time, that can be stopped while a person is asked.
 */
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';

export interface StopwatchOptions {
  readonly clock: Clock;
  readonly idleMs: number;
  readonly maxMs: number;
  readonly expired: (hand: 'idle' | 'max') => void;
}

/** A timer that fires so much too late tells that this process stood still, and with it all answers to it. */
const STALL_MS = 100;
/** How long after a stall what has come meanwhile may take to be read. */
const AFTER_STALL_MS = 250;

export class Stopwatch {
  readonly #options: StopwatchOptions;
  #cancel: (() => void) | undefined;
  #aliveAt: number;
  #startedAt: number;
  #pausedAt = 0;
  #pauses = 0;
  #over = false;

  constructor(options: StopwatchOptions) {
    this.#options = options;
    this.#aliveAt = this.#startedAt = options.clock.now();
    this.#arm(this.#startedAt);
  }

  /** Moves no timer: the one that is set looks again when it fires. */
  alive(): void {
    this.#aliveAt = this.#options.clock.now();
  }

  pause(): void {
    if (this.#pauses++ > 0) return;
    this.#pausedAt = this.#options.clock.now();
    this.#cancel?.();
  }

  resume(): void {
    if (--this.#pauses > 0) return;
    const now = this.#options.clock.now();
    this.#setBack(now - this.#pausedAt);
    this.#arm(now);
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    this.#cancel?.();
  }

  #setBack(ms: number): void {
    this.#aliveAt += ms;
    this.#startedAt += ms;
  }

  #arm(now: number): void {
    if (this.#over) return;
    const { clock, idleMs, maxMs, expired } = this.#options;
    const idleLeft = this.#aliveAt + idleMs - now;
    const left = this.#startedAt + maxMs - now;
    if (left <= 0) return expired('max');
    if (idleLeft <= 0) return expired('idle');
    const ms = Math.ceil(Math.min(idleLeft, left));
    this.#cancel = clock.after(Math.min(ms, LONGEST_TIMER_MS), () => {
      const later = clock.now();
      const late = later - now - ms;
      if (late > STALL_MS) this.#setBack(late + AFTER_STALL_MS);
      this.#arm(later);
    });
  }
}

/** Node fires a timer for longer than this at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The call's progress, taken as a sign of life. */
export function watchedProgress({ onProgress }: Call, watch: Stopwatch): Call['onProgress'] {
  return (
    onProgress &&
    ((params) => {
      watch.alive();
      onProgress(params);
    })
  );
}

/** The call's questions, during which the watch stands still. */
export function watchedAsk({ ask }: Call, watch: Stopwatch): Call['ask'] {
  return (
    ask &&
    (async (question) => {
      watch.pause();
      try {
        return await ask(question);
      } finally {
        watch.resume();
      }
    })
  );
}
