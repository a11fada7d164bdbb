/**
 * Starts servers with a remembered listing after a client has had its list, one at a time: starting a process stops
 * everything else for a moment, and the first answers come before that.
 */
import type { Clock } from '../../core/clock.ts';
import type { Downstream } from '../../downstream/downstream.ts';

/** The first of them is started at the latest after this. */
const START_LATEST_MS = 500;
/** The pause after the first list, since a client mostly asks for several. */
const AFTER_LIST_MS = 20;
/** The pause between two starts. */
const START_STEP_MS = 2;

export class LateStarts {
  readonly #clock: Clock;
  readonly #enabled: boolean;
  readonly #waiting = new Set<Downstream>();
  #cancel: (() => void) | undefined;
  #begun = false;

  /** @param enabled false: only a call starts such a server. */
  constructor(clock: Clock, enabled: boolean) {
    this.#clock = clock;
    this.#enabled = enabled;
  }

  add(downstream: Downstream): void {
    this.#waiting.add(downstream);
  }

  has(downstream: Downstream): boolean {
    return this.#waiting.has(downstream);
  }

  delete(downstream: Downstream): void {
    this.#waiting.delete(downstream);
  }

  /** All that are to wait were added. */
  begin(): void {
    if (this.#waiting.size > 0 && this.#enabled)
      this.#cancel = this.#clock.after(START_LATEST_MS, () => this.#startNext());
  }

  /** A client has had a list. */
  hasListed(): void {
    if (this.#begun || this.#waiting.size === 0 || !this.#enabled) return;
    this.#cancel?.();
    this.#cancel = this.#clock.after(AFTER_LIST_MS, () => this.#startNext());
  }

  startAll(): void {
    this.#cancel?.();
    for (const downstream of this.#waiting) downstream.start();
    this.#waiting.clear();
  }

  stop(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #startNext(): void {
    this.#begun = true;
    const [next] = this.#waiting;
    if (!next) return;
    this.#waiting.delete(next);
    next.start();
    this.#cancel = this.#clock.after(START_STEP_MS, () => this.#startNext());
  }
}
