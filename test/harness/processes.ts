/** What `/proc` tells about processes. Zombies do not count: they have ended, and only wait to be reaped. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './until.ts';

interface Stat {
  readonly parent: number;
  readonly running: boolean;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = 'X', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(parent), running: !'ZX'.includes(state) };
  } catch {
    return undefined;
  }
}

export function isRunning(pid: number): boolean {
  return statOf(pid)?.running === true;
}

/** @returns whether the process has ended within the time. */
export function gone(pid: number, withinMs = 3000): Promise<boolean> {
  return until(`${pid} to be gone`, () => !isRunning(pid), withinMs).then(
    () => true,
    () => false,
  );
}

/** All processes that inherited this variable, however they are related. */
export function processesWith(variable: string, value: string): number[] {
  const wanted = `${variable}=${value}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid) && environmentOf(pid).includes(wanted));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

const WATCH = 'anon_inode:inotify';

function filesOf(pid: number): (string | undefined)[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((name) => linkOf(`${folder}/${name}`));
}

/** Without the one through which the config is watched: that begins a moment after the start, and stays. */
export function openFiles(pid: number): number {
  return filesOf(pid).filter((link) => link !== WATCH).length;
}

/** Tells whether the process watches files: the kernel has its list of them. */
export function watchesFiles(pid: number): boolean {
  return filesOf(pid).includes(WATCH);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Memory in use, in MiB. */
export function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
