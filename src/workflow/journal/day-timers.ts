/** Timers that end at a time of day, however far away. */
import type { Clock } from '../../core/clock.ts';

/** A Node timer cannot wait longer, milliseconds. */
const MAX_TIMER_MS = 2_000_000_000;

export class DayTimers {
  readonly #clock: Clock;
  readonly #timeOfDay: () => number;
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock, timeOfDay: () => number) {
    this.#clock = clock;
    this.#timeOfDay = timeOfDay;
  }

  start(key: string, until: number, task: () => void): void {
    const left = Math.max(0, Math.ceil(until - this.#timeOfDay()));
    const look = (): void => {
      if (this.#timeOfDay() < until) return this.start(key, until, task);
      this.#timers.delete(key);
      task();
    };
    this.#timers.set(key, this.#clock.after(Math.min(left, MAX_TIMER_MS), look));
  }

  stop(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }

  stopAll(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
  }
}
