/**
 * Where logins are kept: one file each in the state folder, shared by all proxies of the user.
 *
 * The secrets lie in the system's keyring where it works, else in the file, which only its owner can read. A file
 * is only ever replaced as a whole; whoever changes one that others use holds its lock.
 */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { at, isObject, stringAt } from '../../json/json.ts';
import type { StartTimeOf } from '../../core/lease.ts';
import { lockFile } from './file-lock.ts';
import type { Keyring } from './keyring.ts';
import { type LoginRecord, recordFrom, secretsOf, withoutSecrets } from './login-record.ts';

export interface LoginStore {
  /** Differs whenever the record may have changed; empty where there is none. */
  mark(id: string): string;
  read(id: string): Promise<LoginRecord | undefined>;
  write(id: string, record: LoginRecord): Promise<void>;
  remove(id: string): Promise<void>;
  /** @returns a function that gives the lock up. */
  lock(id: string): Promise<() => Promise<void>>;
  /** Lists the logins without a look at the secrets. */
  all(): Promise<readonly LoginSummary[]>;
}

export interface LoginSummary {
  readonly server: string;
  readonly url: string;
  readonly who: string;
  readonly issuer: string;
  /** Not there where it was refused, and a new login is needed. */
  readonly loggedIn: boolean;
  readonly scope: string | undefined;
  readonly expiresAt: number | undefined;
  /** It is renewed without anybody being asked. */
  readonly renewable: boolean;
  readonly storedIn: 'keyring' | 'file';
}

export interface LoginStoreOptions {
  readonly stateDir: string;
  readonly keyring: Keyring | undefined;
  readonly startTimeOf: StartTimeOf;
  readonly clock: Clock;
}

const VERSION = 1;
/** A reader may come between the two halves of a change. */
const READ_ATTEMPTS = 5;
const READ_AGAIN_MS = 20;

export function openLoginStore({ stateDir, keyring, startTimeOf, clock }: LoginStoreOptions): LoginStore {
  const folder = join(stateDir, 'logins');
  const fileOf = (id: string): string => join(folder, `${id}.json`);
  return {
    mark(id) {
      const found = statSync(fileOf(id), { throwIfNoEntry: false, bigint: true });
      return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : '';
    },
    async read(id) {
      for (let attempt = 1; ; attempt++) {
        const stored = await readStored(fileOf(id));
        if (!stored) return undefined;
        if (at(stored, 'storedIn') !== 'keyring') return recordFrom(stored, at(stored, 'secrets'));
        const kept = await keptSecrets(id);
        if (kept === undefined || at(kept, 'revision') === at(stored, 'revision'))
          return recordFrom(stored, kept);
        // Whoever changed them was killed in between: the keyring's are the newer ones.
        if (attempt === READ_ATTEMPTS)
          return recordFrom(stored, at(kept, 'issuer') === at(stored, 'issuer') ? kept : undefined);
        await new Promise<void>((done) => clock.after(READ_AGAIN_MS, done));
      }
    },
    async write(id, record) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const revision = randomUUID();
      const secrets = secretsOf(record);
      const kept = await keyring?.set(id, JSON.stringify({ ...secrets, revision, issuer: record.issuer }));
      const stored = { version: VERSION, revision, ...withoutSecrets(record) };
      const text = JSON.stringify(
        kept === true ? { ...stored, storedIn: 'keyring' } : { ...stored, secrets },
      );
      const half = `${fileOf(id)}.${randomUUID()}.part`;
      await writeFile(half, text, { mode: 0o600, flag: 'wx' });
      await rename(half, fileOf(id));
    },
    async remove(id) {
      await keyring?.delete(id);
      await rm(fileOf(id), { force: true });
    },
    async lock(id) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return lockFile({ file: `${fileOf(id)}.lock`, startTimeOf, clock });
    },
    async all() {
      const names = await readdir(folder).catch(() => []);
      const found = await Promise.all(
        names.filter((name) => name.endsWith('.json')).map((name) => readStored(join(folder, name))),
      );
      return found.flatMap((stored) => summaryOf(stored) ?? []);
    },
  };

  async function keptSecrets(id: string): Promise<unknown> {
    const text = await keyring?.get(id);
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      return undefined;
    }
  }
}

/** A record that cannot be read does not count: the login is asked for anew. */
async function readStored(file: string): Promise<object | undefined> {
  try {
    const stored: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(stored) && at(stored, 'version') === VERSION ? stored : undefined;
  } catch {
    return undefined;
  }
}

function summaryOf(stored: object | undefined): LoginSummary | undefined {
  const record = recordFrom(stored, {});
  if (!record) return undefined;
  const tokens = at(stored, 'tokens');
  const expiresAt = at(tokens, 'expiresAt');
  return {
    server: record.server,
    url: record.url,
    who: record.who,
    issuer: record.issuer,
    loggedIn: isObject(tokens),
    scope: stringAt(tokens, 'scope'),
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
    renewable: at(tokens, 'renewable') === true,
    storedIn: at(stored, 'storedIn') === 'keyring' ? 'keyring' : 'file',
  };
}
