/**
 * Remembers on disk which child processes are ours, so that they do not outlive a proxy that was killed.
 *
 * Each proxy writes a record of its own and removes it at the end; the next one that starts sweeps up after
 * those that could not. A process id alone proves nothing, since ids are used again: a child is known by its
 * id together with its start time, and its descendants by a marker in their environment.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { at, isObject, type JsonObject, stringAt } from '../../json/json.ts';
import { signalGroup } from './process-group.ts';
import { bootId, environmentOf, groupMembers, startTimeOf, TELLS_ENVIRONMENTS } from './process-table.ts';

/** The variable that names our marker in the environment of every child. */
export const MARKER_VARIABLE = 'SWITCHYARD_CHILD';

export interface ProcessRecord {
  /** The value of `MARKER_VARIABLE` for this proxy's children. */
  readonly marker: string;
  /** Each with the server it is of. */
  readonly running: ReadonlyMap<number, string>;
  /**
   * Returns at once, as the others do; the file follows soon.
   *
   * @param fetches it may be unpacking a package, and a later run leaves it the time for that.
   */
  add(pid: number, server: string, fetches?: boolean): void;
  /** It has started what it fetched, and is a process as all others. */
  fetched(pid: number): void;
  remove(pid: number): void;
  /** Writes what is left to write; removes the record if no child is left. */
  close(): Promise<void>;
}

interface Child {
  readonly pid: number;
  readonly startTime: string;
  /** Since when it has been fetching a package; after that, when it was told to end. By the wall clock. */
  readonly fetchingSince?: number | undefined;
  readonly toldAt?: number | undefined;
}

interface Recorded extends Child {
  readonly boot: string;
  readonly marker: string;
  readonly children: readonly Child[];
}

/**
 * A record that cannot be written is logged once; the proxy works without it.
 *
 * Windows tells no start times cheaply: there nothing is recorded, and the children are left to see the end of
 * their input.
 */
export async function openProcessRecord(stateDir: string, log: Logger): Promise<ProcessRecord> {
  const folder = folderOf(stateDir);
  const startTime = (await startTimeOf(process.pid)) ?? '';
  const boot = await bootId();
  const marker = randomUUID();
  const file = join(folder, `${process.pid}-${startTime.replace(/\W+/g, '-')}.json`);
  const children = new Map<number, Child | undefined>();
  let writing: Promise<void> | undefined;
  let changed = false;
  let warned = false;

  async function save(): Promise<void> {
    while (changed) {
      changed = false;
      try {
        const known = [...children.values()].filter(isThere);
        await write(file, { pid: process.pid, startTime, boot, marker, children: known });
      } catch (error) {
        if (!warned)
          log.warn({ reason: messageOf(error) }, 'the record of child processes cannot be written');
        warned = true;
      }
    }
    writing = undefined;
  }

  function change(): void {
    changed = true;
    // Many starts at once end in one write, or two.
    writing ??= Promise.resolve().then(save);
  }

  const fetching = new Map<number, number>();
  async function identify(pid: number): Promise<void> {
    const started = await startTimeOf(pid);
    if (started === undefined || !children.has(pid)) return;
    children.set(pid, { pid, startTime: started, fetchingSince: fetching.get(pid) });
    change();
  }

  const identifying = new Set<Promise<void>>();
  const running = new Map<number, string>();
  return {
    marker,
    running,
    add(pid, server, fetches = false) {
      running.set(pid, server);
      if (fetches) fetching.set(pid, Date.now());
      if (startTime === '') return;
      children.set(pid, undefined);
      const task = identify(pid).finally(() => identifying.delete(task));
      identifying.add(task);
    },
    fetched(pid) {
      fetching.delete(pid);
      const child = children.get(pid);
      if (!child) return;
      children.set(pid, { pid, startTime: child.startTime });
      change();
    },
    remove(pid) {
      running.delete(pid);
      fetching.delete(pid);
      if (children.delete(pid)) change();
    },
    async close() {
      await Promise.all(identifying);
      await writing;
      if (children.size === 0) await rm(file, { force: true });
    },
  };
}

/** Ends the children of proxies that are gone. Never touches a living proxy's, nor a process that only has an old id. */
export async function sweepProcesses(stateDir: string, log: Logger): Promise<void> {
  const folder = folderOf(stateDir);
  const boot = await bootId();
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((found) => found.endsWith('.json'))) {
    const file = join(folder, name);
    const record = await read(file);
    if (record && (await startTimeOf(record.pid)) === record.startTime) continue;
    const left: Child[] = [];
    for (const child of record?.boot === boot ? record.children : []) {
      if (!(await isLeftOver(child, record?.marker))) continue;
      const stays = swept(child, log);
      if (stays) left.push(stays);
    }
    if (record && left.length > 0) await write(file, { ...record, children: left }).catch(() => {});
    else await rm(file, { force: true });
  }
}

/** @returns what is kept of it in the record: one that may be unpacking a package is never killed at once. */
function swept(child: Child, log: Logger): Child | undefined {
  const { pid, fetchingSince, toldAt } = child;
  const now = Date.now();
  if (stillFetches(child)) return child;
  if (fetchingSince !== undefined && (toldAt === undefined || now - toldAt < CLEANS_UP_MS)) {
    signalGroup(pid, 'SIGTERM');
    return { ...child, toldAt: toldAt ?? now };
  }
  signalGroup(pid, 'SIGKILL');
  log.warn({ pid }, 'ended a process that an earlier run had left behind');
  return undefined;
}

function stillFetches({ fetchingSince }: Child): boolean {
  return fetchingSince !== undefined && Date.now() - fetchingSince < FETCHES_MS;
}

/** Longer than a proxy leaves a package runner alone. */
const FETCHES_MS = 600_000;
const CLEANS_UP_MS = 30_000;

/** Children of proxies that are gone; `sweepProcesses` ends them. */
export async function leftOverProcesses(stateDir: string): Promise<number[]> {
  const folder = folderOf(stateDir);
  const boot = await bootId();
  const found: number[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const record = await read(join(folder, name));
    if (!record || record.boot !== boot || (await startTimeOf(record.pid)) === record.startTime) continue;
    for (const child of record.children)
      if (!stillFetches(child) && (await isLeftOver(child, record.marker))) found.push(child.pid);
  }
  return found;
}

/**
 * The same process still leads the group, or it is gone; and what there is of the group is marked as ours, since a
 * record alone could name anybody. Where the system tells no environments the start time has to do.
 */
async function isLeftOver(child: Child, marker: string | undefined): Promise<boolean> {
  const startTime = await startTimeOf(child.pid);
  if (startTime !== undefined && startTime !== child.startTime) return false;
  if (startTime !== undefined && !TELLS_ENVIRONMENTS) return true;
  const members = await groupMembers(child.pid);
  const markers = await Promise.all(members.map((pid) => environmentOf(pid, MARKER_VARIABLE)));
  return !!marker && markers.includes(marker);
}

function folderOf(stateDir: string): string {
  return join(stateDir, 'processes');
}

/** Nobody ever sees half a record, nor does another user see one at all. */
async function write(file: string, record: Recorded): Promise<void> {
  const folder = join(file, '..');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** `undefined`: it is no record of ours. */
async function read(file: string): Promise<Recorded | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(file, 'utf8'));
    const own = childOf(record);
    const children = at(record, 'children');
    if (!own || !Array.isArray(children)) return undefined;
    const [boot, marker] = [stringAt(record, 'boot') ?? '', stringAt(record, 'marker') ?? ''];
    return { ...own, boot, marker, children: children.map(childOf).filter(isThere) };
  } catch {
    return undefined;
  }
}

function childOf(value: unknown): Child | undefined {
  if (!isObject(value)) return undefined;
  const { pid, startTime } = value;
  // 0 and 1 would turn a signal to the group into one to ourselves, or to everybody.
  const sane = typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1;
  if (!sane || typeof startTime !== 'string' || startTime === '') return undefined;
  return {
    pid,
    startTime,
    fetchingSince: numberIn(value, 'fetchingSince'),
    toldAt: numberIn(value, 'toldAt'),
  };
}

function numberIn(value: JsonObject, key: string): number | undefined {
  const found = value[key];
  return typeof found === 'number' ? found : undefined;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
