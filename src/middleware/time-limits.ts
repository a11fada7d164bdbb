/**
 * The time limits of all calls under way, on one timer: few limits are ever reached, and a timer for each would cost
 * more than the call.
 */
import type { Clock } from '../core/clock.ts';

export interface TimeLimit {
  /** Milliseconds on the clock. A limit whose time has moved on is told too early, and adds itself again. */
  readonly dueAt: number;
  /** The index of this limit in the list, kept here for `TimeLimits`. */
  place: number;
  /**
   * Called when the time is up and the limit has been removed.
   *
   * @param lateMs how much later than it should the timer fired.
   */
  due(now: number, lateMs: number): void;
}

/** The longest interval between two looks at the limits; an idle proxy has no timer left after it. */
const LOOK_MS = 5000;
export const NOT_SCHEDULED = -1;

export class TimeLimits {
  readonly clock: Clock;
  readonly #limits: TimeLimit[] = [];
  /** The time at which the timer fires. */
  #next = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(limit: TimeLimit, now: number): void {
    limit.place = this.#limits.push(limit) - 1;
    this.#armFor(limit.dueAt, now);
  }

  /** Puts the last limit into the free place: the order does not matter. */
  remove(limit: TimeLimit): void {
    const { place } = limit;
    if (place === NOT_SCHEDULED) return;
    limit.place = NOT_SCHEDULED;
    const last = this.#limits.pop() as TimeLimit;
    if (last === limit) return;
    this.#limits[place] = last;
    last.place = place;
  }

  #armFor(dueAt: number, now: number): void {
    const at = Math.min(dueAt, now + LOOK_MS);
    if (at >= this.#next) return;
    this.#cancel?.();
    this.#next = at;
    const ms = Math.max(0, Math.ceil(at - now));
    this.#cancel = this.clock.after(ms, () => {
      this.#next = Infinity;
      const later = this.clock.now();
      this.#tell(later, later - now - ms);
    });
  }

  #tell(now: number, lateMs: number): void {
    const due = this.#limits.filter(({ dueAt }) => dueAt <= now);
    for (const limit of due) this.remove(limit);
    if (this.#limits.length > 0)
      this.#armFor(
        this.#limits.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity),
        now,
      );
    for (const limit of due) {
      try {
        limit.due(now, lateMs);
      } catch (error) {
        // Nobody can catch this, and the other limits must be told all the same.
        void Promise.reject(error);
      }
    }
  }
}
