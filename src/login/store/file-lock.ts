/**
 * A lock that processes share: a file that only one of them can create, with its holder's process id and start time
 * in it, so that one left behind by a dead process is known for what it is.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { StartTimeOf } from '../../core/lease.ts';
import type { Clock } from '../../core/clock.ts';

/** `undefined`: there is no such living process, or none can be told. */

export interface FileLockOptions {
  readonly file: string;
  readonly startTimeOf: StartTimeOf;
  readonly clock: Clock;
}

const LOOK_MS = 25;
/** A holder does two or three bounded requests; one that takes longer hangs. */
const PATIENCE_MS = 60_000;

/** Waits for its turn. @returns a function that gives it up. */
export async function lockFile({ file, startTimeOf, clock }: FileLockOptions): Promise<() => Promise<void>> {
  const mine = JSON.stringify([process.pid, (await startTimeOf(process.pid)) ?? '', randomUUID()]);
  const patientUntil = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx', mode: 0o600 });
      return async () => {
        if ((await textOf(file)) === mine) await rm(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = await textOf(file);
    if (held !== undefined && (clock.now() > patientUntil || !(await isHeld(held, startTimeOf))))
      await takeAway(file, held);
    else await new Promise<void>((done) => clock.after(LOOK_MS, done));
  }
}

async function isHeld(held: string, startTimeOf: StartTimeOf): Promise<boolean> {
  // Created, and not written yet.
  if (held === '') return true;
  let pid: number;
  let startTime: string;
  try {
    [pid, startTime] = JSON.parse(held) as [number, string, string];
  } catch {
    return false;
  }
  if (startTime !== '') return (await startTimeOf(pid)) === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Renamed first: of several that find it abandoned only one gets to remove it, and a new one is put back. */
async function takeAway(file: string, abandoned: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await textOf(aside)) !== abandoned) {
    await rename(aside, file).catch(() => {
      // Its place is taken: whoever waited for it will wait again.
    });
  }
  await rm(aside, { force: true });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
