/** What the command line tells of a proxy that runs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../harness/until.ts';
import { runCli, startCli } from './run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const FIXTURE = join(import.meta.dirname, '../fixtures/faults/stdio.mjs');
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;

let folder: string;
let config: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder('running');
  config = writeConfig('switchyard.json', {});
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => end(child)));
});

function writeConfig(name: string, more: object): string {
  const file = join(folder, name);
  const mcpServers = {
    good: { command: process.execPath, args: [FIXTURE, '{}'], env: { API_KEY: 'planted-secret-1' } },
  };
  writeFileSync(file, JSON.stringify({ mcpServers, stateDir: join(folder, 'state'), ...more }));
  return file;
}

/** Over stdio, as inside a client; found once its door is open. */
async function proxy(...args: string[]): Promise<ChildProcess> {
  const child = startCli(['serve', '--config', config, ...args], { cwd: folder });
  started.push(child);
  child.stdout?.resume();
  child.stderr?.resume();
  const file = join(folder, 'state', 'run', `${child.pid}.json`);
  await until('its door', () => existsSync(file));
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

const run = (...args: string[]) => runCli([...args, '--config', config], { cwd: folder });

describe('switchyard status', () => {
  test('shows a proxy inside a client: its servers, their state, calls and memory', async () => {
    const { pid, stdin } = await proxy();
    const hello = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'Cursor', version: '1' },
    };
    for (const message of [
      { id: 1, method: 'initialize', params: hello },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } },
    ])
      stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    await until('the call to be counted', async () =>
      (await run('status', '--json')).stdout.includes('"calls": 1'),
    );

    const { code, stdout } = await run('status', '--json');

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        pid,
        serves: 'stdio',
        clients: [{ name: 'Cursor' }],
        servers: [{ server: 'good', state: 'ready', calls: 1, errors: 0, breaker: { state: 'closed' } }],
      },
    ]);
    const [{ servers }] = JSON.parse(stdout) as [{ servers: [{ memoryBytes: number }] }];
    expect(servers[0].memoryBytes).toBeGreaterThan(10_000_000);
  });

  test('says so and exits 1 where none runs, and for another config than the running one', async () => {
    await proxy();
    const { code, stderr } = await runCli(['status', '--config', writeConfig('other.json', {})], {
      cwd: folder,
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('No proxy runs for this config.') as string,
    });
  });

  test('shows every proxy of the config, and none that was killed, whose files it takes away', async () => {
    const [one, other] = [await proxy(), await proxy('--http', '0')];
    await end(one, 'SIGKILL');
    const { stdout } = await run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ pid: other.pid, serves: 'http' }]);
    expect(readdirSync(join(folder, 'state', 'run')).sort()).toEqual([
      `${other.pid}.json`,
      `${other.pid}.sock`,
    ]);
  });

  test('tells of one that hangs, and of the others all the same', async () => {
    const [hanging, other] = [await proxy(), await proxy()];
    hanging.kill('SIGSTOP');
    try {
      const { stdout } = await run('status', '--json');
      expect(JSON.parse(stdout)).toMatchObject([
        { pid: hanging.pid, trouble: 'the proxy does not answer' },
        { pid: other.pid, servers: [{ server: 'good' }] },
      ]);
    } finally {
      hanging.kill('SIGCONT');
    }
  });

  test('asks a proxy that serves HTTP by its URL, with a token where it wants one', async () => {
    config = writeConfig('http.json', { http: { tokens: { alice: 'token-of-alice' } } });
    const { pid } = await proxy('--http', '0');
    const { url } = JSON.parse(readFileSync(join(folder, 'state', 'run', `${pid}.json`), 'utf8')) as {
      url: string;
    };

    const without = await runCli(['status', '--url', url], { cwd: folder });
    const env = { SWITCHYARD_TOKEN: 'token-of-alice' };
    const withToken = await runCli(['status', '--json', '--url', url], { cwd: folder, env });

    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('SWITCHYARD_TOKEN') as string });
    expect(JSON.parse(withToken.stdout)).toMatchObject([{ url, servers: [{ server: 'good' }] }]);
  });

  test('leaves the files of a proxy that ended well to nobody', async () => {
    await end(await proxy());
    expect(readdirSync(join(folder, 'state', 'run'))).toEqual([]);
  });

  test('is reached through what only its user may open', async () => {
    const { pid } = await proxy();
    const mode = (name: string): number => statSync(join(folder, 'state', 'run', name)).mode & 0o777;
    expect([mode('.'), mode(`${pid}.json`), mode(`${pid}.sock`)]).toEqual([0o700, 0o600, 0o600]);
  });

  test.skipIf(!HAS_SCRIPT)(
    'is drawn live in a terminal, and leaves it as it was on Ctrl-C (needs "script" of util-linux)',
    async () => {
      await proxy();
      const cli = join(import.meta.dirname, '../../dist/cli.js');
      const command = `stty cols 60 rows 12; "${process.execPath}" "${cli}" status --watch --config "${config}"; echo "code $?"`;
      const terminal = spawn('script', ['-qec', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1' },
      });
      let seen = '';
      terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      const exited = once(terminal, 'exit');
      // The second picture shows that it is drawn again.
      await until('a second picture', () => seen.split('SERVER').length > 2);
      terminal.stdin.write('\u0003');
      await exited;

      expect(seen).toContain('\u001b[?1049h');
      expect(seen.slice(seen.lastIndexOf('\u001b[?25h\u001b[?1049l'))).toContain('code 0');
      const lines = seen
        .split(/\r\n|\u001b\[H/)
        .map((line) => line.replaceAll(/\u001b\[[?\d]*[A-Za-z]/g, ''));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
      expect(seen).not.toContain('\u001b[3');
    },
  );
});

describe('switchyard logs', () => {
  test('prints what the proxy logged and what a server says on stderr, though the log is not that fine', async () => {
    await proxy('--http', '0');
    await until('the server', async () => (await run('logs')).stdout.includes('is ready'));
    const { code, stdout } = await run('logs', 'good', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ level: 'info', server: 'good', msg: 'downstream server is ready' }),
    );
    expect(await run('logs', 'goood')).toMatchObject({
      code: 2,
      stderr: 'There is no server "goood". Did you mean good?\n',
    });
  });

  test('follows the log as it goes on, and ends with Ctrl-C', async () => {
    await proxy('--http', '0');
    const following = startCli(['logs', '--follow', '--config', config], { cwd: folder });
    let seen = '';
    following.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await until('the server', () => seen.includes('is ready'));
    writeConfig('switchyard.json', { log: { level: 'debug' } });
    await until('the reload', () => seen.includes('the config was read again'));
    const exited = once(following, 'exit');
    following.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });
});
