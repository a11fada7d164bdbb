/**
 * The steps of a login's life: begun, renewed, ended. Each asks anew who the authorization server is.
 *
 * Everything that takes time to load (the SDK, the HTTP client) hangs on this file, which is loaded when a server
 * first demands a login.
 */
import { type Challenge, challengeFrom, NO_CHALLENGE } from './oauth/challenge.ts';
import {
  type Authority,
  discover,
  isSameIssuer,
  requireSameIssuer,
  requireSecrecy,
} from './oauth/discovery.ts';
import { AskedToWait, type FetchGuard, openGuard } from './oauth/guarded-fetch.ts';
import type { LoginRecord, Tokens } from './store/login-record.ts';
import type { LoginPlace } from './settings.ts';
import { checkBinding } from './oauth/registration.ts';
import { machineTokens, refreshTokens, revokeTokens, scopeFor } from './oauth/token-requests.ts';

export { AskedToWait } from './oauth/guarded-fetch.ts';
export { beginLogin } from './login-attempt.ts';
export { troubleOf } from './trouble.ts';

export async function refreshLogin(
  place: LoginPlace,
  record: LoginRecord,
  tokens: Tokens,
): Promise<LoginRecord> {
  return withGuard(place, async (guard) => {
    const challenge = { ...NO_CHALLENGE, resourceMetadataUrl: record.resourceMetadataUrl };
    const authority = await discover(place.url, challenge, place.settings, guard);
    requireSameIssuer(authority, record.issuer);
    return { ...record, tokens: await refreshTokens(authority, record, tokens, guard) };
  });
}

/** Machines log in by themselves. `scope`: what is needed beyond what the server asked for. */
export async function machineLogin(
  place: LoginPlace,
  challenge: Challenge,
  scope: string | undefined,
  known: LoginRecord | undefined,
): Promise<LoginRecord> {
  const { server, url, who, settings } = place;
  return withGuard(place, async (guard) => {
    const authority = await discover(url, challenge, settings, guard);
    checkBinding(authority, settings, known);
    const wanted = scope ?? scopeFor(authority, settings, challenge.scope);
    const { clientId = '', clientSecret } = settings;
    return {
      server,
      url: url.href,
      who,
      issuer: authority.issuer,
      session: 'machine',
      resourceMetadataUrl: authority.resourceMetadataUrl,
      registration: { clientId, clientSecret, authMethod: undefined, redirectUri: undefined },
      tokens: await machineTokens(authority, settings, wanted, guard),
    };
  });
}

/** @returns whether the authorization server was told. @throws where it could not be. */
export async function revokeLogin(place: LoginPlace, record: LoginRecord): Promise<boolean> {
  return withGuard(place, async (guard) => {
    const challenge = { ...NO_CHALLENGE, resourceMetadataUrl: record.resourceMetadataUrl };
    const authority: Authority = await discover(place.url, challenge, place.settings, guard);
    if (!isSameIssuer(authority.issuer, record.issuer)) return false;
    return revokeTokens(authority, record, guard);
  });
}

/** Asks the server without credentials what it demands. @returns `undefined` where it demands no login. */
export async function probe(
  place: LoginPlace,
  headers: Readonly<Record<string, string>>,
): Promise<Challenge | undefined> {
  return withGuard(place, async (guard) => {
    const answer = await guard.fetch(place.url, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    });
    if (answer.status !== 401) return undefined;
    return challengeFrom(answer.headers.get('www-authenticate') ?? undefined);
  });
}

/** All requests together; whoever waits for the lock of a login waits longer. */
const TOGETHER_MS = 30_000;

async function withGuard<Result>(
  { url, settings, env }: LoginPlace,
  work: (guard: FetchGuard) => Promise<Result>,
): Promise<Result> {
  requireSecrecy(url, settings);
  const guard = openGuard({
    server: url,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    env,
    togetherMs: TOGETHER_MS,
  });
  try {
    return await work(guard);
  } catch (error) {
    throw guard.waitMs === undefined ? error : new AskedToWait(guard.waitMs, error);
  } finally {
    await guard.close();
  }
}
