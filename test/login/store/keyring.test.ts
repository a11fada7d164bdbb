/** Logins in a real keyring (GNOME's, on a bus of its own), and without one. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startProxy, textOf } from '../../harness/proxy.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';
import { until } from '../../harness/until.ts';
import { runCli, startCli } from '../../cli/run-cli.ts';
import { logIn } from '../../fixtures/login/person.ts';
import { protectedServer } from '../machine-user.ts';

vi.setConfig({ testTimeout: 30_000 });

type Env = Readonly<Record<string, string>>;

const missing = ['dbus-daemon', 'gnome-keyring-daemon'].find(
  (name) => spawnSync(name, ['--version']).status !== 0,
);

describe('where there is a keyring', () => {
  test('tokens lie in it and in no file, through renewals, until the logout', async (context) => {
    context.skip(missing !== undefined, `no ${missing} is on the PATH`);
    const env = await openKeyring();
    const server = await protectedServer();
    const { folder, config, file } = await loggedInWithDefaults(server.url, env);
    const proxy = await startProxy({ far: { url: server.url } }, { folder, env });
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
    server.endAccessTokens();
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
    const tokens = new Set(server.state.requests.flatMap(({ token }) => token ?? []));
    expect(tokens.size).toBe(2);
    for (const token of tokens) expect(readFileSync(file, 'utf8')).not.toContain(token);
    expect(await secretIn(file, env)).toContain(server.state.requests.at(-1)?.token);
    await proxy.stop();
    expect(await keyringFindings(config, env)).toEqual([]);
    expect(await keyringFindings(config, NO_KEYRING)).toMatchObject([
      {
        severity: 'error',
        what: 'far: its login lies in the keyring and cannot be read',
        cause: expect.stringContaining('the keyring of this system cannot be used'),
      },
    ]);
    const out = await runCli(['logout', 'far', '--config', config], { env });
    expect(out).toMatchObject({ code: 0, stdout: 'Logged out of far.\n' });
    expect(await secretIn(file, env)).toBe('null');
  });
});

describe('where there is none', () => {
  test('they lie in a file that only its owner can read', async () => {
    const env = NO_KEYRING;
    const server = await protectedServer();
    const { folder, file } = await loggedInWithDefaults(server.url, env);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const proxy = await startProxy({ far: { url: server.url } }, { folder, env });
    expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
    expect(readFileSync(file, 'utf8')).toContain(server.state.requests.at(-1)?.token);
  });
});

describe('the doctor', () => {
  const entry = (more: object): object => ({ far: { url: 'http://127.0.0.1:1/mcp', ...more } });

  test('warns of a keyring that cannot be used where logins are configured, unless files are wanted', async () => {
    const configOf = (whole: object): string => {
      const config = join(temporaryFolder('case'), 'switchyard.json');
      writeFileSync(config, JSON.stringify({ stateDir: join(config, '../state'), ...whole }));
      return config;
    };
    const mcpServers = entry({ auth: { clientId: 'mine' } });
    const found = await keyringFindings(configOf({ mcpServers }), NO_KEYRING);
    expect(found).toMatchObject([{ severity: 'warning' }]);
    expect(found[0]?.remedy).toContain('set tokenStorage to "file"');
    expect(await keyringFindings(configOf({ mcpServers, tokenStorage: 'file' }), NO_KEYRING)).toEqual([]);
    expect(await keyringFindings(configOf({ mcpServers: entry({}) }), NO_KEYRING)).toEqual([]);
  });
});

const NO_KEYRING = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' };

interface Finding {
  readonly severity: string;
  readonly what: string;
  readonly cause: string;
  readonly remedy: string;
}

/** What the doctor says of the keyring. */
async function keyringFindings(config: string, env: Env): Promise<Finding[]> {
  const { stdout } = await runCli(['doctor', '--json', '--config', config], { env });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.filter(({ what, cause }) => `${what} ${cause}`.includes('keyring'));
}

/** One that is open, until the test ends. @returns what processes need to find it. */
async function openKeyring(): Promise<Env> {
  const folder = temporaryFolder('case');
  const run = join(folder, 'run');
  mkdirSync(run, { mode: 0o700 });
  const found = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(run, 'bus')}` };
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: run, ...found };
  const children: ChildProcess[] = [];
  onTestFinished(() => children.reverse().forEach((child) => child.kill('SIGKILL')));
  // Not the usual one, which would start another, locked keyring for whoever is too early.
  const busConfig = join(folder, 'bus.xml');
  writeFileSync(
    busConfig,
    `<busconfig><type>session</type><listen>${found.DBUS_SESSION_BUS_ADDRESS}</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  const bus = ['--nofork', `--config-file=${busConfig}`];
  children.push(spawn('dbus-daemon', bus, { env, stdio: 'ignore' }));
  await until('the bus', () => readdirSync(run).includes('bus'));
  const args = ['--foreground', '--unlock', '--components=secrets'];
  const daemon = spawn('gnome-keyring-daemon', args, { env, stdio: ['pipe', 'ignore', 'ignore'] });
  children.push(daemon);
  daemon.stdin.end('a password');
  await until('the keyring', () => inKeyring('anybody', "setPassword('x')", found), 15_000);
  return found;
}

async function loggedInWithDefaults(url: string, env: Env) {
  const folder = temporaryFolder('case');
  const config = join(folder, 'switchyard.json');
  const stateDir = join(folder, 'state');
  writeFileSync(config, JSON.stringify({ stateDir, mcpServers: { far: { url } } }));
  const child = startCli(['login', 'far', '--no-browser', '--config', config], { env });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const address = /^ {2}(http\S+)$/.exec(line)?.[1];
    if (address !== undefined) await logIn(address);
  }
  const [name = ''] = readdirSync(join(stateDir, 'logins'));
  return { folder, config, file: join(stateDir, 'logins', name) };
}

function secretIn(file: string, env: Env): Promise<string | undefined> {
  return inKeyring(/([^/]+)\.json$/.exec(file)?.[1] ?? '', 'getPassword()', env);
}

/** In a process of its own: one keeps the first bus that it has found. */
async function inKeyring(account: string, what: string, env: Env): Promise<string | undefined> {
  const script = `
    const { Entry } = require(${JSON.stringify(createRequire(import.meta.url).resolve('@napi-rs/keyring'))});
    const entry = new Entry('switchyard', ${JSON.stringify(account)}, { linux: { store: 'secret-service' } });
    process.stdout.write(String(entry.${what}));
  `;
  const run = promisify(execFile)(process.execPath, ['-e', script], { env: { ...env } });
  return run.then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
