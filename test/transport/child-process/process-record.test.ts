import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openProcessRecord, sweepProcesses } from '../../../src/transport/child-process/process-record.ts';
import { bootId, startTimeOf } from '../../../src/transport/child-process/process-table.ts';
import { gone, isRunning } from '../../harness/processes.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/children/${name}.mjs`, import.meta.url));

let stateDir: string;
let folder: string;
const strays: ChildProcess[] = [];

beforeEach(() => {
  stateDir = temporaryFolder('record');
  folder = join(stateDir, 'processes');
});

afterEach(() => {
  for (const stray of strays.splice(0)) stray.kill('SIGKILL');
});

/** A process of nobody's in a group of its own. */
function stranger(): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  strays.push(child);
  return child.pid as number;
}

interface Proxy {
  readonly child: ChildProcess;
  /** What the started server told of itself: process ids, if it has any to tell. */
  readonly told: { readonly params?: [number, number] };
  readonly recorded: number;
}

/** A proxy with one child, both running, the child recorded. */
async function startProxy(server: string): Promise<Proxy> {
  mkdirSync(folder);
  const written = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (recordedPid() === undefined) return;
      watcher.close();
      resolve();
    });
  });
  const child = spawn(process.execPath, ['--import', 'tsx', fixture('proxy'), stateDir, fixture(server)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  strays.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  await written;
  return { child, told: JSON.parse(String(line)) as Proxy['told'], recorded: recordedPid() as number };
}

function recordedPid(): number | undefined {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.json'));
  if (file === undefined) return undefined;
  const { children } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
    children: { pid: number }[];
  };
  return children[0]?.pid;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

describe('the record of child processes', () => {
  test('A14 lets the next start end what a killed proxy left behind', async () => {
    const { child, recorded } = await startProxy('stubborn');
    await kill(child);
    expect(isRunning(recorded)).toBe(true);
    await sweepProcesses(stateDir, log);
    expect(await gone(recorded)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('A14 finds the rest of a group whose leader is gone by the marker in its environment', async () => {
    const { child, told } = await startProxy('wrapper');
    const [leader, grandchild] = told.params as [number, number];
    await kill(child);
    process.kill(leader, 'SIGKILL');
    expect(await gone(leader)).toBe(true);
    expect(isRunning(grandchild)).toBe(true);
    await sweepProcesses(stateDir, log);
    expect(await gone(grandchild)).toBe(true);
  });

  test('A14 does not touch the record and the children of a living proxy', async () => {
    const { child, recorded } = await startProxy('stubborn');
    await sweepProcesses(stateDir, log);
    expect(recordedPid()).toBe(recorded);
    expect(isRunning(recorded)).toBe(true);
    await kill(child);
    await sweepProcesses(stateDir, log);
    expect(await gone(recorded)).toBe(true);
  });

  test('A14 spares a process that only has an old id', async () => {
    const pid = stranger();
    mkdirSync(folder);
    const children = [{ pid, startTime: '1' }];
    const dead = { pid: 2 ** 22 + 1, startTime: '1', boot: await bootId(), marker: 'x', children };
    writeFileSync(join(folder, 'old.json'), JSON.stringify(dead));
    await sweepProcesses(stateDir, log);
    expect(isRunning(pid)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.runIf(process.platform === 'linux')(
    'A14 spares a process that only a record calls ours, however well it knows it',
    async () => {
      const pid = stranger();
      mkdirSync(folder);
      const children = [{ pid, startTime: await startTimeOf(pid) }];
      const planted = { pid: 2 ** 22 + 1, startTime: '1', boot: await bootId(), marker: 'x', children };
      writeFileSync(join(folder, 'planted.json'), JSON.stringify(planted));
      await sweepProcesses(stateDir, log);
      expect(isRunning(pid)).toBe(true);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('A14 spares everything when the machine was started anew since', async () => {
    const pid = stranger();
    mkdirSync(folder);
    const children = [{ pid, startTime: await startTimeOf(pid) }];
    const dead = { pid: 2 ** 22 + 1, startTime: '1', boot: 'another', marker: 'x', children };
    writeFileSync(join(folder, 'old.json'), JSON.stringify(dead));
    await sweepProcesses(stateDir, log);
    expect(isRunning(pid)).toBe(true);
  });

  test.each([
    '',
    '{',
    '[]',
    '{"pid":-1,"startTime":"1","children":[]}',
    '{"pid":1e99}',
    '{"children":[{"pid":0}]}',
  ])('is removed, and nothing else happens, where it is no record: %s', async (text) => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'broken.json'), text);
    await sweepProcesses(stateDir, log);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is for the eyes of this user only, and gone once no child is left', async () => {
    const record = await openProcessRecord(stateDir, log);
    const pid = stranger();
    record.add(pid, 'one');
    // Closed with a child left: the record stays, for the next start to sweep.
    await record.close();
    const [file = ''] = readdirSync(folder);
    expect(recordedPid()).toBe(pid);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    record.remove(pid);
    await record.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('does not stop the proxy where it cannot be written', async () => {
    const warnings: string[] = [];
    writeFileSync(folder, 'a file in the way');
    const record = await openProcessRecord(stateDir, {
      ...log,
      warn: (_, message) => warnings.push(message),
    });
    record.add(stranger(), 'one');
    record.add(stranger(), 'one');
    await record.close();
    expect(warnings).toEqual(['the record of child processes cannot be written']);
    await sweepProcesses(stateDir, log);
  });
});
