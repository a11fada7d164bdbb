/**
 * Who works on a run: a process by its id and its start time, which together name it for ever.
 *
 * A process id alone is used again. Where no start time can be had (Windows), a living process of that id counts.
 */
import { randomUUID } from 'node:crypto';

/** `undefined`: there is no such living process, or none can be told. */
export type StartTimeOf = (pid: number) => Promise<string | undefined>;

export async function leaseOf(startTimeOf: StartTimeOf): Promise<string> {
  const startTime = await startTimeOf(process.pid);
  return JSON.stringify([process.pid, startTime ?? '', randomUUID()]);
}

/** Whether its process still lives. */
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
