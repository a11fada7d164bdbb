/** The one file of ours that a command changes. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, type ConfigProblem } from '../../config/config-error.ts';
import { detectDialect } from '../../config/dialects/dialects.ts';
import { findConfigFiles } from '../../config/load/find-config-files.ts';
import { type HostEnvironment, userConfigFolder } from '../../config/folders.ts';
import { loadConfig } from '../../config/load/load-config.ts';
import { editText, parseText, textFormatOf } from '../../clients/edit/edit-text.ts';
import type { Edit } from '../../clients/edit/text-editor.ts';
import { readIfThere, replaceUnchanged } from '../../clients/edit/replace-file.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { lockFile } from '../../login/store/file-lock.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { UsageError } from '../command.ts';

export interface OwnConfigFile {
  /** Absolute. */
  readonly file: string;
  /** `undefined`: it is not there yet. */
  readonly text: string | undefined;
  /** The parsed content. */
  readonly root: unknown;
}

/**
 * Works on it while no other command does: two that read before either has written would lose what one of them wrote.
 *
 * @throws UsageError as `ownConfigFile`.
 */
export async function withOwnConfig<T>(
  given: readonly string[],
  machine: HostEnvironment,
  work: (own: OwnConfigFile) => Promise<T>,
): Promise<T> {
  const { file } = await ownConfigFile(given, machine);
  const release = await locked(`${file}.lock`).catch((error: unknown) => {
    throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
  });
  try {
    return await work(await ownConfigFile([file], machine));
  } finally {
    await release();
  }
}

async function locked(file: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  return lockFile({ file, startTimeOf, clock: systemClock });
}

/**
 * The config that is given or found; where there is none, the one that would be found first in the user's folder.
 *
 * @throws UsageError where that is no file of ours, or none that can be read.
 */
export async function ownConfigFile(
  given: readonly string[],
  machine: HostEnvironment,
): Promise<OwnConfigFile> {
  const [found, ...more] = findConfigFiles(given, machine);
  if (more.length > 0) throw new UsageError('Which file is to be changed? Name one with --config.');
  const file = found ?? join(userConfigFolder(machine), 'switchyard.json');
  const text = await readIfThere(file);
  try {
    const root = await parseText(text ?? '', textFormatOf(file));
    const table = typeof root === 'object' && root !== null ? new Map(Object.entries(root)) : new Map();
    if (detectDialect(file, table as never))
      throw new UsageError(`${file} is a client's own file: name a config of ours, like switchyard.json.`);
    return { file, text, root };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${basename(file)} cannot be changed: ${messageOf(error)}.`);
  }
}

/** Writes it, with what is there kept. @throws UsageError where that cannot be done safely; then it is untouched. */
export async function changeOwnConfig(own: OwnConfigFile, edits: readonly Edit[]): Promise<void> {
  await write(own, await changedText(own, edits));
}

/** Writes it only if it brings no problem that was not there before. @throws UsageError | ConfigError; then it is untouched. */
export async function changeCheckedConfig(
  own: OwnConfigFile,
  edits: readonly Edit[],
  machine: HostEnvironment,
): Promise<void> {
  const fresh = await freshProblems(own, edits, machine);
  if (fresh.length > 0) throw new ConfigError(fresh);
  await changeOwnConfig(own, edits);
}

/** The problems that a change would bring. */
export async function freshProblems(
  own: OwnConfigFile,
  edits: readonly Edit[],
  machine: HostEnvironment,
): Promise<readonly ConfigProblem[]> {
  const text = await changedText(own, edits);
  const known = new Set((await problemsOf(own.file, own.text ?? '', machine)).map(meaningOf));
  return (await problemsOf(own.file, text, machine)).filter((one) => !known.has(meaningOf(one)));
}

/** What a config says from its beginning on. One that is there already keeps its ways. */
const OF_NEW_CONFIG: readonly Edit[] = [{ path: ['expose'], value: { list: 'auto' } }];

async function changedText({ file, text }: OwnConfigFile, edits: readonly Edit[]): Promise<string> {
  const format = textFormatOf(file);
  const empty = format === 'json' ? '{\n  "mcpServers": {}\n}\n' : '';
  try {
    return await editText(text ?? empty, format, text === undefined ? [...edits, ...OF_NEW_CONFIG] : edits);
  } catch (error) {
    throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
  }
}

async function write({ file, text: before }: OwnConfigFile, text: string): Promise<void> {
  try {
    await replaceUnchanged(file, before, text);
  } catch (error) {
    throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
  }
}

/** All that is wrong with the config if its file held this text. */
async function problemsOf(
  file: string,
  text: string,
  machine: HostEnvironment,
): Promise<readonly ConfigProblem[]> {
  try {
    const readText = (path: string): string => (path === file ? text : readFileSync(path, 'utf8'));
    await loadConfig({ files: [file], ...machine, readText });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The same wherever the file has it now. */
function meaningOf({ path, message }: ConfigProblem): string {
  return `${path}: ${message}`;
}
