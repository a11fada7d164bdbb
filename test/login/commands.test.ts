/** `switchyard login` and `logout`, as a person runs them in a terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, describe, expect, test, vi } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { deadPort } from '../fixtures/http/servers.ts';
import { logIn, redirectOf } from '../fixtures/login/person.ts';
import { loggedIn, protectedServer } from './machine-user.ts';

vi.setConfig({ testTimeout: 20_000 });

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly exited: Promise<number>;
}

function command(folder: string, args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [CLI, ...args, '--config', join(folder, 'switchyard.json')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number);
  return { child, out: () => out, err: () => err, exited };
}

function configured(url: string, rest: object = {}): string {
  const folder = temporaryFolder('case');
  mkdirSync(join(folder, 'state'));
  const config = {
    stateDir: join(folder, 'state'),
    tokenStorage: 'file',
    mcpServers: { far: { url } },
    ...rest,
  };
  writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(config));
  return folder;
}

function addressIn(run: Run): Promise<string> {
  return until('an address to open', () => /^ {2}(http\S+)$/m.exec(run.err())?.[1], 10_000, run.err);
}

describe('switchyard login', () => {
  test('waits for the browser, and says until when the login lasts', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    const run = command(folder, ['login', 'far', '--no-browser']);
    await logIn(await addressIn(run), 'carol');
    expect(await run.exited).toBe(0);
    expect(run.out()).toMatch(/^Logged in to far, renewed by itself \(next 20\d\d-/);
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: { tokenStorage: 'file' } },
    );
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: carol');
  });

  test('opens the browser with the address', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    const program = join(folder, 'browser.mjs');
    const seen = join(folder, 'seen');
    writeFileSync(
      program,
      `#!${process.execPath}\nimport { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(seen)}, process.argv[2]);\n`,
      { mode: 0o755 },
    );
    const run = command(folder, ['login', 'far', '--json'], { BROWSER: program });
    const address = await addressIn(run);
    await until('the browser', () => readdirSync(folder).includes('seen'));
    await logIn(address);
    expect(await run.exited).toBe(0);
    expect(JSON.parse(run.out())).toMatchObject({ server: 'far', client: '', loggedIn: true, renews: true });
  });

  test('takes the address that a browser on another machine ended at', async () => {
    const server = await protectedServer();
    const run = command(configured(server.url), ['login', 'far', '--no-browser']);
    const end = await redirectOf(await addressIn(run));
    run.child.stdin?.write('http://127.0.0.1:1/callback?code=x&state=wrong\n');
    await until('a remark', () => run.err().includes('not the address that this login ends at'));
    run.child.stdin?.write(`${end}\n`);
    expect(await run.exited).toBe(0);
  });

  test('turns away answers with a wrong state, and takes the right one only once', async () => {
    const server = await protectedServer();
    const run = command(configured(server.url), ['login', 'far', '--no-browser']);
    const end = new URL(await redirectOf(await addressIn(run)));
    const forged = new URL(end);
    forged.searchParams.set('state', 'x'.repeat(43));
    expect((await fetch(forged)).status).toBe(400);
    const answers = await Promise.allSettled([fetch(end), fetch(end)]);
    const statuses = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.status : 0));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(await run.exited).toBe(0);
    expect(server.state.grants).toEqual(['authorization_code']);
  });

  test('says why the authorization server refused', async () => {
    const server = await protectedServer();
    const run = command(configured(server.url), ['login', 'far', '--no-browser']);
    const address = new URL(await addressIn(run));
    const end = new URL(address.searchParams.get('redirect_uri') ?? '');
    end.search = String(
      new URLSearchParams({
        error: 'access_denied',
        error_description: '<b>no</b>',
        iss: server.issuer,
        state: address.searchParams.get('state') ?? '',
      }),
    );
    const page = await fetch(end);
    expect(page.status).toBe(400);
    expect(await page.text()).not.toContain('<b>');
    expect(await run.exited).toBe(1);
    expect(run.err()).toContain('access_denied');
  });

  test('refuses an answer that another authorization server signed with its name', async () => {
    const server = await protectedServer();
    const run = command(configured(server.url), ['login', 'far', '--no-browser']);
    const end = new URL(await redirectOf(await addressIn(run)));
    end.searchParams.set('iss', 'https://evil.example.com');
    expect((await fetch(end)).status).toBe(400);
    expect(await run.exited).toBe(1);
    expect(server.state.grants).toEqual([]);
  });

  test('uses a client registered beforehand, at the redirect address that it was registered with', async () => {
    const redirectUri = `http://localhost:${await deadPort()}/mcp/done`;
    const client = {
      client_id: 'ours',
      client_secret: 'a secret of ours',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      application_type: 'native',
    };
    const server = await protectedServer({ clients: [client], registration: false });
    const auth = { clientId: 'ours', clientSecret: 'a secret of ours', redirectUri };
    const folder = configured(server.url, { mcpServers: { far: { url: server.url, auth } } });
    const run = command(folder, ['login', 'far', '--no-browser']);
    await logIn(await addressIn(run));
    expect(await run.exited).toBe(0);
    expect(run.err()).not.toContain('a secret of ours');
  });

  test('asks for a wider scope where it is told to, as the refused call says', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: { tokenStorage: 'file' } },
    );
    expect(textOf(await proxy.call('write'))).toMatch(/Run: switchyard login far --scope mcp:write$/);
    const run = command(folder, ['login', 'far', '--scope', 'mcp:write', '--no-browser']);
    await logIn(await addressIn(run));
    expect(await run.exited).toBe(0);
    await until(
      'the wider login to be taken up',
      async () => textOf(await proxy.call('write')) === 'write: alice',
    );
  });

  test('without a name shows who is logged in where, and no token', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    await loggedIn(server, join(folder, 'state'));
    const run = command(folder, ['login', '--json']);
    expect(await run.exited).toBe(0);
    expect(JSON.parse(run.out())).toMatchObject([
      { url: server.url, who: '', loggedIn: true, renewable: true },
    ]);
    expect(run.out()).not.toMatch(/token/i);
  });

  test('of a server that is none, or takes none, is wrong use', async () => {
    const folder = configured('http://127.0.0.1:9/mcp', {
      mcpServers: {
        local: { command: 'x' },
        keyed: { url: 'http://127.0.0.1:9/mcp', headers: { Authorization: 'Bearer x' } },
      },
    });
    for (const [name, says] of [
      ['lokal', 'Did you mean local?'],
      ['local', 'takes no login'],
      ['keyed', 'takes no login'],
    ] as const) {
      const run = command(folder, ['login', name]);
      expect(await run.exited).toBe(2);
      expect(run.err()).toContain(says);
    }
  });
});

describe('switchyard status', () => {
  test('shows until when somebody is logged in and what to run where nobody is; no token', async () => {
    const [here, there] = [await protectedServer(), await protectedServer()];
    const servers = { far: { url: here.url }, farther: { url: there.url } };
    const folder = configured(here.url, { mcpServers: servers });
    await loggedIn(here, join(folder, 'state'));
    const proxy = await startProxy(servers, { folder, config: { tokenStorage: 'file' }, unready: true });
    await proxy.greet();
    await proxy.logged(({ msg }) => msg === 'a login is required');
    expect(textOf(await proxy.call('far__whoami'))).toBe('whoami: alice');
    const run = command(folder, ['status']);
    expect(await run.exited).toBe(0);
    expect(run.out()).toMatch(/^far .* renewed 20\d\d-\d\d-\d\d \d\d:\d\d/m);
    expect(run.out()).toMatch(/^farther .* required/m);
    expect(run.out()).toMatch(/^farther: .* Run: switchyard login farther$/m);
    expect(run.out()).not.toContain(here.state.requests.at(-1)?.token);
  });

  test('shows every client’s login to who runs the proxy, and each client only its own', async () => {
    const server = await protectedServer();
    const tokens = { alice: 'token-of-alice', bob: 'token-of-bob' };
    const servers = { far: { url: server.url, connections: 'per-client' } };
    const config = { tokenStorage: 'file', http: { tokens } };
    const folder = configured(server.url, { mcpServers: servers, ...config });
    await loggedIn(server, join(folder, 'state'), 'alice at work', { who: 'alice' });
    const proxy = await startProxy(servers, { folder, http: true, unready: true, config });
    const alice = await httpClient(proxy, { token: tokens.alice }).greet();
    const bob = await httpClient(proxy, { token: tokens.bob }).greet();
    expect(textOf(await alice.call('whoami'))).toBe('whoami: alice at work');
    expect(await bob.status('far')).toMatchObject({ login: { client: 'bob', state: 'login required' } });
    const run = command(folder, ['status', '--json']);
    expect(await run.exited).toBe(0);
    expect(run.out()).not.toContain(server.state.requests.at(-1)?.token);
    expect(JSON.parse(run.out())).toMatchObject([
      {
        servers: [
          {
            logins: [
              { client: 'alice', state: 'logged in', renews: true },
              {
                client: 'bob',
                state: 'login required',
                command: 'switchyard login far --client bob',
              },
            ],
          },
        ],
      },
    ]);
    expect(JSON.stringify(await alice.status('far'))).not.toContain('bob');
  });
});

describe('switchyard doctor', () => {
  test('shows until when somebody is logged in, and no token', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    await loggedIn(server, join(folder, 'state'));
    const run = command(folder, ['doctor']);
    await run.exited;
    expect(run.out()).toMatch(/^login: \w+: renewed by itself \(next 20\d\d-/m);
    const [name = ''] = readdirSync(join(folder, 'state', 'logins'));
    const { secrets } = JSON.parse(readFileSync(join(folder, 'state', 'logins', name), 'utf8')) as {
      secrets: Record<string, string>;
    };
    for (const secret of Object.values(secrets)) expect(run.out()).not.toContain(secret);
    const json = command(folder, ['doctor', '--json']);
    await json.exited;
    expect(JSON.parse(json.out())).toMatchObject({ logins: [{ url: server.url, loggedIn: true }] });
  });
});

describe('switchyard logout', () => {
  test('forgets the login where the authorization server cannot be told, and says so', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    await loggedIn(server, join(folder, 'state'));
    await server.close();
    const run = command(folder, ['logout', 'far']);
    expect(await run.exited).toBe(0);
    expect(run.err()).toContain('could not be told');
    expect(run.out()).toContain('run out at their own time');
    expect(readdirSync(join(folder, 'state', 'logins'))).toEqual([]);
  });

  test('revokes the tokens and forgets them; a running proxy is logged out too', async () => {
    const server = await protectedServer();
    const folder = configured(server.url);
    await loggedIn(server, join(folder, 'state'));
    const proxy = await startProxy(
      { far: { url: server.url } },
      { folder, config: { tokenStorage: 'file' } },
    );
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
    const run = command(folder, ['logout', 'far']);
    expect(await run.exited).toBe(0);
    expect(run.out()).toBe('Logged out of far.\n');
    const authorization = `Bearer ${server.state.requests.at(-1)?.token}`;
    expect((await fetch(server.url, { method: 'POST', headers: { authorization } })).status).toBe(401);
    expect(readdirSync(join(folder, 'state', 'logins'))).toEqual([]);
    expect(textOf(await proxy.call('whoami'))).toContain('switchyard login far');
    const again = command(folder, ['logout', 'far']);
    expect(await again.exited).toBe(0);
    expect(again.err()).toContain('Nobody was logged in');
  });
});
