// The import keeps the property: the global `performance` is looked up anew on each use.
import { performance } from 'node:perf_hooks';

/** Time is passed in: tests turn the hands, the program uses `systemClock`. */
export interface Clock {
  /** Milliseconds that only go forward (not the time of day). */
  now(): number;
  /** Runs `task` once after `ms`; does not keep the process alive. @returns a function that cancels it. */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const handle = setTimeout(task, ms);
    handle.unref();
    return () => clearTimeout(handle);
  },
};
