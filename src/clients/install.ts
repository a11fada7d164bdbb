/** Our entry in a client's file: put in, with the client's own entries moved behind it, and taken out again. */
import { readFile, rm } from 'node:fs/promises';
import type { DialectId } from '../config/dialects/client-dialect.ts';
import {
  entriesIn,
  entryOf,
  type NamedEntry,
  OUR_NAME,
  putEdits,
  type StartedBy,
  takeEdits,
} from './client-entry.ts';
import { editText, parseText, textFormatOf } from './edit-text.ts';
import { forgetRecord, hashOf, readRecord, writeRecord } from './install-record.ts';
import { backUp, readIfThere, replaceFile } from './replace-file.ts';
import { sameValue } from './same-value.ts';

export interface InstallOptions {
  readonly client: DialectId;
  readonly file: string;
  readonly stateDir: string;
  readonly startedBy: StartedBy;
  /** Which entries are ours, an older one's included. */
  readonly isOurs: (name: string) => boolean;
  /** Entries of the client's own that go. */
  readonly adopted: readonly string[];
  readonly now: Date;
}

export interface Installed {
  /** `false`: it was like that already. */
  readonly changed: boolean;
  readonly backup: string | undefined;
}

/** @throws Error where the file cannot be read or changed safely; then it is untouched. */
export async function installEntry(options: InstallOptions): Promise<Installed> {
  const { client, file, stateDir, adopted, now } = options;
  const text = await readIfThere(file);
  const format = textFormatOf(file);
  const root = await parseText(text ?? '', format);
  const entries = entriesIn(client, root);
  const old = entries.filter(({ name }) => name !== OUR_NAME && options.isOurs(name));
  const going = [...old, ...entries.filter(({ name }) => adopted.includes(name))];
  const entry = entryOf(client, root, options.startedBy);
  const present = entries.find(({ name }) => name === OUR_NAME);
  if (going.length === 0 && sameValue(present?.value, entry)) return { changed: false, backup: undefined };
  const without = await editText(text ?? '', format, takeEdits(inOrder(going, entries)));
  const rest = await parseText(without, format);
  const after = await editText(without, format, putEdits(client, rest, OUR_NAME, entry));
  const before = await readRecord(stateDir, file);
  // The copy of the first time is what an uninstall restores.
  const isOnRecord = before !== undefined && before.hash === hashOf(text ?? '');
  const backup = text === undefined ? undefined : await backUp(file, now);
  await replaceFile(file, after);
  await writeRecord(stateDir, {
    client,
    file,
    backup: isOnRecord ? before.backup : backup,
    hash: hashOf(after),
    adopted: [...new Set([...(before?.adopted ?? []), ...adopted])],
  });
  return { changed: true, backup };
}

export type Uninstalled = 'restored' | 'taken out' | 'not installed';

/**
 * Gives the file back as it was, where nobody has changed it since; else takes out what is ours and puts back what
 * was moved.
 *
 * @throws Error where the file cannot be read or changed safely; then it is untouched.
 */
export async function uninstallEntry({
  client,
  file,
  stateDir,
  isOurs,
}: Pick<InstallOptions, 'client' | 'file' | 'stateDir' | 'isOurs'>): Promise<Uninstalled> {
  const text = await readIfThere(file);
  const record = await readRecord(stateDir, file);
  if (text === undefined) {
    await forgetRecord(stateDir, file);
    return 'not installed';
  }
  if (record?.hash === hashOf(text)) {
    if (record.backup === undefined) await rm(file);
    else {
      await replaceFile(file, await readFile(record.backup, 'utf8'));
      await rm(record.backup, { force: true });
    }
    await forgetRecord(stateDir, file);
    return 'restored';
  }
  const format = textFormatOf(file);
  const entries = entriesIn(client, await parseText(text, format));
  const ours = entries.filter(({ name }) => isOurs(name));
  if (ours.length === 0 && !record) return 'not installed';
  let after = await editText(text, format, takeEdits(inOrder(ours, entries)));
  for (const { name, value } of await moved(record)) {
    const root = await parseText(after, format);
    if (!entriesIn(client, root).some((entry) => entry.name === name))
      after = await editText(after, format, putEdits(client, root, name, value));
  }
  await replaceFile(file, after);
  await forgetRecord(stateDir, file);
  return 'taken out';
}

/** What was moved behind ours, as the client had it. */
async function moved(record: Awaited<ReturnType<typeof readRecord>>): Promise<readonly NamedEntry[]> {
  const { client, backup, adopted = [] } = record ?? {};
  const text = backup === undefined ? undefined : await readIfThere(backup);
  if (client === undefined || backup === undefined || text === undefined) return [];
  const entries = entriesIn(client, await parseText(text, textFormatOf(record?.file ?? backup)));
  return entries.filter(({ name }) => adopted.includes(name));
}

function inOrder(some: readonly NamedEntry[], all: readonly NamedEntry[]): readonly NamedEntry[] {
  return all.filter((entry) => some.includes(entry));
}
