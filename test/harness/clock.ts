/** Clocks for tests: one that stands still until it is moved, and one that runs in real time until it is moved. */
import type { Clock } from '../../src/core/clock.ts';

/** A clock whose hands the test turns. */
export class HandClock implements Clock {
  #now = 1_000;
  readonly #tasks = new Set<{ at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  get waiting(): number {
    return this.#tasks.size;
  }

  /** Lets time pass and everything that is due happen, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#tasks.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
    }
    this.#now = end;
    await settle();
  }

  /** Time passes and no timer fires, as while the event loop stands still. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** As `pass`, without a chance for promises in between. */
  passNow(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#tasks.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
    }
    this.#now = end;
  }
}

export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface MovableClock extends Clock {
  /** Lets time pass at once: everything due by then happens, in its order. */
  skip(ms: number): void;
}

/** Runs in real time unless it is moved. */
export function movableClock(): MovableClock {
  const due = new Map<object, { at: number; run: () => void }>();
  let ahead = 0;
  const now = (): number => performance.now() + ahead;
  return {
    now,
    after(ms, task) {
      const key = {};
      const cancel = (): void => {
        clearTimeout(timer);
        due.delete(key);
      };
      const run = (): void => {
        cancel();
        task();
      };
      const timer = setTimeout(run, ms);
      timer.unref();
      due.set(key, { at: now() + ms, run });
      return cancel;
    },
    skip(ms) {
      ahead += ms;
      for (;;) {
        const next = [...due.values()].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at)[0];
        if (!next) return;
        next.run();
      }
    },
  };
}
