/**
 * Of several processes that start at once to do the same work, one goes on.
 *
 * Each first stands as a candidate, then takes office, and looks around after either step; a file tells what it has
 * done. Whoever meets one in office, or a candidate before itself in order, stands back. Of two that do not see each
 * other at the first look, the later one to take office sees the other at the second. What the dead left does not
 * count. It can happen that nobody is left: whoever asked for the work asks again.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeld, leaseOf, type StartTimeOf } from '../core/lease.ts';

export interface Leadership {
  /** From now on another may be elected. Idempotent. */
  leave(): Promise<void>;
}

interface Other {
  readonly pid: number;
  readonly inOffice: boolean;
}

/** @returns `undefined`: another one does the work. */
export async function electLeader(folder: string, startTimeOf: StartTimeOf): Promise<Leadership | undefined> {
  const { pid } = process;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const candidate = join(folder, `${pid}.candidate`);
  const office = join(folder, `${pid}.office`);
  const stepDown = async (): Promise<void> => {
    await Promise.all([candidate, office].map((file) => rm(file, { force: true })));
  };
  const lease = await leaseOf(startTimeOf);
  await writeWhole(candidate, lease);
  if (!(await others(folder, startTimeOf)).some(({ inOffice }) => inOffice)) {
    await writeWhole(office, lease);
    const before = (other: Other): boolean => other.pid < pid;
    if (!(await others(folder, startTimeOf)).some(before)) return { leave: stepDown };
  }
  await stepDown();
  return undefined;
}

/** In one step: a file without its lease would be taken for a dead one's. */
async function writeWhole(file: string, lease: string): Promise<void> {
  await writeFile(`${file}.new`, lease, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function others(folder: string, startTimeOf: StartTimeOf): Promise<Other[]> {
  const found: Other[] = [];
  for (const name of await readdir(folder)) {
    const [, pid, step] = /^(\d+)\.(candidate|office)$/.exec(name) ?? [];
    if (pid === undefined || Number(pid) === process.pid) continue;
    const lease = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (await isHeld(lease, startTimeOf)) found.push({ pid: Number(pid), inOffice: step === 'office' });
    else await rm(join(folder, name), { force: true });
  }
  return found;
}
