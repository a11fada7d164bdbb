/** The one file of ours that a command changes. */
import { basename, join } from 'node:path';
import { detectDialect } from '../config/dialects/dialects.ts';
import { findConfigFiles } from '../config/find-config-files.ts';
import { type Machine, userConfigFolder } from '../config/folders.ts';
import { editText, parseText, textFormatOf } from '../clients/edit-text.ts';
import type { Edit } from '../clients/text-editor.ts';
import { readIfThere, replaceFile } from '../clients/replace-file.ts';
import { messageOf } from '../core/errors.ts';
import { UsageError } from './usage-error.ts';

export interface OwnConfigFile {
  /** Absolute. */
  readonly file: string;
  /** `undefined`: it is not there yet. */
  readonly text: string | undefined;
  /** What it holds. */
  readonly root: unknown;
}

/**
 * The config that is given or found; where there is none, the one that would be found first in the user's folder.
 *
 * @throws UsageError where that is no file of ours, or none that can be read.
 */
export async function ownConfigFile(given: readonly string[], machine: Machine): Promise<OwnConfigFile> {
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
export async function changeOwnConfig({ file, text }: OwnConfigFile, edits: readonly Edit[]): Promise<void> {
  const format = textFormatOf(file);
  const empty = format === 'json' ? '{\n  "mcpServers": {}\n}\n' : '';
  try {
    await replaceFile(file, await editText(text ?? empty, format, edits));
  } catch (error) {
    throw new UsageError(`${file} is untouched: ${messageOf(error)}.`);
  }
}
