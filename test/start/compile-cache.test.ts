import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runScript } from '../../src/start/compile-cache.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

let folder: string;
let script: string;
let starts = 0;

beforeEach(() => {
  folder = temporaryFolder('compiled');
  script = join(folder, 'start-1.cjs');
  vi.stubEnv('NODE_COMPILE_CACHE', folder);
  vi.stubEnv('NODE_DISABLE_COMPILE_CACHE', '');
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** V8 knows a source by its length alone: what runs tells whether it was kept from another one. */
const source = (word: string): string => wrapped(`exports.says = () => "${word}";`);
const wrapped = (code: string): string =>
  `(function (exports, require, module, importFrom, moduleUrl) {${code}\n})`;

function says(): string {
  // A script runs once: for another start it has another address.
  const url = new URL(`?${++starts}`, pathToFileURL(script));
  const { says: tell } = runScript(url, (name) => import(name));
  const said = (tell as () => string)();
  vi.runAllTimers();
  return said;
}

function keptFiles(): readonly string[] {
  return readdirSync(join(folder, 'switchyard')).map((name) => join(folder, 'switchyard', name));
}

function keepOne(): string {
  writeFileSync(script, source('one'));
  says();
  const [file = ''] = keptFiles();
  writeFileSync(script, source('two'));
  return file;
}

test('what was compiled at one start is used at the next', () => {
  keepOne();
  expect(says()).toBe('one');
});

test('what is kept is for its user alone', () => {
  const file = keepOne();
  chmodSync(file, 0o666);
  expect(says()).toBe('two');
  expect(says()).toBe('two');
});

test('a folder that others may write to is not trusted', () => {
  keepOne();
  chmodSync(join(folder, 'switchyard'), 0o777);
  expect(says()).toBe('two');
});

test.each([
  ['damaged', (bytes: Buffer) => bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 8)],
  ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
  ['empty', () => Buffer.alloc(0)],
])('what is %s does not count, and is made anew', (_how, harm) => {
  const file = keepOne();
  writeFileSync(file, harm(readFileSync(file)));
  expect(says()).toBe('two');
  writeFileSync(script, source('six'));
  expect(says()).toBe('two');
});

test('what V8 itself refuses is made anew', () => {
  const file = keepOne();
  const foreign = Buffer.from('of another V8, with the right hash');
  writeFileSync(file, Buffer.concat([createHash('sha256').update(foreign).digest(), foreign]));
  expect(says()).toBe('two');
  writeFileSync(script, source('six'));
  expect(says()).toBe('two');
});

test('nothing is kept where Node is told to keep nothing', () => {
  vi.stubEnv('NODE_DISABLE_COMPILE_CACHE', '1');
  writeFileSync(script, source('one'));
  expect(says()).toBe('one');
  expect(readdirSync(folder)).toEqual(['start-1.cjs']);
});

test('a folder that cannot be had costs nothing but time', () => {
  writeFileSync(join(folder, 'switchyard'), 'a file stands in the way');
  writeFileSync(script, source('one'));
  expect(says()).toBe('one');
});

test('no more than eight versions are kept', () => {
  keepOne();
  mkdirSync(join(folder, 'switchyard'), { recursive: true });
  for (let i = 0; i < 12; i++) writeFileSync(join(folder, 'switchyard', `start-${i}-old.compiled`), 'old');
  rmSync(keptFiles().find((file) => file.includes(process.version)) as string);
  says();
  expect(keptFiles()).toHaveLength(8);
  expect(keptFiles().some((file) => file.includes(process.version))).toBe(true);
});

test('the script may import modules and require what is built in', async () => {
  writeFileSync(join(folder, 'late.mjs'), 'export const word = "late";');
  writeFileSync(
    script,
    wrapped(
      'exports.late = importFrom("./late.mjs"); exports.sep = require("node:path").sep; exports.at = moduleUrl;',
    ),
  );
  const url = pathToFileURL(script);
  const { late, sep, at } = runScript(url, (name) => import(new URL(name, url).href));
  expect(await late).toMatchObject({ word: 'late' });
  expect(sep).toBe(join('a', 'b').charAt(1));
  expect(at).toBe(url.href);
});
