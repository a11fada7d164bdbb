/** The era that each server was found to speak, kept over restarts: it saves round trips at every start. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Era } from '../../core/call.ts';
import { messageOf } from '../../core/errors.ts';
import { isObject } from '../../json/json.ts';
import type { Logger } from '../../core/logger.ts';
import { eraOfServer } from '../../protocol/revisions.ts';

export interface EraMemory {
  /** The era of one address; the text may hold secrets, and only a keyed hash of it is stored. */
  for(address: string): EraOfServer;
  /** Writes what is left to write. */
  close(): Promise<void>;
}

export interface EraOfServer {
  get(): Era | undefined;
  /** The legacy revision that the server had to be asked for, as it refused the newest. */
  version(): string | undefined;
  set(era: Era, onlyVersion?: string): void;
  forget(): void;
}

/** A file that is missing, foreign or damaged counts as empty. */
export function eraMemory(file: string, key: Buffer, log: Logger): EraMemory {
  /** An era, or of the legacy one the only revision. */
  const found = read(file);
  let writing: Promise<void> = Promise.resolve();

  return {
    for(address) {
      const id = createHmac('sha256', key).update(address).digest('base64url').slice(0, 22);
      return {
        get: () => eraIn(found.get(id)),
        version() {
          const value = found.get(id);
          return value === undefined || isEra(value) ? undefined : value;
        },
        set(era, onlyVersion) {
          const value = onlyVersion ?? era;
          if (found.get(id) === value) return;
          found.set(id, value);
          writing = writing.then(save);
        },
        forget() {
          if (found.delete(id)) writing = writing.then(save);
        },
      };
    },
    close: () => writing,
  };

  async function save(): Promise<void> {
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const part = `${file}.${process.pid}`;
      await writeFile(part, JSON.stringify(Object.fromEntries(found)), { mode: 0o600 });
      await rename(part, file);
    } catch (error) {
      log.warn({ why: messageOf(error) }, 'could not write down what the servers speak');
    }
  }
}

function read(file: string): Map<string, string> {
  try {
    const stored: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isObject(stored)) return new Map();
    return new Map(Object.entries(stored).filter((entry): entry is [string, string] => isKnown(entry[1])));
  } catch {
    // Nothing remembered: every server is asked again.
    return new Map();
  }
}

function isKnown(value: unknown): boolean {
  return typeof value === 'string' && eraIn(value) !== undefined;
}

function eraIn(value: string | undefined): Era | undefined {
  if (value === undefined || isEra(value)) return value;
  return eraOfServer(value) === 'legacy' ? 'legacy' : undefined;
}

function isEra(value: unknown): value is Era {
  return value === 'legacy' || value === 'modern';
}
