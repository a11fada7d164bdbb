/**
 * A lease names the process that works on something by its id and start time, which together are unique for ever.
 *
 * A process id alone is used again. On systems without start times (Windows), any living process of that id counts.
 */
import { randomUUID } from 'node:crypto';

/** Returns `undefined` if no living process has this id, or if the start time cannot be determined. */
export type StartTimeOf = (pid: number) => Promise<string | undefined>;

export async function leaseOf(startTimeOf: StartTimeOf): Promise<string> {
  const startTime = await startTimeOf(process.pid);
  return JSON.stringify([process.pid, startTime ?? '', randomUUID()]);
}

/** @returns whether the process behind the lease still lives. */
export async function isHeld(lease: string, startTimeOf: StartTimeOf): Promise<boolean> {
  if (lease === '') return false;
  const [pid, startTime] = JSON.parse(lease) as [number, string, string];
  if (startTime !== '') return (await startTimeOf(pid)) === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
