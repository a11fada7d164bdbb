/** Which era each server was found to speak, kept over restarts: knowing it saves a round trip at every start. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Era } from '../core/call.ts';
import { messageOf } from '../core/errors.ts';
import { isObject } from '../core/json.ts';
import type { Logger } from '../core/logger.ts';

export interface EraMemory {
  /** For one way to reach a server; the text may hold secrets, only a keyed hash of it is stored. */
  for(address: string): EraOfServer;
  /** Writes what is left to write. */
  close(): Promise<void>;
}

export interface EraOfServer {
  get(): Era | undefined;
  set(era: Era): void;
  forget(): void;
}

/** A file that is missing, foreign or damaged counts as empty. */
export function eraMemory(file: string, key: Buffer, log: Logger): EraMemory {
  const eras = read(file);
  let writing: Promise<void> = Promise.resolve();

  return {
    for(address) {
      const id = createHmac('sha256', key).update(address).digest('base64url').slice(0, 22);
      return {
        get: () => eras.get(id),
        set(era) {
          if (eras.get(id) === era) return;
          eras.set(id, era);
          writing = writing.then(save);
        },
        forget() {
          if (eras.delete(id)) writing = writing.then(save);
        },
      };
    },
    close: () => writing,
  };

  async function save(): Promise<void> {
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const part = `${file}.${process.pid}`;
      await writeFile(part, JSON.stringify(Object.fromEntries(eras)), { mode: 0o600 });
      await rename(part, file);
    } catch (error) {
      log.warn({ why: messageOf(error) }, 'could not write down what the servers speak');
    }
  }
}

function read(file: string): Map<string, Era> {
  try {
    const stored: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isObject(stored)) return new Map();
    return new Map(Object.entries(stored).filter((entry): entry is [string, Era] => isEra(entry[1])));
  } catch {
    // Nothing remembered: every server is asked again.
    return new Map();
  }
}

function isEra(value: unknown): value is Era {
  return value === 'legacy' || value === 'modern';
}
