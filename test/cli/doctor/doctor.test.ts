/** `switchyard doctor` as its user runs it, on machines where something is wrong. */
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../harness/until.ts';
import { runCli, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000 });

const FIXTURE = join(import.meta.dirname, '../../fixtures/faults/stdio.mjs');

let folder: string;
let config: string;
let state: string;

beforeEach(() => {
  folder = temporaryFolder('doctor');
  config = join(folder, 'switchyard.json');
  state = join(folder, 'state');
});

const server = (options: object = {}): object => ({
  command: process.execPath,
  args: [FIXTURE, JSON.stringify(options)],
});

function write(mcpServers: object): void {
  writeFileSync(config, JSON.stringify({ mcpServers, stateDir: state }));
}

/** It has a child on record. */
function recorded(file: string): boolean {
  return readFileSync(file, 'utf8').includes('"children":[{');
}

interface Answer {
  readonly code: number | null;
  readonly text: string;
  readonly findings: readonly {
    severity: string;
    what: string;
    cause: string;
    remedy: string;
    fixed: boolean;
  }[];
}

async function doctor(...args: string[]): Promise<Answer> {
  const { code, stdout } = await runCli(['doctor', '--json', ...args], { cwd: folder });
  const { findings } = JSON.parse(stdout) as Pick<Answer, 'findings'>;
  return { code, text: stdout, findings };
}

test('starts local servers, and finds nothing where nothing is wrong', async () => {
  write({ a: server({ journal: join(folder, 'journal') }) });
  expect(await runCli(['doctor'], { cwd: folder })).toEqual({
    code: 0,
    stdout: 'Nothing is wrong.\n',
    stderr: '',
  });
  expect(readFileSync(join(folder, 'journal'), 'utf8')).toContain('start');
});

test.each(['http://bob:50%off@127.0.0.1:9/mcp', 'http://%@127.0.0.1:9/mcp', 'ws://bob:p%zz@127.0.0.1:9/x'])(
  'a server whose address holds a stray percent sign is one that cannot be reached: %s',
  async (url) => {
    write({ bad: { url }, a: server() });
    const { findings } = await doctor();
    expect(findings.map(({ what }) => what)).toEqual(['bad: cannot be reached']);
    const { stdout } = await runCli(['list'], { cwd: folder });
    expect(stdout).toContain('a__');
  },
);

test('with --no-start it starts nothing, and says that it does not know', async () => {
  write({ a: server({ journal: join(folder, 'journal') }), b: server() });
  const { code, stdout } = await runCli(['doctor', '--no-start'], { cwd: folder });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      '2 local servers were not started (--no-start): whether they work is not known.\nNothing is wrong in what was looked at.\n',
  });
  expect(readdirSync(folder)).toEqual(['switchyard.json']);
});

test('names local servers that do not start, that end, and that stay silent, with what they said', async () => {
  const silent = ['-e', 'process.stderr.write("Password: "); setInterval(() => {}, 1000)'];
  write({
    good: server(),
    fails: { command: process.execPath, args: ['-e', 'console.error("no API key"); process.exit(2)'] },
    silent: { command: process.execPath, args: silent, connectTimeoutMs: 1500 },
    blanks: { command: 'node /x/server.mjs' },
  });
  const { code, findings } = await doctor();
  expect(code).toBe(1);
  const cause = (of: string): string | undefined =>
    findings.find(({ what }) => what.startsWith(`${of}: `))?.cause;
  expect(cause('good')).toBeUndefined();
  expect(cause('fails')).toContain('no API key');
  expect(cause('silent')).toContain('It said last: Password: It waits for an answer');
  expect(findings.filter(({ what }) => what.startsWith('blanks: '))).toHaveLength(1);
});

test('names every problem of the config, variables that are not set, and a config that is missing', async () => {
  expect((await doctor()).findings).toMatchObject([{ what: 'no config', remedy: 'switchyard init' }]);
  write({ a: { command: 'node', args: ['${NOT_SET_1}'] }, b: { command: 'node', argz: [] } });
  const { code, text, findings } = await doctor();
  expect([code, findings.length]).toEqual([1, 2]);
  expect(text).toContain('NOT_SET_1');
  expect(text).toContain('argz');
});

test('names commands that are not there, and working folders', async () => {
  write({
    gone: { command: 'no-such-program-xyz' },
    path: { command: '/nowhere/x' },
    place: { ...server(), cwd: join(folder, 'none') },
    off: { command: 'no-such-program-abc', disabled: true },
  });
  const { code, findings } = await doctor();
  expect(code).toBe(1);
  expect(findings.map(({ what }) => what)).toEqual([
    'gone: the command "no-such-program-xyz" was not found',
    'path: the command "/nowhere/x" was not found',
    'place: its working folder does not exist',
  ]);
});

test('tells how a command with blanks is written, and shows nothing of its arguments', async () => {
  write({ a: { command: 'node /x/server.mjs --key s3cr3t-word' } });
  const { text, findings } = await doctor();
  expect(findings).toMatchObject([
    {
      what: 'a: the command was not found',
      remedy: 'its command holds blanks: put the program ("node") into command and the rest into args',
    },
  ]);
  expect(text).not.toContain('s3cr3t');
});

test('names secrets in plain text without showing them', async () => {
  write({ a: { ...server(), env: { API_KEY: 'planted-secret-9', LEVEL: 'something-else' } } });
  const { code, text } = await doctor();
  expect(code).toBe(0);
  expect(text).toContain('a.API_KEY');
  expect(text).not.toContain('LEVEL');
  expect(text).not.toContain('planted-secret-9');
});

test('finds what dead proxies left, and with --fix mends the state folder', async () => {
  write({ good: server({ ignoreEof: true, ignoreTerm: true }) });
  const proxy = startCli(['serve', '--http', '0', '--config', config], { cwd: folder });
  proxy.stdout?.resume();
  let said = '';
  proxy.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('the server', () => said.includes('is ready'));
  // Whatever it writes about itself, and about its server.
  for (const place of ['run', 'snapshot', 'processes'])
    await until(place, () => {
      const names = existsSync(join(state, place)) ? readdirSync(join(state, place)) : [];
      const whole = names.filter((name) => name.endsWith('.json'));
      return whole.some((name) => place !== 'processes' || recorded(join(state, place, name)));
    });
  const killed = once(proxy, 'exit');
  proxy.kill('SIGKILL');
  await killed;
  for (const name of readdirSync(join(state, 'snapshot')))
    writeFileSync(join(state, 'snapshot', name), 'damaged');
  chmodSync(state, 0o755);
  const parts = [
    'other users of this machine may open',
    'files of proxies that do not run any more',
    'processes of servers were left behind',
    'files of the snapshot do not count',
  ];

  // A server that is tried would tell anew what the snapshot has lost.
  const found = await doctor('--no-start');
  for (const part of parts) expect(found.text).toContain(part);
  expect(found.findings.every(({ fixed }) => !fixed)).toBe(true);

  const mended = await doctor('--fix');
  expect(mended.code).toBe(0);
  expect(mended.findings.map(({ what, fixed }) => ({ what, fixed }))).toEqual(
    found.findings.map(({ what }) => ({ what, fixed: true })),
  );
  expect(statSync(state).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(state, 'snapshot')).filter((name) => name.endsWith('.json'))).not.toEqual([]);
  expect((await doctor()).findings).toEqual([]);
});

test('tells remote servers that cannot be reached from those that need a login', async () => {
  const remote = createServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  }).listen(0, '127.0.0.1');
  await once(remote, 'listening');
  const { port } = remote.address() as AddressInfo;
  try {
    write({
      login: { type: 'http', url: `http://127.0.0.1:${port}/mcp` },
      gone: { type: 'http', url: 'http://127.0.0.1:1/mcp' },
    });
    const { code, findings } = await doctor();
    expect(code).toBe(1);
    expect(findings).toMatchObject([
      { what: 'login: needs a login', remedy: 'switchyard login login' },
      { what: 'gone: cannot be reached' },
    ]);
  } finally {
    remote.close();
    remote.closeAllConnections();
  }
});

test('tells of more tools than some clients take, by what the servers told before', async () => {
  write({ many: server({ count: 130 }) });
  await runCli(['list', '--config', config], { cwd: folder });
  const { code, text } = await doctor();
  expect(code).toBe(0);
  expect(text).toContain('130 tools are served, and some clients (VS Code) take 128');
});

/** @returns the port, taken until the test ends. */
async function taken(): Promise<number> {
  const other = createTcpServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  return (other.address() as AddressInfo).port;
}

describe('with --http', () => {
  test('says that the port is in use, and nothing once it is free', async () => {
    write({ a: server() });
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, findings } = await doctor('--http', String(port));
    expect(code).toBe(1);
    expect(findings).toMatchObject([
      {
        severity: 'error',
        what: `port ${port} on 127.0.0.1 is in use`,
        cause: 'another program listens there',
      },
    ]);
    other.close();
    await once(other, 'close');
    expect(await doctor('--http', String(port))).toMatchObject({ code: 0, findings: [] });
  });

  test('does not mind the proxy that serves this config there, and names one that serves another', async () => {
    write({ a: server() });
    const proxy = startCli(['serve', '--http', '0', '--config', config], { cwd: folder });
    onTestFinished(() => void proxy.kill('SIGTERM'));
    let said = '';
    proxy.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const port = await until('it to listen', () => /^listening \S+:(\d+)\/mcp$/m.exec(said)?.[1]);
    const running = join(state, 'run', `${proxy.pid}.json`);
    await until('its run file', () => existsSync(running));
    expect((await doctor('--http', port)).findings).toEqual([]);
    const other = join(folder, 'other.json');
    writeFileSync(other, JSON.stringify({ mcpServers: { b: server() }, stateDir: state }));
    const { findings } = await doctor('--http', port, '--config', other);
    expect(findings).toMatchObject([{ what: `port ${port} on 127.0.0.1 is in use` }]);
    expect(findings[0]?.cause).toContain(`the Switchyard with pid ${proxy.pid} serves ${config} there`);
    proxy.kill('SIGTERM');
    await once(proxy, 'exit');
  });

  test('says that nothing is served beyond loopback without tokens, and what is no address of this machine', async () => {
    write({ a: server() });
    expect((await doctor('--http', '0.0.0.0:0')).findings).toMatchObject([
      { severity: 'error', what: 'nothing would be served on 0.0.0.0:0' },
    ]);
    const { findings } = await doctor('--http', '192.0.2.1:8080');
    expect(findings.map(({ what }) => what)).toContain('nothing can listen on 192.0.2.1:8080');
    expect(await runCli(['doctor', '--http', 'x:y'], { cwd: folder })).toMatchObject({ code: 2 });
  });
});

test('names a server whose logins could not come back, since the port of its auth.redirectUri is taken', async () => {
  const port = await taken();
  const far = { url: 'http://127.0.0.1:1/mcp', auth: { redirectUri: `http://127.0.0.1:${port}/callback` } };
  write({ far });
  expect((await doctor()).findings).toContainEqual(
    expect.objectContaining({
      severity: 'warning',
      what: `far: a login could not come back to ${far.auth.redirectUri}`,
      cause: `another program listens on port ${port}`,
    }),
  );
});
