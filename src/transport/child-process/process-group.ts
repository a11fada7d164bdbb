/** Ends a child process and everything it started in its process group. */
import { spawn } from 'node:child_process';
import { groupMembers } from './process-table.ts';

const ON_WINDOWS = process.platform === 'win32';
const POLL_MS = 25;
const AFTER_KILL_MS = 2000;

/** @returns `false` where nobody is left to get it. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGTERM, a grace period, SIGKILL.
 *
 * To be called while the leader is alive or was just reaped: later its number may be another's.
 *
 * @returns whether all of it is gone.
 */
export async function endGroup(group: number, graceMs: number): Promise<boolean> {
  if (ON_WINDOWS) return await endTree(group);
  if (!signalGroup(group, 'SIGTERM')) return true;
  if (await groupGone(group, graceMs)) return true;
  signalGroup(group, 'SIGKILL');
  return await groupGone(group, AFTER_KILL_MS);
}

/**
 * Ends a group that may be unpacking a package: SIGTERM, and long enough to clean up.
 *
 * @param left resolves when nobody can wait any longer: the group is left as it is then.
 */
export async function endFetching(group: number, graceMs: number, left: Promise<void>): Promise<boolean> {
  // Windows has no signal that could be obeyed: there it gets the same time to end by itself.
  if (!ON_WINDOWS && !signalGroup(group, 'SIGTERM')) return true;
  let isLeft = false;
  void left.then(() => (isLeft = true));
  if (await groupGone(group, graceMs, () => isLeft)) return true;
  return isLeft ? false : await endGroup(group, 0);
}

async function groupGone(group: number, withinMs: number, isLeft = (): boolean => false): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    // The signal asks in microseconds but also counts zombies; the table is read only where it says yes.
    if (!existsGroup(group) || (await groupMembers(group)).length === 0) return true;
    const left = deadline - performance.now();
    if (left <= 0 || isLeft()) return false;
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, left)));
  }
}

export function existsGroup(group: number): boolean {
  try {
    process.kill(ON_WINDOWS ? group : -group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Windows knows no groups: the tree is found by parentage, while the leader lives. */
function endTree(pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    const killer = spawn('taskkill', ['/pid', String(pid), '/T', '/F'], {
      stdio: 'ignore',
      windowsHide: true,
    });
    killer.once('error', () => resolve(false));
    killer.once('exit', () => resolve(true));
  });
}
