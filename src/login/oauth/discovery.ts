/** Who gives the tokens for a server, and what it offers: asked anew each time, since servers move. */
import type * as Sdk from '@modelcontextprotocol/client';
import type {
  AuthorizationServerMetadata,
  OAuthProtectedResourceMetadata,
} from '@modelcontextprotocol/client';
import { isLoopbackHost } from './address-rules.ts';
import type { Challenge } from './challenge.ts';
import type { FetchGuard } from './guarded-fetch.ts';
import { LoginFailure } from '../login-failure.ts';
import type { LoginSettings } from '../settings.ts';

export interface Authority {
  /** Everything obtained from it is bound to this name. */
  readonly issuer: string;
  readonly url: string;
  /** A server of 2025-03-26 may have none: its endpoints have fixed paths then. */
  readonly metadata: AuthorizationServerMetadata | undefined;
  /** The resource indicator, as the server writes it. */
  readonly resource: string | undefined;
  readonly resourceScopes: readonly string[] | undefined;
  readonly resourceMetadataUrl: string | undefined;
}

/** @throws LoginFailure | Blocked | Error */
export async function discover(
  server: URL,
  challenge: Challenge,
  { issuer: expected }: LoginSettings,
  guard: FetchGuard,
): Promise<Authority> {
  const sdk = await import('@modelcontextprotocol/client');
  const { resourceMetadataUrl } = challenge;
  const described = await sdk
    .discoverOAuthProtectedResourceMetadata(
      server,
      resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl: new URL(resourceMetadataUrl) },
      guard.fetch,
    )
    .catch((error: unknown) => {
      if (error instanceof TypeError) throw error;
      return undefined;
    });
  // A server of 2025-03-26 is its own authorization server, or tells as one where that is.
  const named = described?.authorization_servers?.[0];
  const url = named ?? new URL('/', server).href;
  const metadata = await sdk.discoverAuthorizationServerMetadata(url, { fetchFn: guard.fetch });
  if (named !== undefined && !metadata) throw new Error('it shows no metadata');
  const issuer = metadata?.issuer ?? url;
  if (expected !== undefined && !isSameIssuer(expected, issuer))
    throw new LoginFailure(
      `it names ${new URL(issuer).origin} as its authorization server, and only ${expected} may be used ("auth": { "issuer" })`,
    );
  checkMetadata(metadata);
  return {
    issuer,
    url,
    metadata,
    resource: resourceFor(server, described, sdk),
    resourceScopes: described?.scopes_supported,
    resourceMetadataUrl,
  };
}

/** Requires that nobody can listen on the way to the server itself. @throws LoginFailure */
export function requireSecrecy(server: URL, { allowPrivateAddresses }: LoginSettings): void {
  if (server.protocol === 'http:' && !isLoopbackHost(server) && !allowPrivateAddresses)
    throw new LoginFailure(
      'a login is not sent over http, where others could read it: use its https address',
    );
}

/** @throws LoginFailure where another one is responsible now; Error where that cannot be told. */
export function requireSameIssuer({ issuer, resource }: Authority, before: string): void {
  if (isSameIssuer(issuer, before)) return;
  if (resource === undefined) throw new Error('the server does not say any more which one it is');
  throw new LoginFailure(
    `it names ${new URL(issuer).origin} as its authorization server, and the login is from ${new URL(before).origin}`,
  );
}

/** A trailing slash is the one difference that does not count. */
export function isSameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '');
}

/** Without S256 a code could be redeemed by whoever got hold of it. */
export function requirePkce({ metadata }: Authority): void {
  if (metadata && metadata.code_challenge_methods_supported?.includes('S256') !== true)
    throw new LoginFailure(
      'its authorization server does not offer PKCE with S256, without which no login is made',
    );
}

function checkMetadata(metadata: AuthorizationServerMetadata | undefined): void {
  const endpoints = [
    metadata?.authorization_endpoint,
    metadata?.token_endpoint,
    metadata?.registration_endpoint,
  ];
  for (const endpoint of endpoints)
    if (endpoint !== undefined && !/^https?:\/\//i.test(endpoint))
      throw new LoginFailure(
        'its authorization server names an address that is neither http nor https: refused',
      );
}

function resourceFor(
  server: URL,
  metadata: OAuthProtectedResourceMetadata | undefined,
  sdk: typeof Sdk,
): string | undefined {
  if (!metadata) return undefined;
  const requestedResource = sdk.resourceUrlFromServerUrl(server);
  if (!sdk.checkResourceAllowed({ requestedResource, configuredResource: metadata.resource }))
    throw new LoginFailure('its metadata is about another server ("resource"): refused');
  return metadata.resource;
}
