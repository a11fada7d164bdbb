/**
 * Runs the script that holds what every start needs, and keeps it compiled: the next start has half the work.
 *
 * What is kept lies in a folder of the user's alone, is used by the same build of the same Node only, and counts only
 * with the right hash; else, and wherever the folder cannot be had, the script is compiled as ever.
 * `NODE_DISABLE_COMPILE_CACHE=1` keeps nothing, `NODE_COMPILE_CACHE` names another folder, as for Node's own cache.
 */
import type * as Crypto from 'node:crypto';
import type * as Fs from 'node:fs';
import { createRequire } from 'node:module';
import type * as Os from 'node:os';
import type * as Path from 'node:path';
import type * as Url from 'node:url';
import type * as Vm from 'node:vm';

// Node makes a module of each built-in part that a module imports, with all that it has; `require` takes what is used.
const require = createRequire(import.meta.url);
const { createHash } = require('node:crypto') as typeof Crypto;
const { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } =
  require('node:fs') as typeof Fs;
const { homedir } = require('node:os') as typeof Os;
const path = require('node:path') as typeof Path;
const { fileURLToPath } = require('node:url') as typeof Url;
const { Script } = require('node:vm') as typeof Vm;

/** By then most of what a start needs has run, and is kept with the rest. */
const KEEP_AFTER_MS = 3000;
/** Other versions, of ours and of Node, that may keep theirs beside it. */
const MAX_KEPT = 8;
const HASH_BYTES = 32;
const SUFFIX = '.compiled';

/** What the build made of the script: one function. */
type Started = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  importFrom: (name: string) => Promise<unknown>,
  moduleUrl: string,
) => void;

const ran = new Map<string, Readonly<Record<string, unknown>>>();

/** Runs it at most once. @returns what it exports. @param importFrom imports for it, from the folder that it lies in. */
export function runScript(
  url: URL,
  importFrom: (name: string) => Promise<unknown>,
): Readonly<Record<string, unknown>> {
  const before = ran.get(url.href);
  if (before) return before;
  const filename = fileURLToPath(url);
  // The build left nothing but ASCII in it.
  const source = readFileSync(filename, 'latin1');
  const kept = placeFor(filename);
  const cachedData = kept && readKept(kept);
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  if (kept && (!cachedData || script.cachedDataRejected === true))
    setTimeout(() => keep(kept, script.createCachedData()), KEEP_AFTER_MS).unref();
  const module: { exports: Readonly<Record<string, unknown>> } = { exports: {} };
  (script.runInThisContext() as Started)(module.exports, createRequire(url), module, importFrom, url.href);
  ran.set(url.href, module.exports);
  return module.exports;
}

/** Undefined where nothing is to be kept. */
function placeFor(filename: string): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE: disabled, NODE_COMPILE_CACHE: given = '' } = process.env;
  if (disabled === '1') return undefined;
  const folder = path.isAbsolute(given) ? given : userCacheFolder();
  // V8 refuses what was compiled under other flags.
  const flags = hashOf([...process.execArgv, process.env['NODE_OPTIONS']].join(' ')).toString('hex', 0, 4);
  const name = `${path.basename(filename, '.cjs')}-${process.version}-${process.arch}-${flags}${SUFFIX}`;
  return folder && path.join(folder, 'switchyard', name);
}

function userCacheFolder(): string | undefined {
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local = '' } = process.env;
  if (process.platform === 'win32') return path.isAbsolute(local) ? local : undefined;
  if (path.isAbsolute(xdg)) return xdg;
  const home = homedir();
  if (!path.isAbsolute(home)) return undefined;
  return process.platform === 'darwin' ? path.join(home, 'Library', 'Caches') : path.join(home, '.cache');
}

/** Ours, and written by nobody else. */
function readKept(file: string): Buffer | undefined {
  try {
    if (![path.dirname(file), file].every(isOwn)) return undefined;
    const bytes = readFileSync(file);
    const data = bytes.subarray(HASH_BYTES);
    return hashOf(data).equals(bytes.subarray(0, HASH_BYTES)) ? data : undefined;
  } catch {
    // Not there yet.
    return undefined;
  }
}

function isOwn(place: string): boolean {
  // Windows keeps a user's folders from others by itself.
  if (!process.getuid) return true;
  const { uid, mode } = statSync(place);
  return uid === process.getuid() && (mode & 0o022) === 0;
}

/** Replaced as a whole; where that fails, the next start is as slow as this one was. */
function keep(file: string, data: Buffer): void {
  const half = `${file}.${process.pid}.part`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(half, Buffer.concat([hashOf(data), data]), { mode: 0o600 });
    renameSync(half, file);
    tidy(path.dirname(file));
  } catch {
    discard(half);
  }
}

function discard(half: string): void {
  try {
    rmSync(half, { force: true });
  } catch {
    // The folder is none.
  }
}

function tidy(folder: string): void {
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX) || name.endsWith('.part'))
    .map((name) => ({ place: path.join(folder, name), at: statSync(path.join(folder, name)).mtimeMs }));
  kept.sort((a, b) => b.at - a.at);
  for (const { place } of kept.slice(MAX_KEPT)) rmSync(place, { force: true });
}

function hashOf(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest();
}
