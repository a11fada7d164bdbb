/** Our entry in a client's file: put in, with the client's own entries moved behind it, and taken out again. */
import { rm } from 'node:fs/promises';
import type { DialectId } from '../config/dialects/client-dialect.ts';
import {
  entriesIn,
  entryOf,
  forgetEdits,
  type NamedEntry,
  OUR_NAME,
  putEdits,
  type StartedBy,
  takeEdits,
} from './client-entry.ts';
import { editText, parseText, textFormatOf } from './edit/edit-text.ts';
import { forgetRecord, entryHash, type InstallRecord, readRecord, writeRecord } from './install-record.ts';
import { backUp, readIfThere, replaceUnchanged } from './edit/replace-file.ts';
import { sameValue } from './edit/same-value.ts';

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
  const present = entries.find(({ name }) => name === OUR_NAME);
  if (present && !adopted.includes(OUR_NAME) && !isOurs(present, options))
    throw new Error(`it has a server of its own that is named "${OUR_NAME}"`);
  const going = entries.filter(({ name }) => adopted.includes(name));
  const old = entries.filter((entry) => entry.name !== OUR_NAME && isOurs(entry, options));
  const entry = entryOf(client, root, options.startedBy);
  if (going.length + old.length === 0 && sameValue(present?.value, entry))
    return { changed: false, backup: undefined };
  const without = await editText(text ?? '', format, takeEdits(inOrder([...going, ...old], entries)));
  const rest = await parseText(without, format);
  const after = await editText(without, format, putEdits(client, rest, OUR_NAME, entry));
  const before = await readRecord(stateDir, file);
  const backup = text === undefined ? undefined : await backUp(file, text, now);
  // Between two times its user may have changed it: then the copy of the first time is not what it was before.
  const canRestore = before === undefined || before.hash === entryHash(text ?? '');
  // On record before it is done: whatever happens in between, nothing of the client's own is lost.
  await writeRecord(stateDir, {
    client,
    file,
    backup: before === undefined ? backup : before.backup,
    hash: canRestore ? entryHash(after) : '',
    moved: [
      ...(before?.moved ?? []).filter(({ name }) => !going.some((one) => one.name === name)),
      ...going.map(({ name, value }) => ({ name, value })),
    ],
  });
  try {
    await replaceUnchanged(file, text, after);
  } catch (error) {
    await (before ? writeRecord(stateDir, before) : forgetRecord(stateDir, file));
    if (backup !== undefined) await rm(backup, { force: true });
    throw error;
  }
  return { changed: true, backup };
}

export type Uninstalled = 'restored' | 'taken out' | 'not installed';

/**
 * Gives the file back as it was, where nobody has changed it since; else takes out what is ours and puts back what
 * was moved.
 *
 * @throws Error where the file cannot be read or changed safely; then it is untouched.
 */
export async function uninstallEntry(
  options: Pick<InstallOptions, 'client' | 'file' | 'stateDir' | 'isOurs'>,
): Promise<Uninstalled> {
  const { client, file, stateDir } = options;
  const text = await readIfThere(file);
  const record = await readRecord(stateDir, file);
  if (text === undefined) {
    await forgetRecord(stateDir, file);
    return 'not installed';
  }
  if (record?.hash === entryHash(text) && (await restored(record, text))) {
    await forgetRecord(stateDir, file);
    return 'restored';
  }
  const format = textFormatOf(file);
  const root = await parseText(text, format);
  const entries = entriesIn(client, root);
  const ours = entries.filter((entry) => isOurs(entry, options));
  if (ours.length === 0 && !record) return 'not installed';
  let after = await editText(text, format, [...takeEdits(ours), ...forgetEdits(client, root)]);
  for (const { name, value } of record?.moved ?? []) {
    const now = await parseText(after, format);
    if (!entriesIn(client, now).some((entry) => entry.name === name))
      after = await editText(after, format, putEdits(client, now, name, value));
  }
  if (after !== text) await replaceUnchanged(file, text, after);
  await forgetRecord(stateDir, file);
  return 'taken out';
}

/** @returns whether it is as it was: its copy may be gone. */
async function restored({ file, backup }: InstallRecord, text: string): Promise<boolean> {
  if (backup === undefined) {
    await rm(file);
    return true;
  }
  const before = await readIfThere(backup);
  if (before === undefined) return false;
  await replaceUnchanged(file, text, before);
  await rm(backup, { force: true });
  return true;
}

/** An entry of ours whose program has moved away cannot be told by it any more. */
function isOurs({ name, value }: NamedEntry, options: Pick<InstallOptions, 'isOurs'>): boolean {
  return options.isOurs(name) || (name === OUR_NAME && JSON.stringify(value).includes('"--attach"'));
}

function inOrder(some: readonly NamedEntry[], all: readonly NamedEntry[]): readonly NamedEntry[] {
  return all.filter((entry) => some.includes(entry));
}
