/** As which client we appear at an authorization server. */
import type { AuthorizationServerMetadata } from '@modelcontextprotocol/client';
import { widens } from './challenge.ts';
import type { Authority } from './discovery.ts';
import type { FetchGuard } from './guarded-fetch.ts';
import { LoginFailure } from '../login-failure.ts';
import type { LoginRecord, Registration } from '../store/login-record.ts';
import type { LoginSettings } from '../settings.ts';

/** In the order of the specification: registered beforehand, described at an address, registered now. */
export async function registrationAt(
  authority: Authority,
  settings: LoginSettings,
  known: LoginRecord | undefined,
  {
    redirectUri,
    scope,
    guard,
  }: { redirectUri: string | undefined; scope: string | undefined; guard: FetchGuard },
): Promise<Registration> {
  const { metadata, issuer, url } = authority;
  const { clientId, clientSecret, clientMetadataUrl } = settings;
  if (clientId !== undefined) {
    checkBinding(authority, settings, known);
    return { clientId, clientSecret, authMethod: undefined, redirectUri };
  }
  if (metadata?.client_id_metadata_document_supported === true && clientMetadataUrl !== undefined)
    return { clientId: clientMetadataUrl, clientSecret: undefined, authMethod: 'none', redirectUri };
  // Where a login has ended the authorization server may have forgotten the client too.
  const fits = known?.tokens && known.issuer === issuer && known.registration.redirectUri === redirectUri;
  if (fits && !widens(scope, known.registration.scope)) return known.registration;
  if (metadata && metadata.registration_endpoint === undefined)
    throw new LoginFailure(
      'its authorization server takes no new clients by itself. Register one there and set "auth": { "clientId": … }',
    );
  const { registerClient } = await import('@modelcontextprotocol/client');
  const client = await registerClient(url, {
    ...metadataOf(authority),
    clientMetadata: {
      client_name: 'Switchyard',
      redirect_uris: redirectUri === undefined ? [] : [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: registrationMethod(metadata?.token_endpoint_auth_methods_supported),
      application_type: 'native',
    },
    ...(scope !== undefined && { scope }),
    fetchFn: guard.fetch,
  });
  return {
    clientId: client.client_id,
    clientSecret: client.client_secret,
    authMethod: client.token_endpoint_auth_method,
    redirectUri,
    scope,
  };
}

/** A secret that one authorization server knows is not shown to another one. */
export function checkBinding(
  { issuer }: Authority,
  settings: LoginSettings,
  known: LoginRecord | undefined,
): void {
  if (!known || known.registration.clientId !== settings.clientId || settings.issuer !== undefined) return;
  if (known.issuer !== issuer)
    throw new LoginFailure(
      `its authorization server was ${new URL(known.issuer).origin} and is now ${new URL(issuer).origin}. If that is right, log out first, or set "auth": { "issuer": "${issuer}" }`,
    );
}

/** A program on a user's machine keeps no secret; but where only secrets are taken, it takes one. */
function registrationMethod(supported: readonly string[] | undefined): string {
  if (!supported || supported.length === 0 || supported.includes('none')) return 'none';
  return ['client_secret_basic', 'client_secret_post'].find((one) => supported.includes(one)) ?? 'none';
}

/** As the SDK wants it. */
export function clientOf({ clientId, clientSecret, authMethod }: Registration) {
  return {
    client_id: clientId,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(authMethod !== undefined && { redirect_uris: [], token_endpoint_auth_method: authMethod }),
  };
}

/** The same of the authorization server. */
export function metadataOf({ metadata }: Authority): { metadata?: AuthorizationServerMetadata } {
  return metadata === undefined ? {} : { metadata };
}
