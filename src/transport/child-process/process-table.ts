/**
 * Processes as the operating system knows them: when they started, who belongs to a group.
 *
 * Zombies do not count: they have ended, and only wait for a parent that may never ask.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ON_LINUX = process.platform === 'linux';
/** `environmentOf` can be asked. */
export const TELLS_ENVIRONMENTS = ON_LINUX;

/** Together with the process id it names one process for ever. `undefined`: there is no such living process. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (ON_LINUX) return (await statOf(pid))?.startTime;
  if (process.platform === 'win32') return undefined;
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    const [, state = '', started] = /^\s*(\S+)\s+(.*\S)/.exec(stdout) ?? [];
    return state.startsWith('Z') ? undefined : started;
  } catch {
    return undefined;
  }
}

/** The living processes of a process group. */
export async function groupMembers(group: number): Promise<number[]> {
  if (process.platform === 'win32') return [];
  if (!ON_LINUX) return await membersByPs(group);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(async (pid) => ({ pid, stat: await statOf(pid) })));
  return stats.filter(({ stat }) => stat?.group === group).map(({ pid }) => pid);
}

/** Resident memory by process group, bytes; empty where the system does not tell. */
export async function memoryByGroup(): Promise<ReadonlyMap<number, number>> {
  const byGroup = new Map<number, number>();
  for (const { group, bytes } of ON_LINUX ? await memoryByProc() : await memoryByPs())
    byGroup.set(group, (byGroup.get(group) ?? 0) + bytes);
  return byGroup;
}

/** The value of one environment variable that a process was started with; Linux only, and only for our own user. */
export async function environmentOf(pid: number, name: string): Promise<string | undefined> {
  try {
    const variables = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
    return variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** Differs after each start of the machine, where the system tells; start times count from there. */
export async function bootId(): Promise<string> {
  if (!ON_LINUX) return '';
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '')).trim();
}

interface Stat {
  readonly group: number;
  readonly startTime: string;
  readonly residentPages: number;
}

interface GroupMemory {
  readonly group: number;
  readonly bytes: number;
}

/** On all machines that Node runs on under Linux, but for some of ARM. */
const PAGE_BYTES = 4096;

async function memoryByProc(): Promise<GroupMemory[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(statOf));
  return stats.flatMap((stat) =>
    stat ? [{ group: stat.group, bytes: stat.residentPages * PAGE_BYTES }] : [],
  );
}

async function memoryByPs(): Promise<GroupMemory[]> {
  if (process.platform === 'win32') return [];
  try {
    const { stdout } = await run('ps', ['-axo', 'pgid=,rss=']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([group, kilobytes]) => ({ group: Number(group), bytes: Number(kilobytes) * 1024 }));
  } catch {
    return [];
  }
}

async function statOf(pid: number): Promise<Stat | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in parentheses, which may hold any character.
    const [state, , group, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const startTime = rest[16];
    if (state === 'Z' || state === 'X' || startTime === undefined) return undefined;
    return { group: Number(group), startTime, residentPages: Number(rest[18]) };
  } catch {
    return undefined;
  }
}

async function membersByPs(group: number): Promise<number[]> {
  try {
    const { stdout } = await run('ps', ['-axo', 'pid=,pgid=,stat=']);
    return stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, pgid, state = 'Z']) => Number(pgid) === group && !state.startsWith('Z'))
      .map(([pid]) => Number(pid));
  } catch {
    return [];
  }
}
