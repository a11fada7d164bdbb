/** The store of logins, by itself: processes that share it, and ones that die in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import type { Keyring } from '../../../src/login/store/keyring.ts';
import type { LoginRecord } from '../../../src/login/store/login-record.ts';
import { type LoginStore, openLoginStore } from '../../../src/login/store/login-store.ts';
import { startTimeOf } from '../../../src/transport/child-process/process-table.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

const ISSUER = 'https://auth.example.com';

function record(token: string, issuer = ISSUER): LoginRecord {
  return {
    server: 'far',
    url: 'https://mcp.example.com/mcp',
    who: '',
    issuer,
    session: 's',
    resourceMetadataUrl: undefined,
    registration: { clientId: 'c', clientSecret: 'of c', authMethod: undefined, redirectUri: undefined },
    tokens: {
      accessToken: token,
      refreshToken: `refresh ${token}`,
      scope: undefined,
      requestedScope: undefined,
      obtainedAt: 1,
      expiresAt: 2,
    },
  };
}

/** One that forgets nothing, and can be locked. */
function keyringOf(kept: Map<string, string>, isOpen = () => true): Keyring {
  return {
    get: (account) => Promise.resolve(isOpen() ? kept.get(account) : undefined),
    set: (account, secret) => Promise.resolve(isOpen() && kept.set(account, secret).has(account)),
    delete: (account) => Promise.resolve(void kept.delete(account)),
  };
}

function storeAt(stateDir: string, keyring?: Keyring): LoginStore {
  return openLoginStore({ stateDir, keyring, startTimeOf, clock: systemClock });
}

function fileIn(stateDir: string): string {
  return join(stateDir, 'logins', 'one.json');
}

test('secrets are in the keyring or in the file, never in both', async () => {
  const folder = temporaryFolder('case');
  const kept = new Map<string, string>();
  let isOpen = true;
  const store = storeAt(
    folder,
    keyringOf(kept, () => isOpen),
  );
  await store.write('one', record('first'));
  expect(readFileSync(fileIn(folder), 'utf8')).not.toMatch(/first|of c/);
  expect(await store.read('one')).toEqual(record('first'));
  isOpen = false;
  expect((await store.read('one'))?.tokens).toBeUndefined();
  await store.write('one', record('second'));
  expect(await store.read('one')).toEqual(record('second'));
  isOpen = true;
  expect(await store.read('one')).toEqual(record('second'));
  await store.remove('one');
  expect(kept.size).toBe(0);
  expect(readdirSync(join(folder, 'logins'))).toEqual([]);
});

test('a renewal that was cut off between keyring and file loses nothing', async () => {
  const folder = temporaryFolder('case');
  const store = storeAt(folder, keyringOf(new Map()));
  await store.write('one', record('first'));
  const before = readFileSync(fileIn(folder), 'utf8');
  await store.write('one', record('second'));
  writeFileSync(fileIn(folder), before);
  expect((await store.read('one'))?.tokens?.refreshToken).toBe('refresh second');
});

test('tokens of another authorization server are not taken for this one’s', async () => {
  const folder = temporaryFolder('case');
  const store = storeAt(folder, keyringOf(new Map()));
  await store.write('one', record('first'));
  const before = readFileSync(fileIn(folder), 'utf8');
  await store.write('one', record('second', 'https://other.example.com'));
  writeFileSync(fileIn(folder), before);
  expect(await store.read('one')).toMatchObject({ issuer: ISSUER, tokens: undefined });
});

test('of many who want the lock one at a time has it', async () => {
  const folder = temporaryFolder('case');
  let [having, most] = [0, 0];
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      const unlock = await storeAt(folder).lock('one');
      most = Math.max(most, ++having);
      await new Promise((done) => setImmediate(done));
      having--;
      await unlock();
    }),
  );
  expect(most).toBe(1);
  expect(readdirSync(join(folder, 'logins'))).toEqual([]);
});

test('the lock of a process that was killed is free at once', async () => {
  const folder = temporaryFolder('case');
  const holder = holdLock(folder);
  await once(holder.stdout as NodeJS.ReadableStream, 'data');
  let got = false;
  const mine = storeAt(folder)
    .lock('one')
    .then((unlock) => {
      got = true;
      return unlock;
    });
  // Several looks at it.
  await new Promise((done) => systemClock.after(100, () => done(undefined)));
  expect(got).toBe(false);
  holder.kill('SIGKILL');
  await (
    await mine
  )();
  expect(readdirSync(join(folder, 'logins'))).toEqual([]);
});

function holdLock(stateDir: string): ChildProcess {
  const from = (path: string): string =>
    JSON.stringify(fileURLToPath(new URL(`../../../src/${path}`, import.meta.url)));
  const script = `
    import { systemClock } from ${from('core/clock.ts')};
    import { openLoginStore } from ${from('login/store/login-store.ts')};
    import { startTimeOf } from ${from('transport/child-process/process-table.ts')};
    const stateDir = ${JSON.stringify(stateDir)};
    await openLoginStore({ stateDir, keyring: undefined, startTimeOf, clock: systemClock }).lock('one');
    process.stdout.write('held');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
