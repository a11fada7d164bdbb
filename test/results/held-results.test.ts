import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { HeldResults, type HeldResultsOptions } from '../../src/results/held-results.ts';
import { HandClock } from '../harness/clock.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-results-'));
  folders.push(folder);
  return folder;
}

function open(options: Partial<HeldResultsOptions> = {}): { held: HeldResults; clock: HandClock } {
  const clock = new HandClock();
  const held = new HeldResults({
    folder: undefined,
    memoryBytes: 1000,
    totalBytes: 3000,
    ttlMs: 60_000,
    clock,
    ...options,
  });
  return { held, clock };
}

const text = (length: number, sign = 'x') =>
  [{ kind: 'text', label: 'text', bytes: Buffer.alloc(length, sign) }] as const;
const all = { from: 0, to: 1e9 };

describe('kept results', () => {
  test('are read by the client that they were kept for, and by no other', async () => {
    const { held } = open();
    const handle = (await held.keep('a', text(10))) ?? '';
    expect(held.find('a', handle)).toMatchObject({ state: 'held', parts: [{ size: 10 }] });
    expect((await held.read('a', handle, 0, { from: 2, to: 5 }))?.toString()).toBe('xxx');
    expect(held.find('b', handle)).toEqual({ state: 'unknown' });
    expect(await held.read('b', handle, 0, all)).toBeUndefined();
    expect(held.find('a', 'other')).toEqual({ state: 'unknown' });
  });

  test('have handles of 128 bits that nobody can guess', async () => {
    const { held } = open({ totalBytes: 1e6, memoryBytes: 1e6 });
    const handles = await Promise.all(Array.from({ length: 100 }, () => held.keep('a', text(1))));
    expect(new Set(handles).size).toBe(100);
    for (const handle of handles) expect(Buffer.from(handle ?? '', 'base64url')).toHaveLength(16);
  });

  test('are over after their time, and say so to their client alone', async () => {
    const { held, clock } = open();
    const handle = (await held.keep('a', text(10))) ?? '';
    await clock.pass(59_999);
    expect(held.find('a', handle).state).toBe('held');
    await clock.pass(1);
    expect(held.find('a', handle)).toEqual({ state: 'gone' });
    expect(held.find('b', handle)).toEqual({ state: 'unknown' });
    expect(held.bytes).toEqual({ memory: 0, total: 0 });
  });

  test('go to a private file where memory is full, and are read from there', async () => {
    const folder = join(folderOf(), 'results');
    const { held } = open({ folder });
    const first = (await held.keep('a', text(800, 'a'))) ?? '';
    const second = (await held.keep('a', text(800, 'b'))) ?? '';
    const [file = ''] = readdirSync(folder);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(file).not.toContain(first);
    expect(readFileSync(join(folder, file), 'utf8')).toBe('a'.repeat(800));
    expect((await held.read('a', first, 0, { from: 798, to: 900 }))?.toString()).toBe('aa');
    expect((await held.read('a', second, 0, { from: 0, to: 2 }))?.toString()).toBe('bb');
    expect(held.bytes).toEqual({ memory: 800, total: 1600 });
    await held.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('make room, the oldest first', async () => {
    const { held } = open({ folder: folderOf() });
    const handles: string[] = [];
    for (let each = 0; each < 5; each++) handles.push((await held.keep('a', text(900))) ?? '');
    expect(handles.map((handle) => held.find('a', handle).state)).toEqual([
      'gone',
      'gone',
      'held',
      'held',
      'held',
    ]);
    expect(held.bytes.total).toBeLessThanOrEqual(3000);
    expect(held.bytes.memory).toBeLessThanOrEqual(1000);
    await held.close();
  });

  test('one too large for all of the room is not kept, and takes nothing of it', async () => {
    const { held } = open();
    const handle = (await held.keep('a', text(500))) ?? '';
    expect(await held.keep('a', text(3001))).toBeUndefined();
    expect(held.find('a', handle).state).toBe('held');
  });

  test.each([
    ['there is no folder', () => undefined],
    ['the folder cannot be made', (folder: string) => join(folder, 'file', 'results')],
  ])('the newest is kept in memory where %s', async (_why, place) => {
    const folder = folderOf();
    writeFileSync(join(folder, 'file'), '');
    const { held } = open({ folder: place(folder) });
    const first = (await held.keep('a', text(800))) ?? '';
    const second = (await held.keep('a', text(1500, 'b'))) ?? '';
    expect(held.find('a', first).state).toBe('gone');
    expect((await held.read('a', second, 0, all))?.length).toBe(1500);
  });

  test('a file that was taken away is a result that is over', async () => {
    const folder = folderOf();
    const { held } = open({ folder });
    const first = (await held.keep('a', text(800))) ?? '';
    await held.keep('a', text(800));
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
    expect(await held.read('a', first, 0, all)).toBeUndefined();
    await held.close();
  });

  test('what an ended process has left is taken away, and nothing else', async () => {
    const folder = folderOf();
    for (const name of ['old.result', 'new.result', 'old.txt']) writeFileSync(join(folder, name), 'x');
    const longAgo = new Date(Date.now() - 120_000);
    for (const name of ['old.result', 'old.txt']) utimesSync(join(folder, name), longAgo, longAgo);
    const { held } = open({ folder });
    await held.keep('a', text(800));
    await held.keep('a', text(800));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['new.result', 'old.txt']));
    expect(readdirSync(folder)).not.toContain('old.result');
    await held.close();
  });
});
