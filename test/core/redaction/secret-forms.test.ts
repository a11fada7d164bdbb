import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactor } from '../../../src/core/redaction/redact.ts';

const clean = redactor([]);

/** What people choose, and what is made for them. */
const secret = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]{3,20}[0-9][A-Za-z0-9]{0,20}$/),
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9!#$%^*_+~.-]{2,20}[0-9][A-Za-z]$/),
  fc.base64String({ minLength: 16, maxLength: 60 }).filter((text) => /\d/.test(text)),
  fc.uuid(),
);

/** In an address some characters are spelt otherwise. */
const fits = (form: string, value: string): boolean => !form.includes('://joe') || !/[/?#]/.test(value);

/** Places in which a secret `$` stands. */
const FORMS: readonly string[] = [
  'DB_PASSWORD=$',
  'export OPENAI_API_KEY=$ && run',
  'PGPASSWORD=$',
  'env: { AWS_SECRET_ACCESS_KEY: $ }',
  'cannot connect, token=$, giving up',
  'token=$',
  'token: $',
  'password: $',
  'Password:$ was refused',
  '{"api_key":"$"}',
  '{"auth":{"apiKey": "$", "user": "joe"}}',
  "{ 'client_secret': '$' }",
  "config { accessToken: '$' }",
  '{"tokens":["$","$"]}',
  'client_secret=$&grant_type=client_credentials',
  'GET https://a.example/cb?access_token=$&state=1 failed',
  'GET /cb?key=$ 403',
  'redirect_uri=x%26access_token%3D$%26b',
  'Authorization: Bearer $',
  'authorization: $',
  '> Proxy-Authorization: Basic $',
  "curl -H 'Authorization: Token $'",
  '{"headers":{"authorization":"Bearer $"}}',
  'Cookie: a=1; session=$; b=2',
  'Set-Cookie: sid=$; Path=/; HttpOnly',
  '"cookie": "sid=$"',
  'x-api-key: $',
  'postgres://joe:$@db.example:5432/x',
  'amqp login joe:$@mq.example.com failed',
  'root:$@10.0.0.1',
  '<password>$</password>',
  '--password=$',
  '--api-key $',
  'ClientSecret => "$"',
  '//registry.example/:_authToken=$',
  'AccountKey=$;EndpointSuffix=x',
];

const PEM = [
  '-----BEGIN RSA PRIVATE KEY-----',
  'MIIEowIBAAKCAQEAxb7Qq3m9u1n2p3r4s5t6u7v8w9xAyBzCaDbEcFdGeHfIgJhK',
  'QmZ0c2Rsa2pmaGFzbGtqZGZoYWxza2pkZmhhbHNramRmaGFsc2tqZGZoYWxza2pk',
  'ZmFzZGY9',
  '-----END RSA PRIVATE KEY-----',
];

describe('what has the form of a secret', () => {
  test.each(FORMS)('is not shown in %s, whatever it is', (form) => {
    fc.assert(
      fc.property(secret, (value) => {
        fc.pre(fits(form, value));
        expect(clean(form.replaceAll('$', () => value))).not.toContain(value);
      }),
      { numRuns: 60 },
    );
  });

  test.each(FORMS)('is not shown in a line of the log either, which stays JSON: %s', (form) => {
    fc.assert(
      fc.property(secret, (value) => {
        const line = JSON.stringify({
          level: 'info',
          line: form.replaceAll('$', () => value),
          msg: 'stderr',
        });
        const shown = clean(line);
        expect(shown).not.toContain(value);
        expect(JSON.parse(shown)).toMatchObject({ level: 'info', msg: 'stderr' });
      }),
      { numRuns: 60 },
    );
  });

  test('does not take a line of the log with it, whatever that says', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...FORMS,
        ...PEM,
        '"',
        "'",
        '\\',
        '\n',
        '`',
        ' ',
        '[',
        '-----END X-----',
        '-----BEGIN ',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const line = JSON.stringify({ level: 'info', line: pieces.join(''), msg: 'stderr' });
        expect(JSON.parse(clean(line))).toMatchObject({ level: 'info', msg: 'stderr' });
      }),
      { numRuns: 3000 },
    );
  });

  test('is cleaned once and for all: a second time changes nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FORMS), secret, (form, value) => {
        const once = clean(form.replaceAll('$', () => value));
        expect(clean(once)).toBe(once);
      }),
    );
  });

  test('leaves what stands around it', () => {
    expect(clean('joe logs in: token=abc123, retry in 5 s')).toBe(
      'joe logs in: token=[redacted], retry in 5 s',
    );
    expect(clean('{"api_key":"abc","user":"joe"}')).toBe('{"api_key":"[redacted]","user":"joe"}');
    expect(clean('GET /x?access_token=abc&page=2')).toBe('GET /x?access_token=[redacted]&page=2');
    expect(clean('client_secret=abc&grant_type=x')).toBe('client_secret=[redacted]&grant_type=x');
    expect(clean('Authorization: Bearer abcdef')).toBe('Authorization: Bearer [redacted]');
    expect(clean('https://joe:pw@host/x and http://localhost:4873/@scope/x')).toBe(
      'https://joe:[redacted]@host/x and http://localhost:4873/@scope/x',
    );
  });

  test.each([
    'token expired',
    'the token is invalid',
    'invalid token: expired',
    "Unexpected token '}' in JSON at position 5",
    'Unexpected token: foo',
    'max_tokens=100, total_tokens: 51, {"prompt_tokens":12}',
    'tokens=100',
    'maxTokens: 4096',
    'token_type=bearer token_endpoint=https://a.example/token',
    'password: required',
    'Wrong password. Enter password:',
    'missing api key',
    'API key not found: set OPENAI_API_KEY',
    'api_key=null password=undefined token=',
    'OPENAI_API_KEY is not set',
    'primary key: id',
    'duplicate key value violates unique constraint users_pkey',
    'key=value',
    'Basic authentication is needed',
    'Bearer token expired',
    'authorization: required',
    'use --token to log in, or --api-key',
    'secretary: Joe',
    'author: Joe, authors=3, authority=ca',
    'tests pass: 12, pass=12 fail=0',
    'keyboard=us monkey=1 hotkey: F5',
    'git@github.com:org/repo.git',
    'mailto:joe@example.com',
    'npm:lodash@4.17.21 npm:react@latest',
    'image: repo/app:latest@sha256:0123456789abcdef',
    'server 127.0.0.1:8080, at 12:30:15',
    'const token = await next()',
    'passwords must have 8 characters',
    'a2b4c6d8e0f1a2b4c6d8e0f1a2b4c6d8e0f1a2b4',
    'see https://a.example/docs/tokens?page=2&sort=key',
    'C:\\secrets\\file.txt not found',
    'session=3 sessions: 4',
    '<token> is a placeholder, as in token=<token> or token=${TOKEN}',
    'cookies are disabled',
  ])('is not seen in ordinary text: %s', (text) => {
    expect(clean(text)).toBe(text);
  });
});

describe('a key in several lines', () => {
  const inner = PEM.slice(1, -1);

  test.each([
    ['whole', PEM, 'before', 'after'],
    ['without its end', PEM.slice(0, -1), 'before', ''],
    ['without its beginning', PEM.slice(2), '', 'after'],
  ])('is not shown %s', (_, lines, before, after) => {
    const shown = clean([before, ...lines, after].join('\n'));
    for (const line of inner) expect(shown).not.toContain(line);
    expect(shown).toContain(before);
    expect(shown).toContain(after);
  });

  test('is not shown as JSON spells it, whole or cut', () => {
    for (const lines of [PEM, PEM.slice(0, -1), PEM.slice(2), PEM.slice(0, 3)]) {
      const text = JSON.stringify({ k: lines.join('\n'), b: 1 });
      const shown = clean(text);
      for (const line of inner) expect(shown).not.toContain(line);
      expect(JSON.parse(shown)).toMatchObject({ b: 1 });
    }
  });
});

test('secrets are looked for in bounded time, whatever the text', () => {
  const units = [
    'token',
    'token=',
    'token:',
    'token="',
    'key\\"',
    "password='",
    '--token ',
    'Authorization: ',
    'Cookie:',
    'a:b@',
    'a://b:',
    'a://',
    '-----BEGIN ',
    '-----END ',
    '-----END A-----',
    'A+/=',
    'AAAA\n',
    '<token>',
    '?key=',
    'Bearer ',
    'sk-',
    'eyJaaaaaaaa',
    'a.',
    '\\',
    '"',
    'token=[',
    'token=["a"',
    'key-',
    'npm_',
    '%3Dtoken',
    '_',
    'secret_',
    'aB',
  ];
  const took = (unit: string, length: number): number => {
    const text = unit.repeat(length / unit.length);
    const since = process.cpuUsage();
    clean(text);
    const { user } = process.cpuUsage(since);
    return user / 1000;
  };
  for (const unit of units) expect([unit, took(unit, 256 * 1024) < 1500]).toEqual([unit, true]);
});
