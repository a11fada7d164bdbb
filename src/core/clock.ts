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
  readonly #slots = new Map<number, Slot>();
  /** For each length of wait, about, the slot that the next one of it will most likely share. */
  readonly #newest = new Map<number, Slot>();

  now(): number {
    return performance.now();
  }

  after(ms: number, task: () => void): () => void {
    if (ms < SHARED_FROM_MS || ms > SHARED_TO_MS) return timer(ms, task);
    const slot = Math.ceil((performance.now() + ms) / SLOT_MS);
    const shared = this.#slots.get(slot) ?? this.#open(slot, Math.round(Math.log2(ms)));
    const { waiting } = shared;
    const mine = { task, place: waiting.length };
    waiting.push(mine);
    return () => {
      // It may be among those that are being run.
      mine.task = NOTHING;
      if (leave(waiting, mine) && waiting.length === 0 && this.#newest.get(shared.length) !== shared)
        shared.close();
    };
  }

  #open(slot: number, length: number): Slot {
    const waiting: Waiting[] = [];
    const stop = timer(slot * SLOT_MS - performance.now(), () => {
      this.#slots.delete(slot);
      runAll(waiting.splice(0));
    });
    const close = (): void => {
      stop();
      this.#slots.delete(slot);
    };
    const opened = { waiting, length, close };
    // An empty one is kept only as long as it is the one to be shared: an hour of them would be a leak.
    const before = this.#newest.get(length);
    if (before?.waiting.length === 0) before.close();
    this.#newest.set(length, opened);
    this.#slots.set(slot, opened);
    return opened;
  }
}

/** The last one takes the place: no order is kept. @returns whether it was there. */
function leave(waiting: Waiting[], one: Waiting): boolean {
  if (waiting[one.place] !== one) return false;
  const last = waiting.pop() as Waiting;
  if (last === one) return true;
  waiting[one.place] = last;
  last.place = one.place;
  return true;
}

/** A task that throws ends this turn, and the others run in the next one. */
function runAll(due: readonly Waiting[], from = 0): void {
  let at = from;
  try {
    while (at < due.length) due[at++]?.task();
  } finally {
    if (at < due.length) timer(0, () => runAll(due, at));
  }
}

interface Slot {
  readonly waiting: Waiting[];
  /** The binary logarithm of the waits in it. */
  readonly length: number;
  readonly close: () => void;
}

interface Waiting {
  task: () => void;
  /** Where it stands in its slot. */
  place: number;
}

const NOTHING = (): void => {};

function timer(ms: number, task: () => void): () => void {
  const handle = setTimeout(task, ms);
  handle.unref();
  return () => clearTimeout(handle);
}

export const systemClock: Clock = new SystemClock();
