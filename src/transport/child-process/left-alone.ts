/**
 * Leaves a process group to finish what it is doing, after its proxy is gone.
 *
 * A package runner that loses the readers of its pipes fails in the middle of its work. So a small process takes them
 * over, reads them to their end, and ends the group where it goes on for too long.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** So long a fetch may go on by itself, and so long it may clean up once it was told to end. */
const LEFT_ALONE_MS = 300_000;
const CLEAN_UP_MS = 30_000;

export interface LeftAlone {
  readonly group: number;
  /** It has had its SIGTERM. */
  readonly told: boolean;
}

/** The program that `node -e` runs. It stays until nobody of the group is left. */
const KEEPER = `
const [group, told, leftAloneMs, cleanUpMs] = JSON.parse(process.argv[1]);
const { Socket } = require('node:net');
for (const fd of [3, 4]) new Socket({ fd, readable: true, writable: false }).on('error', () => {}).resume();
const signal = (which) => {
  try { process.kill(process.platform === 'win32' ? group : -group, which); return true; }
  catch (error) { return error.code === 'EPERM'; }
};
let isTold = told, until = Date.now() + (told ? cleanUpMs : leftAloneMs);
setInterval(() => {
  if (!signal(0)) process.exit();
  if (Date.now() < until) return;
  signal(isTold ? 'SIGKILL' : 'SIGTERM');
  if (isTold) process.exit();
  isTold = true;
  until = Date.now() + cleanUpMs;
}, 1000);
`;

/** Holds nobody up: neither the child nor its keeper keeps this process alive. */
export function leaveAlone(child: ChildProcess, { group, told }: LeftAlone): void {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) return;
  try {
    const keeper = spawn(
      process.execPath,
      ['-e', KEEPER, JSON.stringify([group, told, LEFT_ALONE_MS, CLEAN_UP_MS])],
      {
        stdio: ['ignore', 'ignore', 'ignore', stdout, stderr],
        env: { ...(process.env['SystemRoot'] !== undefined && { SystemRoot: process.env['SystemRoot'] }) },
        cwd: process.platform === 'win32' ? undefined : '/',
        detached: true,
        windowsHide: true,
      },
    );
    keeper.on('error', () => {
      // No room for another process: the group is on its own.
    });
    keeper.unref();
  } catch {
    // As above.
  }
  child.unref();
}
