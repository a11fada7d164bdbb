/** Against a real authorization server, by real proxies. */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { httpClient, type HttpCaller } from '../harness/http-client.ts';
import { type Entry, failureOf, startProxy, textOf, type ProxyUnderTest } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { logIn } from '../fixtures/login/person.ts';
import { loggedIn, protectedServer, storeIn } from './machine-user.ts';

vi.setConfig({ testTimeout: 40_000 });

const FILES = { tokenStorage: 'file' };
const BY_URL = { elicitation: { url: {} } };

/** The question that the proxy put to its client, and its id. */
async function question(
  proxy: ProxyUnderTest,
): Promise<{ id: number; url: string; message: string; elicitationId: string }> {
  const found = await until(
    'a question',
    () => proxy.clientNotifications('elicitation/create')[0],
    5000,
    () => proxy.stderr,
  );
  const params = found.params as { url: string; message: string; elicitationId: string };
  return { id: found.id as number, ...params };
}

function accept(proxy: ProxyUnderTest, id: number, action = 'accept'): void {
  proxy.send(JSON.stringify({ jsonrpc: '2.0', id, result: { action } }));
}

describe('a login', () => {
  test('lets a proxy start silently the next day, with a token that has expired since', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const first = await startProxy({ far: { url: server.url } }, { folder, config: FILES });
    expect(textOf(await first.call('whoami'))).toBe('whoami: alice');
    await first.stop();
    server.endAccessTokens();
    const next = await startProxy({ far: { url: server.url } }, { folder, config: FILES });
    expect(textOf(await next.call('whoami'))).toBe('whoami: alice');
    expect(server.state.grants).toEqual(['authorization_code', 'refresh_token']);
    expect(await next.status('far')).toMatchObject({ login: { state: 'logged in', renews: true } });
  });

  test('is kept in a file that only its owner can read, and no token shows in the log', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const [name = ''] = readdirSync(join(folder, 'state', 'logins'));
    const file = join(folder, 'state', 'logins', name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { secrets } = JSON.parse(readFileSync(file, 'utf8')) as { secrets: { accessToken: string } };
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: { ...FILES, log: { level: 'trace' } } },
    );
    await proxy.call('whoami');
    expect(JSON.stringify(await proxy.status('far'))).not.toContain(secrets.accessToken);
    expect(proxy.stderr).not.toContain(secrets.accessToken);
  });

  test('that expires in the middle of 100 parallel calls is renewed once', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url, maxConcurrency: 100 } },
      { folder, config: FILES },
    );
    await proxy.call('whoami');
    server.endAccessTokens();
    const answers = await Promise.all(Array.from({ length: 100 }, () => proxy.call('whoami', {}, 10_000)));
    expect(answers.map(textOf)).toEqual(Array<string>(100).fill('whoami: alice'));
    expect(server.state.grants).toEqual(['authorization_code', 'refresh_token']);
  });

  test('is renewed ahead of its end, by rotating refresh tokens, without a refused call', async () => {
    const server = await protectedServer({ accessTokenSeconds: 2 });
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES });
    await until(
      'two renewals',
      async () => {
        expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
        return server.state.grants.length >= 3;
      },
      14_000,
    );
    expect(new Set(server.state.grants.slice(1))).toEqual(new Set(['refresh_token']));
  });

  test('is renewed once by two proxies on one state folder, however often each token rotates', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const config = { ...FILES, stateDir: join(folder, 'state') };
    const proxies = await Promise.all([0, 1].map(() => startProxy({ far: { url: server.url } }, { config })));
    for (let round = 1; round <= 5; round++) {
      await Promise.all(proxies.map((proxy) => proxy.call('whoami')));
      server.endAccessTokens();
      const answers = await Promise.all(
        proxies.flatMap((proxy) => Array.from({ length: 10 }, () => proxy.call('whoami'))),
      );
      expect(new Set(answers.map(textOf))).toEqual(new Set(['whoami: alice']));
      expect(server.state.grants).toHaveLength(1 + round);
    }
  });

  test('that was revoked says which command to run, once in the log, without a storm', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES });
    await proxy.call('whoami');
    const { registration, secrets } = stored(folder);
    await revoke(server.issuer, registration.clientId, secrets['refreshToken'] ?? '');
    server.endAccessTokens();
    const answers = await Promise.all(Array.from({ length: 20 }, () => proxy.call('whoami')));
    for (const answer of answers) {
      expect(textOf(answer)).toContain('switchyard login far');
      expect(failureOf(answer)).toMatchObject({ code: 'LOGIN_REQUIRED', delivered: false });
    }
    const asked = server.state.requests.length;
    for (let call = 0; call < 20; call++) await proxy.call('whoami');
    expect(server.state.requests.length).toBe(asked);
    expect(server.state.grants.filter((grant) => grant.startsWith('refresh_token'))).toHaveLength(1);
    expect(proxy.log.filter(({ msg }) => msg === 'a login is required')).toHaveLength(1);
    expect(await proxy.toolNames()).toContain('whoami');
    expect(await proxy.status('far')).toMatchObject({
      login: { state: 'login required', command: 'switchyard login far' },
    });
  });

  test('made elsewhere is taken up by a proxy that waits for one', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, unready: true });
    await proxy.greet();
    await proxy.logged(({ msg }) => msg === 'a login is required');
    await loggedIn(server, join(folder, 'state'));
    await until('its tools', async () => (await proxy.toolNames()).includes('whoami'));
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
  });

  test('outlives a token endpoint that is out of order for a while', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url, retry: { attempts: 1 } } },
      { folder, config: FILES },
    );
    await proxy.call('whoami');
    server.endAccessTokens();
    server.state.tokenEndpointDown = true;
    expect(failureOf(await proxy.call('whoami'))).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE' });
    server.state.tokenEndpointDown = false;
    await until(
      'the login to be good again',
      async () => textOf(await proxy.call('whoami')) === 'whoami: alice',
      12_000,
    );
  });
});

describe('inside a client', () => {
  test('a call waits until its user has logged in where the client was shown to, and goes on', async () => {
    const { server, folder } = await loggedOut(BY_URL);
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, unready: true });
    await proxy.greet(BY_URL);
    expect(await proxy.toolNames()).toEqual(['whoami', 'write']);
    const call = proxy.askTool('whoami');
    const { id, url, message, elicitationId } = await question(proxy);
    expect(message).toContain('far');
    accept(proxy, id);
    await logIn(url, 'bob');
    expect(textOf(await proxy.answer(call))).toBe('whoami: bob');
    expect(proxy.clientNotifications('notifications/elicitation/complete')).toMatchObject([
      { params: { elicitationId } },
    ]);
  });

  test('several calls at once show it once, and all go on; where the first is given up, another one shows it', async () => {
    const { server, folder } = await loggedOut(BY_URL);
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, unready: true });
    await proxy.greet(BY_URL);
    await proxy.toolNames();
    const calls = Array.from({ length: 5 }, () => proxy.askTool('whoami'));
    const questions = () => proxy.clientNotifications('elicitation/create');
    await question(proxy);
    const [first = 0, ...others] = calls;
    proxy.notify('notifications/cancelled', { requestId: first });
    proxy.ledger.excuse(first);
    const { id, params } = await until('another question', () => questions()[1]);
    accept(proxy, id as number);
    await logIn((params as { url: string }).url, 'bob');
    for (const call of others) expect(textOf(await proxy.answer(call))).toBe('whoami: bob');
    expect(questions()).toHaveLength(2);
    expect(proxy.clientNotifications('notifications/elicitation/complete')).toHaveLength(1);
  });

  test('a call that waits goes on when its user has logged in elsewhere', async () => {
    const { server, folder } = await loggedOut(BY_URL);
    const config = { ...FILES, log: { level: 'trace' } };
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config, unready: true });
    await proxy.greet(BY_URL);
    await proxy.toolNames();
    const call = proxy.askTool('whoami');
    const { id, url } = await question(proxy);
    await loggedIn(server, join(folder, 'state'), 'bob in a terminal');
    expect(textOf(await proxy.answer(call))).toBe('whoami: bob in a terminal');
    accept(proxy, id, 'cancel');
    expect(proxy.stderr).not.toContain(new URL(url).searchParams.get('state'));
  });

  test('a user who declines hears which command to run', async () => {
    const { server, folder } = await loggedOut(BY_URL);
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, unready: true });
    await proxy.greet(BY_URL);
    await proxy.toolNames();
    const call = proxy.askTool('whoami');
    accept(proxy, (await question(proxy)).id, 'decline');
    expect(textOf(await proxy.answer(call))).toContain('switchyard login far');
  });

  test('a modern client is answered with where to log in, and its call goes on when it comes back', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy({ far: { url: server.url } }, { folder, http: true, config: FILES });
    await forgetLogins(folder);
    server.endAccessTokens();
    const client = httpClient(proxy, { modern: true, capabilities: BY_URL });
    const asked = await client.call('whoami');
    expect(asked.result, JSON.stringify(asked)).toMatchObject({ resultType: 'input_required' });
    const { inputRequests, requestState } = asked.result as {
      inputRequests: Record<string, { params: { url: string } }>;
      requestState: string;
    };
    const [[name, question] = ['', undefined]] = Object.entries(inputRequests);
    const comeBack = (action: string) =>
      client.request('tools/call', {
        name: 'whoami',
        arguments: {},
        requestState,
        inputResponses: { [name]: { action } },
      });
    expect(textOf(await comeBack('decline'))).toContain('switchyard login far');
    const again = comeBack('accept');
    await logIn(question?.params.url ?? '', 'bob');
    expect(textOf(await again)).toBe('whoami: bob');
  });

  test('a client that cannot show addresses hears which command to run, and keeps its tools', async () => {
    const { server, folder } = await loggedOut();
    const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, unready: true });
    await proxy.greet();
    expect(await proxy.toolNames()).toEqual(['whoami', 'write']);
    const answer = await proxy.call('whoami');
    expect(answer.result).toMatchObject({ isError: true });
    expect(failureOf(answer)).toEqual({ code: 'LOGIN_REQUIRED', server: 'far', delivered: false });
  });

  test('a call that needs a wider scope asks for it; others go on with what there is', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: FILES, capabilities: BY_URL },
    );
    const call = proxy.askTool('write');
    const { id, url } = await question(proxy);
    expect(new URL(url).searchParams.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['mcp:read', 'mcp:write']),
    );
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
    accept(proxy, id);
    await logIn(url, 'alice');
    expect(textOf(await proxy.answer(call))).toBe('write: alice');
  });
});

describe('a machine', () => {
  test('logs in by itself, and widens its scope by itself', async () => {
    const clients = [
      {
        client_id: 'robot',
        client_secret: 'a long enough secret of a robot',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        scope: 'mcp:read mcp:write',
      },
    ];
    const server = await protectedServer({ clients });
    const auth = {
      clientId: 'robot',
      clientSecret: 'a long enough secret of a robot',
      grant: 'client-credentials',
    };
    const proxy = await startProxy({ far: { url: server.url, auth } }, { config: FILES });
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: robot');
    expect(textOf(await proxy.call('write'))).toBe('write: robot');
    expect(server.state.grants).toEqual(['client_credentials', 'client_credentials']);
  });

  test('whose secret is wrong says so', async () => {
    const server = await protectedServer({
      clients: [
        {
          client_id: 'robot',
          client_secret: 'right',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
    });
    const auth = { clientId: 'robot', clientSecret: 'wrong', grant: 'client-credentials' };
    const proxy = await startProxy({ far: { url: server.url, auth } }, { config: FILES, unready: true });
    await proxy.greet();
    const { why } = await proxy.logged(({ msg }) => msg === 'the login could not be renewed');
    expect(why).toContain('invalid_client');
  });
});

describe('several people', () => {
  const TOKENS = { alice: 'token-of-alice', bob: 'token-of-bob' };

  test('each have a login of their own, and no inbound token reaches the server (F02)', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    mkdirSync(join(folder, 'state'), { recursive: true });
    await loggedIn(server, join(folder, 'state'), 'alice at work', { who: 'alice' });
    await loggedIn(server, join(folder, 'state'), 'bob at work', { who: 'bob' });
    const proxy = await startProxy(
      { far: { url: server.url, connections: 'per-client' } },
      { folder, http: true, unready: true, config: { ...FILES, http: { tokens: TOKENS } } },
    );
    const alice = await httpClient(proxy, { token: TOKENS.alice }).greet();
    const bob = await httpClient(proxy, { token: TOKENS.bob }).greet();
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all([alice, bob].map((client) => client.call('whoami')));
      expect(answers.map(textOf)).toEqual(['whoami: alice at work', 'whoami: bob at work']);
    }
    const seen = JSON.stringify(server.state.requests);
    for (const token of Object.values(TOKENS)) expect(seen).not.toContain(token);
  });

  test('log in inside their clients, each for themselves', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    const state = join(folder, 'state');
    mkdirSync(state, { recursive: true });
    await loggedIn(server, state, 'alice at work', { who: 'alice' });
    await loggedIn(server, state, 'bob at work', { who: 'bob' });
    const proxy = await startProxy(
      { far: { url: server.url, connections: 'per-client' } },
      { folder, http: true, unready: true, config: { ...FILES, http: { tokens: TOKENS } } },
    );
    const [alice, bob] = [TOKENS.alice, TOKENS.bob].map((token) =>
      httpClient(proxy, { token, modern: true, capabilities: BY_URL }),
    ) as [HttpCaller, HttpCaller];
    expect(textOf(await alice.call('whoami'))).toBe('whoami: alice at work');
    expect(textOf(await bob.call('whoami'))).toBe('whoami: bob at work');
    await forgetLogins(folder);
    server.endAccessTokens();
    const [asked, askedToo] = [await alice.call('whoami'), await bob.call('whoami')].map(
      ({ result }) =>
        result as { inputRequests: { login: { params: { url: string } } }; requestState: string },
    );
    await logIn(asked?.inputRequests.login.params.url ?? '', 'alice at home');
    const again = {
      name: 'whoami',
      arguments: {},
      inputResponses: { login: { action: 'accept' } },
    };
    const answer = await alice.request('tools/call', { ...again, requestState: asked?.requestState });
    expect(textOf(answer)).toBe('whoami: alice at home');
    expect((await bob.call('whoami')).result).toMatchObject({ resultType: 'input_required' });
    await logIn(askedToo?.inputRequests.login.params.url ?? '', 'bob at home');
    expect(textOf(await bob.call('whoami'))).toBe('whoami: bob at home');
    expect(textOf(await alice.call('whoami'))).toBe('whoami: alice at home');
  });

  test('of one connection are not asked to log in for each other', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'), 'the office');
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, http: true, unready: true, config: { ...FILES, http: { tokens: TOKENS } } },
    );
    const bob = httpClient(proxy, { token: TOKENS.bob, modern: true, capabilities: BY_URL });
    expect(textOf(await bob.call('whoami'))).toBe('whoami: the office');
    await forgetLogins(folder);
    server.endAccessTokens();
    expect(failureOf(await bob.call('whoami'))).toMatchObject({ code: 'LOGIN_REQUIRED' });
  });

  test('who is not logged in does not get the login of another', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, join(folder, 'state'), 'alice at work', { who: 'alice' });
    const proxy = await startProxy(
      { far: { url: server.url, connections: 'per-client' } },
      { folder, http: true, unready: true, config: { ...FILES, http: { tokens: TOKENS } } },
    );
    const alice = await httpClient(proxy, { token: TOKENS.alice }).greet();
    expect(textOf(await alice.call('whoami'))).toBe('whoami: alice at work');
    const bob = await httpClient(proxy, { token: TOKENS.bob }).greet();
    expect(await bob.status('far')).toMatchObject({
      login: { state: 'login required', command: 'switchyard login far --client bob' },
    });
    expect(textOf(await bob.call('whoami'))).not.toContain('alice');
  });
});

/** What a server offers is known to this client from an earlier run, and the login is gone. */
async function loggedOut(capabilities: Entry = {}) {
  const server = await protectedServer();
  const folder = temporaryFolder('case');
  await loggedIn(server, join(folder, 'state'));
  const proxy = await startProxy({ far: { url: server.url } }, { folder, config: FILES, capabilities });
  await proxy.toolNames();
  await proxy.stop();
  await forgetLogins(folder);
  return { server, folder };
}

async function forgetLogins(folder: string): Promise<void> {
  const store = storeIn(join(folder, 'state'));
  for (const name of readdirSync(join(folder, 'state', 'logins')))
    await store.remove(name.replace('.json', ''));
}

function stored(folder: string): { registration: { clientId: string }; secrets: Record<string, string> } {
  const [name = ''] = readdirSync(join(folder, 'state', 'logins'));
  return JSON.parse(readFileSync(join(folder, 'state', 'logins', name), 'utf8')) as ReturnType<typeof stored>;
}

/** As the user would at the authorization server's own page. */
async function revoke(issuer: string, clientId: string, token: string): Promise<void> {
  await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: clientId, token_type_hint: 'refresh_token' }),
  });
}
