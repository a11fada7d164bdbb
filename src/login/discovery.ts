/** Who gives the tokens for a server, and what it offers: asked anew each time, since servers move. */
import type * as Sdk from '@modelcontextprotocol/client';
import type {
  AuthorizationServerMetadata,
  OAuthProtectedResourceMetadata,
} from '@modelcontextprotocol/client';
import type { Challenge } from './challenge.ts';
import type { Guard } from './guarded-fetch.ts';
import { LoginFailure } from './login-failure.ts';
import type { LoginSettings } from './settings.ts';

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
  guard: Guard,
): Promise<Authority> {
  const sdk = await import('@modelcontextprotocol/client');
  const { resourceMetadataUrl } = challenge;
  const found = await sdk.discoverOAuthServerInfo(server, {
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl: new URL(resourceMetadataUrl) }),
    fetchFn: guard.fetch,
  });
  const metadata = found.authorizationServerMetadata;
  const issuer = metadata?.issuer ?? String(found.authorizationServerUrl);
  if (expected !== undefined && !isSameIssuer(expected, issuer))
    throw new LoginFailure(
      `it names ${new URL(issuer).origin} as its authorization server, and only ${expected} may be used ("auth": { "issuer" })`,
    );
  checkMetadata(metadata);
  return {
    issuer,
    url: String(found.authorizationServerUrl),
    metadata,
    resource: resourceFor(server, found.resourceMetadata, sdk),
    resourceScopes: found.resourceMetadata?.scopes_supported,
    resourceMetadataUrl,
  };
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
