/** Time comes in: tests turn the hands, the program uses `systemClock`. */
export interface Clock {
  /** Milliseconds that only go forward (not the time of day). */
  now(): number;
  /** Runs `task` once after `ms`; does not keep the process alive. @returns a function that cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** Waits of this length are nearly all limits that nothing reaches, several for each call: they share timers. */
const SHARED_FROM_MS = 2000;
/** Beyond, few are set, and the bounds of timers begin. */
const SHARED_TO_MS = 3_600_000;
/** Those that end within the same slot share one, and may be so much late. */
const SLOT_MS = 50;

class SystemClock implements Clock {
  /** What waits, by the end of its slot. */
  readonly #slots = new Map<number, Set<Waiting>>();

  now(): number {
    return performance.now();
  }

  after(ms: number, task: () => void): () => void {
    if (ms < SHARED_FROM_MS || ms > SHARED_TO_MS) return timer(ms, task);
    const slot = Math.ceil((performance.now() + ms) / SLOT_MS);
    const waiting = this.#slots.get(slot) ?? this.#open(slot);
    const mine = { task };
    waiting.add(mine);
    return () => waiting.delete(mine);
  }

  #open(slot: number): Set<Waiting> {
    const waiting = new Set<Waiting>();
    this.#slots.set(slot, waiting);
    timer(slot * SLOT_MS - performance.now(), () => {
      this.#slots.delete(slot);
      for (const { task } of waiting) task();
    });
    return waiting;
  }
}

interface Waiting {
  readonly task: () => void;
}

function timer(ms: number, task: () => void): () => void {
  const handle = setTimeout(task, ms);
  handle.unref();
  return () => clearTimeout(handle);
}

export const systemClock: Clock = new SystemClock();
