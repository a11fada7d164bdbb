/** Logins made on this machine, outside of any proxy, as a command in a terminal makes them. */
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Logger } from '../../src/core/logger.ts';
import { Credentials } from '../../src/login/credentials.ts';
import type { LoginStore } from '../../src/login/store/login-store.ts';
import type { LoginSettings } from '../../src/login/settings.ts';
import { loginStore } from '../../src/proxy/server-logins.ts';
import {
  type Protected,
  type ProtectedOptions,
  startProtected,
} from '../fixtures/login/authorization-server.mjs';
import { logIn } from '../fixtures/login/person.ts';

function logInto(said: unknown[]): Logger {
  const say = (facts: object, message: string): void => void said.push({ ...facts, message });
  return { debug: say, info: say, warn: say, error: say };
}

/** An authorization server and what it protects, until the test ends. */
export async function protectedServer(options: ProtectedOptions = {}): Promise<Protected> {
  const started = await startProtected(options);
  onTestFinished(() => started.close());
  return started;
}

export interface Whose {
  readonly who?: string;
  readonly settings?: Partial<LoginSettings>;
  readonly clock?: Clock;
  /** Gets what is logged. */
  readonly said?: unknown[];
}

export function credentialsFor(
  url: string,
  store: LoginStore,
  { who = '', settings = {}, clock = systemClock, said = [] }: Whose = {},
): Credentials {
  const credentials = new Credentials({
    server: 'remote',
    url: new URL(url),
    who,
    settings: { grant: 'authorization-code', allowPrivateAddresses: false, ...settings },
    env: {},
    headers: {},
    store,
    loggedIn() {},
    clock,
    log: logInto(said),
  });
  onTestFinished(() => credentials.close());
  return credentials;
}

export function storeIn(stateDir: string): LoginStore {
  return loginStore({ stateDir, tokenStorage: 'file' }, systemClock, logInto([]));
}

/** Somebody goes through a whole login, with `name` at the authorization server. */
export async function loggedIn(
  { url }: { readonly url: string },
  stateDir: string,
  name = 'alice',
  whose: Whose = {},
): Promise<void> {
  const attempt = await credentialsFor(url, storeIn(stateDir), whose).begin();
  await logIn(attempt.url.href, name);
  await attempt.done;
}
