/**
 * Saved workflows: files found by globs, and definitions in the config itself; read again when a file changes.
 *
 * A file with a mistake costs that workflow only.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { watch } from 'chokidar';
import { messageOf } from '../../core/errors.ts';
import { isObject, type JsonObject, stringAt } from '../../json/json.ts';
import { asText } from '../../core/text-encoding.ts';
import type { Logger } from '../../core/logger.ts';
import { parseExactYaml } from './exact-yaml.ts';

export interface SavedFile {
  readonly name: string;
  readonly file: string;
  readonly definition: JsonObject;
}

export interface SavedOptions {
  /** Absolute globs, or relative to `folder`. */
  readonly globs: readonly string[];
  readonly folder: string;
  readonly maxBytes: number;
  readonly log: Logger;
  readonly changed: (files: readonly SavedFile[]) => void;
}

export interface SavedWorkflows {
  close(): Promise<void>;
}

/** Time for an editor to write a file in several goes, milliseconds. */
const SETTLE_MS = 100;
const MAX_FILES = 1000;

/** Reads the files once before it returns. */
export async function watchSaved(options: SavedOptions): Promise<SavedWorkflows> {
  const { globs, folder, log } = options;
  const patterns = globs.map((glob) => (isAbsolute(glob) ? glob : join(folder, glob)));
  let timer: NodeJS.Timeout | undefined;
  let reading = Promise.resolve();
  const read = async (): Promise<void> => {
    try {
      options.changed(await readAll(patterns, options));
    } catch (error) {
      log.warn({ why: messageOf(error) }, 'the saved workflows cannot be read');
    }
  };
  await read();
  if (patterns.length === 0) return { close: async () => {} };
  const watcher = watch([...new Set(patterns.map(baseOf))], { ignoreInitial: true });
  watcher.on('all', (_event, file) => {
    if (!patterns.some((pattern) => matches(pattern, resolve(file)))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      reading = reading.then(read);
    }, SETTLE_MS);
    timer.unref();
  });
  watcher.on('error', (error) =>
    log.warn({ why: messageOf(error) }, 'the saved workflows cannot be watched'),
  );
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
      await reading;
    },
  };
}

async function readAll(patterns: readonly string[], options: SavedOptions): Promise<SavedFile[]> {
  const found = new Map<string, SavedFile>();
  for (const pattern of patterns)
    for (const file of (await filesOf(pattern)).slice(0, MAX_FILES)) {
      const saved = await readOne(file, options);
      if (!saved) continue;
      const first = found.get(saved.name);
      if (first)
        options.log.warn(
          { name: saved.name, file, first: first.file },
          'a workflow of this name is already there: the first one counts',
        );
      else found.set(saved.name, saved);
    }
  return [...found.values()];
}

async function readOne(file: string, { maxBytes, log }: SavedOptions): Promise<SavedFile | undefined> {
  try {
    const text = asText(await readFile(file, 'utf8'));
    if (text.length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    const definition = parseExactYaml(text);
    if (!isObject(definition)) throw new Error('it is no workflow');
    const name = stringAt(definition, 'name') ?? basename(file).replace(/\.[^.]*$/, '');
    return { name, file, definition };
  } catch (error) {
    log.warn({ file, why: messageOf(error) }, 'a saved workflow cannot be read');
    return undefined;
  }
}

/** The part of a pattern before its first star. */
function baseOf(pattern: string): string {
  const parts = pattern.split(/[\\/]/);
  const star = parts.findIndex((part) => /[*?]/.test(part));
  return parts.slice(0, star < 0 ? -1 : star).join(sep) || sep;
}

async function filesOf(pattern: string): Promise<string[]> {
  const base = baseOf(pattern);
  const deep = relative(base, pattern).split(/[\\/]/).length > 1;
  const entries = await readdir(base, { recursive: deep, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => matches(pattern, file))
    .sort();
}

function matches(pattern: string, file: string): boolean {
  const source = pattern
    .split(/[\\/]/)
    .map((part) =>
      part === '**'
        ? '**'
        : part
            .replaceAll(/[$()+.[\\\]^{|}]/g, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('**/', '(?:.*/)?');
  return new RegExp(`^${source}$`).test(file.split(sep).join('/'));
}
