/**
 * The time limits of all that is under way, on one timer: nearly none of them is ever reached, and a timer for each
 * would cost more than the call.
 */
import type { Clock } from '../core/clock.ts';

export interface TimeLimit {
  /** On the clock, milliseconds. May move on while the limit stands here: it is then told too early, and comes again. */
  readonly dueAt: number;
  /** Kept here for its owner: where it stands. */
  place: number;
  /**
   * It no longer stands here.
   *
   * @param lateMs how much later than it should the timer fired.
   */
  due(now: number, lateMs: number): void;
}

/** Looked at so often while there are any; of those that are gone, no timer is left after it. */
const LOOK_MS = 5000;
export const NOT_SCHEDULED = -1;

export class TimeLimits {
  readonly clock: Clock;
  readonly #standing: TimeLimit[] = [];
  /** When the timer fires. */
  #next = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(limit: TimeLimit, now: number): void {
    limit.place = this.#standing.push(limit) - 1;
    this.#armFor(limit.dueAt, now);
  }

  /** The last one takes the place: no order is kept. */
  remove(limit: TimeLimit): void {
    const { place } = limit;
    if (place === NOT_SCHEDULED) return;
    limit.place = NOT_SCHEDULED;
    const last = this.#standing.pop() as TimeLimit;
    if (last === limit) return;
    this.#standing[place] = last;
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
    const due = this.#standing.filter(({ dueAt }) => dueAt <= now);
    for (const limit of due) this.remove(limit);
    if (this.#standing.length > 0)
      this.#armFor(
        this.#standing.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity),
        now,
      );
    for (const limit of due) {
      try {
        limit.due(now, lateMs);
      } catch (error) {
        // Nobody's to catch, and no reason to forget the others.
        void Promise.reject(error);
      }
    }
  }
}
