/** What an entry may say about the login at its server (`auth`). */
import { choice, field, flag, listOf, nonEmptyText, section } from './fields.ts';

const secret = field('text that is not empty (put the value in quotes)', (value) =>
  typeof value === 'string' && value !== '' ? value : undefined,
);

const httpsAddress = field(
  'an https address with a path, such as "https://example.com/client.json"',
  (value) =>
    typeof value === 'string' &&
    URL.canParse(value) &&
    new URL(value).protocol === 'https:' &&
    new URL(value).pathname !== '/'
      ? value
      : undefined,
);

const loopbackAddress = field(
  'an address of this machine, such as "http://127.0.0.1:8765/callback"',
  (value) => {
    if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
    const { protocol, hostname, port } = new URL(value);
    const here = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
    return protocol === 'http:' && here && port !== '' ? value : undefined;
  },
);

const address = field('an address that starts with https:// or http://', (value) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? value
    : undefined,
);

export const auth = section({
  clientId: nonEmptyText().optional(),
  clientSecret: secret.optional(),
  clientMetadataUrl: httpsAddress.optional(),
  scopes: listOf(nonEmptyText()).optional(),
  redirectUri: loopbackAddress.optional(),
  issuer: address.optional(),
  grant: choice(['authorization-code', 'client-credentials']).optional(),
  privateKey: secret.optional(),
  algorithm: choice([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'EdDSA',
  ]).optional(),
  allowPrivateAddresses: flag().optional(),
});
