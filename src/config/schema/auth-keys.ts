/** The keys of `auth`: logging in at a remote server. */
import { choice, field, flag, listOf, nonEmptyText } from './fields.ts';
import { key, section } from './section.ts';

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

export const authKeys = {
  clientId: key(nonEmptyText(), {
    doc: 'a client registered beforehand',
    without: 'the client registers itself',
    example: 'my-client',
  }),
  clientSecret: key(secret, { doc: 'its secret', example: '${DOCS_CLIENT_SECRET}' }),
  clientMetadataUrl: key(httpsAddress, {
    doc: 'where this client describes itself (client id metadata document)',
    example: 'https://example.com/client.json',
  }),
  scopes: key(listOf(nonEmptyText()), {
    doc: 'asked for instead of what the server names',
    example: ['read'],
  }),
  redirectUri: key(loopbackAddress, {
    doc: "the client's registered address on this machine",
    without: 'a free port',
    example: 'http://127.0.0.1:8765/callback',
  }),
  issuer: key(address, {
    doc: 'the only authorization server that may be used',
    without: 'the one the server names',
    example: 'https://login.example',
  }),
  grant: key(choice(['authorization-code', 'client-credentials']), {
    doc: '`authorization-code`: a person logs in; `client-credentials`: the client by itself, with `clientSecret` or `privateKey`',
    byDefault: 'authorization-code',
    example: 'client-credentials',
  }),
  privateKey: key(secret, {
    doc: 'PEM with which the client proves who it is',
    example: '${file:/secrets/client.pem}',
  }),
  allowPrivateAddresses: key(flag(), {
    doc: 'the login may lead to addresses that are not public; else only a server on this machine may name others on it',
    byDefault: false,
    example: true,
  }),
};

export const auth = section(authKeys, {
  former: new Map([
    ['algorithm', { now: 'is found from "privateKey" now, and is ignored here. Remove it.' }],
  ]),
});
