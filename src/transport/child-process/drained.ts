/** The pipes of a process that has exited, read to their end. */
import type { Readable } from 'node:stream';

/** Last answers may still come this long after the exit: a grandchild may hold the pipe for ever. */
const DRAIN_MS = 150;

/** Calls back once what was written before the exit is read, on all pipes. */
export function drained(pipes: readonly (Readable | null | undefined)[], then: () => void): void {
  const open = pipes.filter((pipe) => pipe && !pipe.readableEnded);
  let left = open.length;
  const done = (): void => {
    if (left < 0) return;
    clearTimeout(timer);
    left = -1;
    then();
  };
  // Where the loop was busy for long, one more round reads what has been there all along.
  const timer = setTimeout(() => setImmediate(done), DRAIN_MS);
  const oneLess = (): void => {
    if (--left === 0) done();
  };
  for (const pipe of open) pipe?.once('close', oneLess);
  if (left === 0) done();
}
