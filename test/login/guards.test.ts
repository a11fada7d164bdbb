/** What a server that demands a login may not make us do. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { LookupAddress } from 'node:dns';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { failureOf, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { httpServer, json, type TestServer } from '../fixtures/http/servers.ts';
import { isAllowedAddress } from '../../src/login/oauth/address-rules.ts';
import { browserCommand, openBrowser } from '../../src/login/browser.ts';
import { openGuard } from '../../src/login/oauth/guarded-fetch.ts';
import { HandClock } from '../harness/clock.ts';
import { logIn } from '../fixtures/login/person.ts';
import { credentialsFor, loggedIn, protectedServer, storeIn } from './machine-user.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

vi.setConfig({ testTimeout: 40_000 });

const PUBLIC_ONLY = { loopback: false, private: false };

/** An MCP server that demands a login, and the documents that it and its authorization server show. */
async function demanding(
  documents: (origin: string) => Readonly<Record<string, unknown>>,
): Promise<TestServer> {
  const server: TestServer = await httpServer((seen, response) => {
    const found = documents(server.origin)[seen.path];
    if (found !== undefined) return json(response, JSON.stringify(found));
    if (seen.path === '/mcp') response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    else response.writeHead(404).end();
  });
  return server;
}

function resourceMetadata(origin: string, authorizationServer: string): unknown {
  return { resource: `${origin}/mcp`, authorization_servers: [authorizationServer] };
}

function serverMetadata(issuer: string, changes: object = {}): unknown {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    ...changes,
  };
}

async function beginAt(url: string, settings = {}): Promise<URL> {
  const store = storeIn(temporaryFolder('guard'));
  return (await credentialsFor(url, store, { settings }).begin()).url;
}

describe('addresses', () => {
  test.each([
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '172.16.5.5',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '0.0.0.0',
    '::',
    'not an address',
  ])('%s is not public (E05)', (address) => {
    expect(isAllowedAddress(address, PUBLIC_ONLY)).toBe(false);
  });

  test.each(['93.184.216.34', '2606:2800:220:1::1', '64:ff9b::5db8:d822'])('%s is public', (address) => {
    expect(isAllowedAddress(address, PUBLIC_ONLY)).toBe(true);
  });

  test('of this machine are free for a server on this machine, and no others', () => {
    expect(isAllowedAddress('127.0.0.1', { loopback: true, private: false })).toBe(true);
    expect(isAllowedAddress('192.168.1.1', { loopback: true, private: false })).toBe(false);
  });
});

describe('the requests of a login', () => {
  const far = new URL('https://mcp.example.com/mcp');

  function guardWith(addresses: readonly string[], options = {}) {
    const lookup = (_: string, __: object, done: (error: null, found: LookupAddress[]) => void): void =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    return openGuard({ server: far, allowPrivateAddresses: false, env: {}, lookup, ...options });
  }

  test.each([
    'http://127.0.0.1:PORT/',
    'https://127.0.0.1:PORT/',
    'https://2130706433:PORT/',
    'https://0177.0.0.1:PORT/',
    'https://0x7f.1:PORT/',
    'https://[::1]:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://localhost:PORT/',
    'https://auth.example.com:PORT/',
  ])('of a server elsewhere never reach this machine by %s (E05)', async (address) => {
    const listener = await httpServer((_, response) => response.end());
    const guard = guardWith(['127.0.0.1']);
    await expect(guard.fetch(address.replace('PORT', String(listener.port)))).rejects.toThrow(
      /not a public address|no https address/,
    );
    expect(listener.seen).toEqual([]);
    expect(listener.sockets.size).toBe(0);
    await guard.close();
  });

  test('are refused where one of several addresses of a name is private (E05)', async () => {
    const guard = guardWith(['93.184.216.34', '10.0.0.1']);
    await expect(guard.check(new URL('https://auth.example.com/'))).rejects.toThrow('allowPrivateAddresses');
    await guard.close();
  });

  test('reach private addresses where the operator allowed it for this server', async () => {
    const listener = await httpServer((_, response) => response.end('{}'));
    const guard = guardWith(['127.0.0.1'], { allowPrivateAddresses: true });
    expect((await guard.fetch(listener.url)).status).toBe(200);
    await guard.close();
  });

  test('do not follow a redirect to another origin (E04)', async () => {
    const other = await httpServer((_, response) => response.end('{}'));
    const first = await httpServer((_, response) =>
      response.writeHead(302, { location: `${other.origin}/x` }).end(),
    );
    const guard = openGuard({ server: new URL(first.url), allowPrivateAddresses: false, env: {} });
    await expect(guard.fetch(first.url)).rejects.toThrow('not followed');
    expect(other.seen).toEqual([]);
    await guard.close();
  });

  test('follow one on the same origin, for documents only', async () => {
    const server = await httpServer((seen, response) => {
      if (seen.path === '/there') response.end('{"here":true}');
      else response.writeHead(307, { location: '/there' }).end();
    });
    const guard = openGuard({ server: new URL(server.url), allowPrivateAddresses: false, env: {} });
    expect(await (await guard.fetch(server.url)).json()).toEqual({ here: true });
    await expect(guard.fetch(server.url, { method: 'POST', body: '' })).rejects.toThrow('not followed');
    await guard.close();
  });

  test('are refused by a name that leads elsewhere at the second look (E05)', async () => {
    const listener = await httpServer((_, response) => response.end());
    const answers = ['93.184.216.34', '127.0.0.1'];
    const guard = openGuard({
      server: far,
      allowPrivateAddresses: false,
      env: {},
      lookup: (_, __, done) => done(null, [{ address: answers.shift() ?? '', family: 4 }]),
    });
    const address = new URL(`https://auth.example.com:${listener.port}/`);
    await guard.check(address);
    await expect(guard.fetch(address)).rejects.toThrow('not a public address');
    expect(listener.sockets.size).toBe(0);
    await guard.close();
  });

  test('give up on redirects in a circle', async () => {
    const server = await httpServer((seen, response) => {
      response.writeHead(302, { location: `/${seen.path.length}${seen.path.slice(1)}` }).end();
    });
    const guard = openGuard({ server: new URL(server.url), allowPrivateAddresses: false, env: {} });
    await expect(guard.fetch(server.url)).rejects.toThrow('not followed');
    expect(server.seen).toHaveLength(4);
    await guard.close();
  });

  test('give up on an answer that drips, and on all of them together', async () => {
    const server = await httpServer((_, response) => {
      const more = (): void => void (response.destroyed || response.write(' ', () => setImmediate(more)));
      more();
    });
    const togetherMs = 300;
    const guard = openGuard({
      server: new URL(server.url),
      allowPrivateAddresses: false,
      env: {},
      togetherMs,
    });
    const startedAt = performance.now();
    await expect(guard.fetch(server.url)).rejects.toThrow('timeout');
    await expect(guard.fetch(server.url)).rejects.toThrow('timeout');
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await guard.close();
  });

  test('give up on an answer without end', async () => {
    const server = await httpServer((_, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    const guard = openGuard({ server: new URL(server.url), allowPrivateAddresses: false, env: {} });
    await expect(guard.fetch(server.url)).rejects.toThrow('answered with more than');
    await guard.close();
  });
});

describe('a server that demands a login', () => {
  test('with a bearer token from a login, and redirects elsewhere, is not followed (E04)', async () => {
    const auth = await protectedServer();
    const other = await httpServer((_, response) => response.end());
    const folder = temporaryFolder('case');
    await loggedIn(auth, join(folder, 'state'));
    const proxy = await startProxy({ far: { url: auth.url } }, { folder, config: { tokenStorage: 'file' } });
    const token = auth.state.requests.at(-1)?.token ?? '';
    auth.state.redirectTo = `${other.origin}/steal`;
    const failure = failureOf(await proxy.call('whoami'));
    expect(failure).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: false });
    auth.state.redirectTo = undefined;
    expect(token).not.toBe('');
    expect(other.seen).toEqual([]);
  });

  test('cannot have us look at a link-local address for its metadata (E05)', async () => {
    const server = await demanding((origin) => ({
      '/.well-known/oauth-protected-resource/mcp': resourceMetadata(origin, 'http://169.254.169.254'),
    }));
    await expect(beginAt(server.url)).rejects.toThrow(/169\.254\.169\.254/);
  });

  test('over http is given none: others could read it', async () => {
    await expect(beginAt('http://mcp.example.com/mcp')).rejects.toThrow('not sent over http');
  });

  test('cannot learn a machine’s secret by naming another authorization server later', async () => {
    const secret = 'a long enough secret of a robot';
    const clients = [
      {
        client_id: 'robot',
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ];
    const server = await protectedServer({ clients });
    const other = await httpServer((seen, response) => {
      if (seen.path === '/.well-known/oauth-authorization-server')
        json(response, JSON.stringify(serverMetadata(other.origin)));
      else json(response, JSON.stringify({ access_token: 'x', token_type: 'Bearer' }));
    });
    const store = storeIn(temporaryFolder('case'));
    const settings = { clientId: 'robot', clientSecret: secret, grant: 'client-credentials' as const };
    await credentialsFor(server.url, store, { settings }).obtain();
    server.state.namedIssuer = other.origin;
    await expect(credentialsFor(server.url, store, { settings }).obtain()).rejects.toThrow('log out first');
    expect(other.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  test('and repeats the token in its answers does not get it into the log', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const entry = { url: server.url, retry: { attempts: 1 } };
    const config = { tokenStorage: 'file', log: { level: 'trace' } };
    const proxy = await startProxy({ far: entry }, { folder, config });
    const answers = [textOf(await proxy.call('whoami'))];
    for (const status of [500, 400, 403, 404, 429]) {
      server.state.echoes = status;
      answers.push(textOf(await proxy.call('whoami')));
    }
    server.state.echoes = undefined;
    const token = server.state.requests.find((request) => request.token)?.token ?? '';
    expect(token).not.toBe('');
    expect(answers.join('\n')).not.toContain(token);
    expect(proxy.stderr).not.toContain(token);
  });

  test.each([
    'access_token=TOKEN',
    '{"access_token":"TOKEN",}',
    '{"token_type":"TOKEN"}',
    '{"error":"TOKEN","error_description":"TOKEN"}',
  ])('whose authorization server answers %s does not get that into the log', async (answer) => {
    const server = await protectedServer();
    const store = storeIn(temporaryFolder('case'));
    const attempt = await credentialsFor(server.url, store).begin();
    await logIn(attempt.url.href);
    const token = (await attempt.done).tokens?.refreshToken ?? '';
    server.state.tokenAnswer = answer.replaceAll('TOKEN', token);
    const said: unknown[] = [];
    const credentials = credentialsFor(server.url, store, { said });
    await credentials.pending();
    const sent = credentials.headers();
    await credentials
      .refused({ status: 401, challenge: 'Bearer', sent, again: false })
      .catch((error: unknown) => said.push(String(error)));
    expect(said.length).toBeGreaterThanOrEqual(2);
    for (const part of [token, token.slice(0, 6), token.slice(-6)])
      expect(JSON.stringify(said)).not.toContain(part);
  });

  test('gets no login without PKCE', async () => {
    const server = await demanding((origin) => ({
      '/.well-known/oauth-protected-resource/mcp': resourceMetadata(origin, origin),
      '/.well-known/oauth-authorization-server': serverMetadata(origin, {
        code_challenge_methods_supported: ['plain'],
      }),
    }));
    await expect(beginAt(server.url, { clientId: 'known' })).rejects.toThrow('PKCE');
  });

  test.each(['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x'])(
    'cannot have the browser open %s (E13)',
    async (endpoint) => {
      const server = await demanding((origin) => ({
        '/.well-known/oauth-protected-resource/mcp': resourceMetadata(origin, origin),
        '/.well-known/oauth-authorization-server': serverMetadata(origin, {
          authorization_endpoint: endpoint,
        }),
      }));
      await expect(beginAt(server.url, { clientId: 'known' })).rejects.toThrow(/url|http/i);
    },
  );

  test('may only use the authorization server that the config names', async () => {
    const server = await demanding((origin) => ({
      '/.well-known/oauth-protected-resource/mcp': resourceMetadata(origin, origin),
      '/.well-known/oauth-authorization-server': serverMetadata(origin),
    }));
    await expect(
      beginAt(server.url, { clientId: 'known', issuer: 'https://auth.example.com' }),
    ).rejects.toThrow('only https://auth.example.com may be used');
    const url = await beginAt(server.url, { clientId: 'known', issuer: server.origin, scopes: ['a', 'b'] });
    expect(url.searchParams.get('client_id')).toBe('known');
    expect(url.searchParams.get('scope')).toBe('a b');
  });

  test('that refuses every token is asked a few times and then left alone (E10)', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: { tokenStorage: 'file' } },
    );
    server.state.refuseAll = true;
    const before = server.state.requests.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => proxy.call('whoami')));
    for (const answer of answers) expect(failureOf(answer)).toMatchObject({ code: 'LOGIN_REQUIRED' });
    for (let call = 0; call < 20; call++)
      expect(textOf(await proxy.call('whoami'))).toContain('switchyard login far');
    expect(server.state.requests.length - before).toBeLessThanOrEqual(150);
    const renewals = server.state.grants.filter((grant) => grant === 'refresh_token').length;
    expect(renewals).toBeLessThanOrEqual(2);
    const settled = server.state.requests.length;
    for (let call = 0; call < 20; call++) await proxy.call('whoami');
    expect(server.state.requests.length).toBe(settled);
  });
});

describe('the page that the browser comes back to', () => {
  test('is there for five minutes, and for this machine only', async () => {
    const server = await protectedServer();
    const clock = new HandClock();
    const attempt = await credentialsFor(server.url, storeIn(temporaryFolder('case')), { clock }).begin();
    const page = new URL(attempt.url.searchParams.get('redirect_uri') ?? '');
    expect(page.hostname).toBe('127.0.0.1');
    await clock.pass(5 * 60_000 - 1);
    expect((await fetch(page)).status).toBe(400);
    await clock.pass(1);
    await expect(attempt.done).rejects.toThrow('five minutes');
    await expect(fetch(page)).rejects.toThrow('fetch failed');
  });
});

describe('opening the browser', () => {
  const address = new URL('https://auth.example.com/a?x=$(touch%20/tmp/x)`id`;&y=|"\'');

  test.each<[NodeJS.Platform, string]>([
    ['linux', 'xdg-open'],
    ['darwin', 'open'],
    ['win32', 'rundll32'],
  ])('hands the address over as one argument on %s (E13)', (platform, program) => {
    const [command, ...args] = browserCommand(address, platform, {});
    expect(command).toBe(program);
    expect(args.at(-1)).toBe(address.href);
  });

  test('is refused for what is no web address (E13)', async () => {
    for (const text of ['javascript:alert(1)', 'file:///etc/passwd', 'vscode://x'])
      expect(() => browserCommand(new URL(text), 'linux', {})).toThrow('neither http nor https');
  });

  test('runs no shell: signs that one would obey reach the program as they are (E13)', async () => {
    const folder = temporaryFolder('case');
    const seen = join(folder, 'seen');
    const program = join(folder, 'browser.mjs');
    writeFileSync(
      program,
      [
        `#!${process.execPath}`,
        "import { renameSync, writeFileSync } from 'node:fs';",
        `const seen = ${JSON.stringify(seen)};`,
        'writeFileSync(`${seen}.half`, JSON.stringify(process.argv.slice(2)));',
        'renameSync(`${seen}.half`, seen);',
      ].join('\n'),
      { mode: 0o755 },
    );
    expect(await openBrowser(address, 'linux', { BROWSER: program })).toBe(true);
    const text = await until('the program to run', () => {
      try {
        return readFileSync(seen, 'utf8');
      } catch {
        return undefined;
      }
    });
    expect(JSON.parse(text)).toEqual([address.href]);
  });
});
