/** The record of a change to a client's file, by which the change can be undone to the byte. */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DialectId } from '../config/dialects/client-dialect.ts';
import { readIfThere, replaceFile } from './edit/replace-file.ts';

export interface InstallRecord {
  readonly client: DialectId;
  readonly file: string;
  /** The copy of the file as it was before the first time; `undefined`: there was none. */
  readonly backup?: string | undefined;
  /** The hash of the text that was written: while the file has it, the copy can be put back. Empty: not any more. */
  readonly hash: string;
  /** The client's own entries that were moved behind ours, as the client had them. They hold secrets. */
  readonly moved: readonly { readonly name: string; readonly value: unknown }[];
}

export function entryHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** @returns `undefined` where nothing is on record. */
export async function readRecord(stateDir: string, file: string): Promise<InstallRecord | undefined> {
  const text = await readIfThere(recordFile(stateDir, file));
  return text === undefined ? undefined : (JSON.parse(text) as InstallRecord);
}

export async function writeRecord(stateDir: string, record: InstallRecord): Promise<void> {
  await mkdir(join(stateDir, 'installs'), { recursive: true, mode: 0o700 });
  await replaceFile(recordFile(stateDir, record.file), `${JSON.stringify(record)}\n`);
}

export async function forgetRecord(stateDir: string, file: string): Promise<void> {
  await rm(recordFile(stateDir, file), { force: true });
}

function recordFile(stateDir: string, file: string): string {
  return join(stateDir, 'installs', `${entryHash(file).slice(0, 24)}.json`);
}
