/** The running proxies of a state folder: a file each, by which the command line finds them. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { at, isObject, stringAt } from '../json/json.ts';
import { isHeld, leaseOf, type StartTimeOf } from '../core/lease.ts';

export interface RunningProxy {
  readonly pid: number;
  /** Names its process for ever, as `core/lease.ts` makes it. */
  readonly lease: string;
  readonly version: string;
  /** Which config it serves, as `configId` tells. */
  readonly configId: string;
  readonly configFiles: readonly string[];
  /** `stdio`: inside a client; `http`; `shared`: in the background, for clients that attach. */
  readonly serves: 'stdio' | 'http' | 'shared';
  readonly url: string | undefined;
  /** The share of a shared proxy, as `shareId` makes it: its clients may attach. */
  readonly share?: string | undefined;
  /** The path of the control socket. */
  readonly socket: string;
  /** ISO 8601. */
  readonly since: string;
}

export type NewRun = Omit<RunningProxy, 'pid' | 'lease' | 'since'>;

/** @returns a function that takes the file away. */
export async function announceRun(
  stateDir: string,
  run: NewRun,
  startTimeOf: StartTimeOf,
): Promise<() => Promise<void>> {
  const lease = await leaseOf(startTimeOf);
  const folder = folderOf(stateDir);
  const file = join(folder, `${process.pid}.json`);
  const announced: RunningProxy = { ...run, pid: process.pid, lease, since: new Date().toISOString() };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(announced), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return () => rm(file, { force: true });
}

/** The living ones, the oldest first. Takes away what dead ones left. */
export async function runningProxies(stateDir: string, startTimeOf: StartTimeOf): Promise<RunningProxy[]> {
  const folder = folderOf(stateDir);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
  const found: RunningProxy[] = [];
  for (const file of files) {
    const run = runOf(await readFile(file, 'utf8').catch(() => ''));
    if (run && (await isHeld(run.lease, startTimeOf))) found.push(run);
    else {
      await rm(file, { force: true });
      // A file that is no run of ours may name any path.
      if (run?.socket.endsWith('.sock') === true) await rm(run.socket, { force: true });
    }
  }
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}

/** Files that dead proxies left; `runningProxies` takes them away. */
export async function staleRuns(stateDir: string, startTimeOf: StartTimeOf): Promise<string[]> {
  const folder = folderOf(stateDir);
  const names = await readdir(folder).catch(() => []);
  const stale: string[] = [];
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const run = runOf(await readFile(join(folder, name), 'utf8').catch(() => ''));
    if (!run || !(await isHeld(run.lease, startTimeOf))) stale.push(join(folder, name));
  }
  return stale;
}

function folderOf(stateDir: string): string {
  return join(stateDir, 'run');
}

function runOf(text: string): RunningProxy | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const lease = stringAt(value, 'lease') ?? '';
    const parts: unknown = JSON.parse(lease);
    const pid = at(value, 'pid');
    const whole =
      isObject(value) &&
      Array.isArray(parts) &&
      parts[0] === pid &&
      Array.isArray(value['configFiles']) &&
      ['version', 'configId', 'serves', 'socket', 'since'].every((key) => stringAt(value, key) !== undefined);
    return whole ? (value as unknown as RunningProxy) : undefined;
  } catch {
    return undefined;
  }
}
