/** The logins of a server, from its config: whose they are, where they are kept, who is asked for them. */
import type { ServerConfig } from '../config/config.ts';
import type { Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../json/json.ts';
import type { Logger } from '../core/logger.ts';
import { askForLogin } from '../login/ask-for-login.ts';
import { Credentials } from '../login/credentials.ts';
import { systemKeyring } from '../login/store/keyring.ts';
import type { LoginStatus } from '../login/login-status.ts';
import { type LoginStore, openLoginStore } from '../login/store/login-store.ts';
import type { LoginPlace } from '../login/settings.ts';
import type { Authorization } from '../transport/authorization.ts';
import { startTimeOf } from '../transport/child-process/process-table.ts';

/** The login of one connection to a server. */
export interface Login {
  readonly authorization: Authorization;
  readonly status: LoginStatus;
  /** Around its calls. */
  readonly ask: Middleware | undefined;
  close(): void;
}

export interface LoginOptions {
  /** The key in the config; a replica's is the pool's. */
  readonly key: string;
  readonly server: ServerConfig;
  /** The person whose connection it is; empty for everybody's, and for the user's of this machine. */
  readonly who: string;
  /** Nobody may log in for others: where several people share the connection. */
  readonly mayAsk: boolean;
  readonly store: LoginStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly loggedIn: () => void;
  readonly completed: (clientId: string, params: Json) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @returns `undefined` for servers that are reached otherwise, or with credentials from the config. */
export function loginFor(options: LoginOptions): Login | undefined {
  const { server, log, mayAsk, completed } = options;
  if (!takesLogins(server) || !('headers' in server.transport)) return undefined;
  const place = loginPlace(options.key, server, options.who, options.env);
  const credentials = new Credentials({
    ...place,
    headers: Object.fromEntries(server.transport.headers),
    store: options.store,
    loggedIn: options.loggedIn,
    clock: options.clock,
    log,
  });
  const asks = mayAsk && server.auth.grant !== 'client-credentials';
  return {
    authorization: credentials,
    get status() {
      return credentials.status;
    },
    ask: asks ? askForLogin({ server: place.server, credentials, completed, log }) : undefined,
    close: () => credentials.close(),
  };
}

/** The place where the login of a server that `takesLogins` is kept. */
export function loginPlace(
  key: string,
  { transport, auth }: ServerConfig,
  who: string,
  env: Readonly<Record<string, string | undefined>>,
): LoginPlace {
  const url = 'url' in transport ? transport.url : '';
  return { server: key, url: new URL(url), who, settings: auth, env };
}

/** Servers that are reached otherwise, or with credentials from the config, take no logins. */
export function takesLogins({ transport }: ServerConfig): boolean {
  if (transport.kind !== 'http' && transport.kind !== 'sse') return false;
  const { username, password } = new URL(transport.url);
  const configured = [...transport.headers.keys()].some((name) => name.toLowerCase() === 'authorization');
  return !configured && username === '' && password === '';
}

export function loginStore(
  { stateDir, tokenStorage }: { readonly stateDir: string; readonly tokenStorage: 'auto' | 'file' },
  clock: Clock,
  log: Logger,
): LoginStore {
  const keyring = tokenStorage === 'auto' ? systemKeyring(log, clock) : undefined;
  return openLoginStore({ stateDir, keyring, startTimeOf, clock });
}
