/** The secret key of this user's proxies: seals what clients carry for the proxy, hides what is stored. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

const BYTES = 32;

/** The key is made at the first start, 0600. Without a place to keep it a new one is made for this process only. */
export function stateKey(stateDir: string, log: Logger): Buffer {
  const file = join(stateDir, 'key');
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(file, randomBytes(BYTES), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const key = readFileSync(file);
    if (key.length === BYTES) return key;
    log.warn({}, 'the key in the state folder has the wrong length: a new one is used for this run');
  } catch (error) {
    log.warn({ why: messageOf(error) }, 'the state folder cannot be used: nothing will be remembered');
  }
  return randomBytes(BYTES);
}
