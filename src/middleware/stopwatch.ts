/**
 * A clock with two hands, silence and the whole time, that can be stopped while a person is asked.
 */
import { NOWHERE, type TimeLimit, type TimeLimits } from './time-limits.ts';

/** Whose time it is. */
export interface Timed {
  expired(): void;
}

/** A timer that fires so much too late tells that this process stood still, and with it all answers to it. */
const STALL_MS = 100;
/** How long after a stall what has come meanwhile may take to be read. */
const AFTER_STALL_MS = 250;

export class Stopwatch implements TimeLimit {
  place = NOWHERE;
  readonly #limits: TimeLimits;
  readonly #owner: Timed;
  readonly #idleMs: number;
  readonly #maxMs: number;
  #aliveAt: number;
  #startedAt: number;
  #pausedAt = 0;
  #pauses = 0;
  #over = false;

  /** @param idleMs silence, and `maxMs` the whole time; `Infinity` for a hand that is not there. */
  constructor(owner: Timed, limits: TimeLimits, idleMs: number, maxMs: number) {
    this.#owner = owner;
    this.#limits = limits;
    this.#idleMs = idleMs;
    this.#maxMs = maxMs;
    const now = limits.clock.now();
    this.#aliveAt = this.#startedAt = now;
    limits.add(this, now);
  }

  get dueAt(): number {
    return Math.min(this.#aliveAt + this.#idleMs, this.#startedAt + this.#maxMs);
  }

  alive(): void {
    this.#aliveAt = this.#limits.clock.now();
  }

  pause(): void {
    if (this.#pauses++ > 0) return;
    this.#pausedAt = this.#limits.clock.now();
    this.#limits.remove(this);
  }

  resume(): void {
    if (--this.#pauses > 0 || this.#over) return;
    const now = this.#limits.clock.now();
    this.#setBack(now - this.#pausedAt);
    this.#limits.add(this, now);
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    this.#limits.remove(this);
  }

  due(now: number, lateMs: number): void {
    // Told together with others, one of which has ended this one.
    if (this.#over || this.#pauses > 0) return;
    if (lateMs > STALL_MS) this.#setBack(lateMs + AFTER_STALL_MS);
    if (this.dueAt > now) this.#limits.add(this, now);
    else this.#owner.expired();
  }

  #setBack(ms: number): void {
    this.#aliveAt += ms;
    this.#startedAt += ms;
  }
}
