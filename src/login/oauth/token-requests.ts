/** Requests to an authorization server, made with the SDK's OAuth client. */
import type * as Sdk from '@modelcontextprotocol/client';
import type { OAuthTokens } from '@modelcontextprotocol/client';
import { type Authority, requirePkce } from './discovery.ts';
import { LoginFailure } from '../login-failure.ts';
import type { FetchGuard } from './guarded-fetch.ts';
import type { LoginRecord, Registration, Tokens } from '../store/login-record.ts';
import { clientOf, metadataOf } from './registration.ts';
import type { LoginSettings } from '../settings.ts';
import { signingAlgorithm } from './signing-algorithm.ts';

/** Loaded when the first server demands a login: it takes a tenth of a second. */
const sdk = (): Promise<typeof Sdk> => import('@modelcontextprotocol/client');

/** Longer than any login lasts. */
const LONGEST_S = 10 * 366 * 86_400;

export interface AuthorizationRequest {
  readonly url: URL;
  readonly codeVerifier: string;
}

/** `scope` as asked for, else what the server says it takes; with what lets it be renewed where that has a name. */
export function scopeFor(
  authority: Authority,
  settings: LoginSettings,
  asked: string | undefined,
): string | undefined {
  const { metadata, resourceScopes } = authority;
  const scope = settings.scopes?.join(' ') || asked || resourceScopes?.join(' ') || undefined;
  if (scope === undefined || settings.grant === 'client-credentials') return scope;
  const offline = metadata?.scopes_supported?.includes('offline_access') === true;
  return offline && !scope.split(' ').includes('offline_access') ? `${scope} offline_access` : scope;
}

export async function authorizationRequest(
  authority: Authority,
  registration: Registration,
  { scope, state, redirectUri }: { scope: string | undefined; state: string; redirectUri: string },
): Promise<AuthorizationRequest> {
  requirePkce(authority);
  const { startAuthorization } = await sdk();
  const { authorizationUrl, codeVerifier } = await startAuthorization(authority.url, {
    ...metadataOf(authority),
    clientInformation: clientOf(registration),
    redirectUrl: redirectUri,
    state,
    ...(scope !== undefined && { scope }),
    ...resourceOf(authority),
  });
  return { url: authorizationUrl, codeVerifier };
}

export interface CodeAnswer {
  readonly code: string;
  readonly iss: string | undefined;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly scope: string | undefined;
}

export async function redeemCode(
  authority: Authority,
  registration: Registration,
  { code, iss, codeVerifier, redirectUri, scope }: CodeAnswer,
  guard: FetchGuard,
): Promise<Tokens> {
  const { exchangeAuthorization } = await sdk();
  const tokens = await exchangeAuthorization(authority.url, {
    ...metadataOf(authority),
    clientInformation: clientOf(registration),
    authorizationCode: code,
    ...(iss !== undefined && { iss }),
    codeVerifier,
    redirectUri,
    ...resourceOf(authority),
    fetchFn: guard.fetch,
  });
  return tokensOf(tokens, scope, undefined);
}

/** Whose answer it is (RFC 9207); to be asked before anything else of it is looked at. @throws IssuerMismatchError */
export async function checkIssuer({ metadata }: Authority, iss: string | undefined): Promise<void> {
  const { validateAuthorizationResponseIssuer } = await sdk();
  validateAuthorizationResponseIssuer({
    iss,
    expectedIssuer: metadata?.issuer,
    issParameterSupported: metadata?.['authorization_response_iss_parameter_supported'] === true,
  });
}

export async function refreshTokens(
  authority: Authority,
  { registration }: LoginRecord,
  before: Tokens,
  guard: FetchGuard,
): Promise<Tokens> {
  const { refreshAuthorization } = await sdk();
  const tokens = await refreshAuthorization(authority.url, {
    ...metadataOf(authority),
    clientInformation: clientOf(registration),
    refreshToken: before.refreshToken ?? '',
    ...resourceOf(authority),
    fetchFn: guard.fetch,
  });
  return tokensOf(tokens, before.requestedScope, before);
}

/** Client credentials, for machines: the client itself logs in. */
export async function machineTokens(
  authority: Authority,
  settings: LoginSettings,
  scope: string | undefined,
  guard: FetchGuard,
): Promise<Tokens> {
  const { fetchToken, createPrivateKeyJwtAuth } = await sdk();
  const { clientId = '', clientSecret, privateKey } = settings;
  const client = { client_id: clientId, ...(clientSecret !== undefined && { client_secret: clientSecret }) };
  const addClientAuthentication =
    privateKey === undefined
      ? undefined
      : createPrivateKeyJwtAuth({
          issuer: clientId,
          subject: clientId,
          privateKey,
          alg: signingAlgorithm(
            privateKey,
            authority.metadata?.['token_endpoint_auth_signing_alg_values_supported'],
          ),
        });
  const provider = {
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [], ...(scope !== undefined && { scope }) },
    clientInformation: () => ({ ...client, issuer: authority.issuer }),
    tokens: () => undefined,
    saveTokens() {},
    redirectToAuthorization() {},
    saveCodeVerifier() {},
    codeVerifier: () => '',
    prepareTokenRequest: (wanted?: string) =>
      new URLSearchParams({
        grant_type: 'client_credentials',
        ...(wanted !== undefined && { scope: wanted }),
      }),
    ...(addClientAuthentication && { addClientAuthentication }),
  };
  const tokens = await fetchToken(provider, authority.url, {
    ...metadataOf(authority),
    ...(authority.resource !== undefined && { resource: authority.resource }),
    ...(scope !== undefined && { scope }),
    fetchFn: guard.fetch,
  });
  return tokensOf(tokens, scope, undefined);
}

/** Tells the authorization server to forget them (RFC 7009). @returns false where it has no way to be told. */
export async function revokeTokens(
  { metadata }: Authority,
  { registration, tokens }: LoginRecord,
  guard: FetchGuard,
): Promise<boolean> {
  const endpoint = metadata && 'revocation_endpoint' in metadata ? metadata.revocation_endpoint : undefined;
  if (typeof endpoint !== 'string' || !tokens) return false;
  const { selectClientAuthMethod, assertSecureTokenEndpoint } = await sdk();
  const { clientId, clientSecret } = registration;
  const supported = metadata?.token_endpoint_auth_methods_supported ?? [];
  const method = selectClientAuthMethod(clientOf(registration), supported);
  // Without its refresh token first, the access token could be renewed in between.
  for (const [token, hint] of [
    [tokens.refreshToken, 'refresh_token'],
    [tokens.accessToken, 'access_token'],
  ] as const) {
    if (token === undefined) continue;
    const body = new URLSearchParams({ token, token_type_hint: hint });
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (method === 'client_secret_basic' && clientSecret !== undefined)
      headers['authorization'] =
        `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`;
    else {
      body.set('client_id', clientId);
      if (method === 'client_secret_post' && clientSecret !== undefined)
        body.set('client_secret', clientSecret);
    }
    const answer = await guard.fetch(assertSecureTokenEndpoint(endpoint), { method: 'POST', headers, body });
    if (!answer.ok)
      throw new LoginFailure(`its authorization server refused to revoke the login (HTTP ${answer.status})`);
  }
  return true;
}

function resourceOf({ resource }: Authority): { resource?: string } {
  return resource === undefined ? {} : { resource };
}

function tokensOf(
  tokens: OAuthTokens,
  requestedScope: string | undefined,
  before: Tokens | undefined,
): Tokens {
  const now = Date.now();
  // Anything else would end the head of a request, or be another one's.
  if (!/^[\x21-\x7e]+$/.test(tokens.access_token))
    throw new LoginFailure('its authorization server gave a token that no request can carry');
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds, scope } = tokens;
  return {
    accessToken,
    refreshToken: refreshToken ?? before?.refreshToken,
    scope: scope ?? before?.scope,
    requestedScope,
    obtainedAt: now,
    // A token that has ended before it came is tried all the same: else every call would want another.
    expiresAt:
      seconds === undefined || !(seconds > 0) ? undefined : now + Math.min(seconds, LONGEST_S) * 1000,
  };
}
