/** Our own config changed by commands. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../harness/until.ts';
import { runCli, type Said } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 20_000 });

const CLI = join(import.meta.dirname, '../../../dist/cli.js');
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;

let home: string;
let file: string;
beforeEach(() => {
  home = temporaryFolder('add');
  file = join(home, '.config', 'switchyard', 'switchyard.json');
});

const CONNECTING = new Set(['add', 'import', 'install']);
/** Without starting what it takes: none of it is there. */
const cli = (name = '', ...args: string[]): Promise<Said> =>
  runCli(CONNECTING.has(name) ? [name, '--no-check', ...args] : [name, ...args], { cwd: home });
const servers = (): unknown => (JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: unknown }).mcpServers;

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe('switchyard add', () => {
  test('makes the config where there is none, and adds commands and addresses', async () => {
    expect(
      await cli('add', 'memory', '--env', 'A=b=c', '--cwd', '/tmp', '--', 'npx', '-y', 'server-memory'),
    ).toMatchObject({ code: 0 });
    await cli(
      'add',
      'docs',
      'https://docs.example/mcp',
      '--header',
      'Authorization=Bearer ${TOKEN:-none}',
      '--type',
      'sse',
    );
    expect(servers()).toEqual({
      memory: { command: 'npx', args: ['-y', 'server-memory'], env: { A: 'b=c' }, cwd: '/tmp' },
      docs: {
        type: 'sse',
        url: 'https://docs.example/mcp',
        headers: { Authorization: 'Bearer ${TOKEN:-none}' },
      },
    });
  });

  test('lets a new config list by budget, and leaves one that is there to its ways', async () => {
    await cli('add', 'a', '--', 'x');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ expose: { list: 'auto' } });
    write(file, '{ "mcpServers": {} }');
    await cli('add', 'a', '--', 'x');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ mcpServers: { a: { command: 'x' } } });
  });

  test('keeps the file as it is written, and takes a server out again', async () => {
    const text = '# mine\nmcpServers:\n  a: { command: x } # one\n';
    const own = join(home, 'switchyard.yaml');
    write(own, text);
    await cli('add', 'b', '--config', own, '--', 'y');
    expect(readFileSync(own, 'utf8')).toBe(`${text}  b:\n    command: y\n`);
    await cli('remove', 'b', '--config', own);
    expect(readFileSync(own, 'utf8')).toBe(text);
  });

  test('does not overwrite a server, and leaves the file alone where what is added cannot be read', async () => {
    await cli('add', 'a', '--', 'x');
    expect(await cli('add', 'a', '--', 'y')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--replace') as string,
    });
    await cli('add', 'a', '--replace', '--', 'y');
    const before = readFileSync(file, 'utf8');
    const { code, stderr } = await cli('add', 'b', 'https://x.example', '--header', 'A=${NOT_SET}');
    expect({ code, after: readFileSync(file, 'utf8') }).toEqual({ code: 2, after: before });
    expect(stderr).toContain('NOT_SET');
    expect(servers()).toEqual({ a: { command: 'y' } });
  });

  test('takes the very same server a second time, and leaves the file as it is', async () => {
    const same = ['add', 'memory', '--env', 'A=b', '--', 'npx', '-y', 'server-memory'] as const;
    await cli(...same);
    const before = readFileSync(file, 'utf8');
    expect(await cli(...same)).toMatchObject({
      code: 0,
      stdout: `memory is there already, unchanged (${file}).\n`,
    });
    const [name, ...words] = same;
    expect(JSON.parse((await cli(name, '--json', ...words)).stdout)).toEqual({ file, unchanged: 'memory' });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('says what is missing, and what is meant', async () => {
    expect(await cli('add')).toMatchObject({ code: 2 });
    expect((await cli('add', 'a', 'npx', 'x')).stderr).toContain('switchyard add NAME -- npx x');
    expect((await cli('add', 'foo', 'npx', '-y', 'x')).stderr).toContain(
      'A command stands behind --: switchyard add foo -- npx -y x',
    );
    expect((await cli('add', 'foo', '--evn', 'A=b', 'npx')).stderr).toContain('Did you mean --env?');
    expect(await cli('remove', 'memory')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"switchyard add" or "switchyard init" makes one') as string,
    });
    await cli('add', 'memory', '--', 'x');
    expect((await cli('remove', 'memroy')).stderr).toContain('Did you mean memory?');
  });
});

describe('switchyard add and remove', () => {
  test.each([
    ['switchyard.jsonc', '{\n  // mine\n  "mcpServers": {\n    "a": { "command": "x" }, // first\n  },\n}\n'],
    ['switchyard.yaml', '# mine\nmcpServers:\n  a: { command: x } # first\n'],
    ['switchyard.toml', '# mine\n[mcpServers.a]\ncommand = "x" # first\n'],
  ])('give %s back to the byte; what is new comes last', async (name, text) => {
    const own = join(home, name);
    write(own, text);
    await cli('add', 'b', '--', 'y', '--flag');
    expect(readFileSync(own, 'utf8')).toMatch(/mine[^]*first/);
    const { stdout } = await cli('list', 'servers', '--json');
    expect((JSON.parse(stdout) as { server: string }[]).map(({ server }) => server)).toEqual(['a', 'b']);
    await cli('remove', 'b');
    expect(readFileSync(own, 'utf8')).toBe(text);
  });

  test('a command that names files starts where it was typed', async () => {
    write(join(home, 'server.mjs'), '');
    expect((await cli('add', 'mine', '--', 'node', 'server.mjs')).stdout).toContain('It starts in');
    expect(servers()).toEqual({ mine: { command: 'node', args: ['server.mjs'], cwd: home } });
    await cli('add', 'mine', '--replace', '--cwd', 'sub', '--', 'node', 'x.mjs');
    expect(servers()).toEqual({ mine: { command: 'node', args: ['x.mjs'], cwd: join(home, 'sub') } });
  });

  test.each([
    ['tcp://[::1]:9002', [], { type: 'tcp', host: '::1', port: 9002 }],
    ['wss://docs.example/', [], { type: 'websocket', url: 'wss://docs.example/' }],
    [
      'https://x.example/',
      ['--header', 'X-A: b=c'],
      { url: 'https://x.example/', headers: { 'X-A': 'b=c' } },
    ],
  ])('%s %j is reached as it says', async (url, options, entry) => {
    expect(await cli('add', 'far', url, ...options)).toMatchObject({ code: 0, stderr: '' });
    expect(servers()).toEqual({ far: entry });
  });

  test.each([
    [['a', 'https://x.example/', '--env', 'A=secret'], '--env is for a command'],
    [['a', '--header', 'A=secret', '--', 'y'], '--header is for a URL'],
    [['a', '--env', 'secret', '--', 'y'], '--env expects KEY=VALUE'],
    [['a', 'https://x.example/', '--type', 'stdio'], 'mcpServers.a'],
    [['a', 'tcp://x/'], 'tcp://HOST:PORT'],
  ])('%j is refused, and nothing is written', async (args, message) => {
    const { code, stderr } = await cli('add', ...args);
    expect({ code, isThere: existsSync(file) }).toEqual({ code: 2, isThere: false });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
  });

  test('refuse what would break something else of the config, and mind no mistake that was there before', async () => {
    const text =
      '{ "mcpServers": { "a": { "command": "x" }, "b": { "comand": "y" } }, "pools": { "p": { "members": ["a"] } } }';
    write(file, text);
    expect((await cli('remove', 'a')).stderr).toContain('pools.p.members[0]: there is no server "a"');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await cli('add', 'c', '--', 'z')).toMatchObject({ code: 0 });
    expect(await cli('remove', 'b')).toMatchObject({ code: 0 });
    expect(servers()).toEqual({ a: { command: 'x' }, c: { command: 'z' } });
  });
});

describe('switchyard init', () => {
  const cursor = (): string => join(home, '.cursor', 'mcp.json');
  beforeEach(() => {
    const entries = {
      memory: { command: 'npx', args: ['server-memory'] },
      other: { command: 'npx', args: ['server-other'] },
    };
    write(cursor(), JSON.stringify({ mcpServers: entries }));
  });

  test('without a terminal does what its options say', async () => {
    expect(await cli('init')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string });
    expect(await cli('init', '--yes', '--no-check', '--servers', 'memory', '--adopt')).toMatchObject({
      code: 0,
    });
    expect(Object.keys(servers() as object)).toEqual(['memory', 'other']);
    expect(readFileSync(cursor(), 'utf8')).toContain('--attach');
  });

  test('with --clients none leaves the clients alone', async () => {
    const before = readFileSync(cursor(), 'utf8');
    await cli('init', '--yes', '--no-check', '--servers', 'memory', '--clients', 'none');
    expect(Object.keys(servers() as object)).toEqual(['memory']);
    expect(readFileSync(cursor(), 'utf8')).toBe(before);
  });

  test('tells which of the servers work, in one document with --json, and installs all the same', async () => {
    const good = [join(import.meta.dirname, '../../fixtures/faults/stdio.mjs'), '{}'];
    const entries = {
      good: { command: process.execPath, args: good },
      gone: { command: join(home, 'no-such-program') },
    };
    write(cursor(), JSON.stringify({ mcpServers: entries }));
    const { code, stdout } = await cli('init', '--yes', '--json');
    expect({ code, said: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      said: { file, servers: ['good', 'gone'], clients: ['cursor'], healthy: false },
    });
    expect(readFileSync(cursor(), 'utf8')).toContain('--attach');
    const again = await cli('init', '--yes', '--clients', 'none', '--servers', 'good');
    expect(again.stdout).toMatch(/gone: .*not found/);
  });

  test.skipIf(!HAS_SCRIPT)(
    'asks in a terminal, and writes nothing before the last answer (needs "script" of util-linux)',
    async () => {
      const terminal = spawn(
        'script',
        ['-qec', `"${process.execPath}" "${CLI}" init; echo "code $?"`, '/dev/null'],
        {
          env: { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', NO_COLOR: '1' },
          cwd: home,
        },
      );
      let seen = '';
      terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      const exited = once(terminal, 'exit');
      for (const [asked, answer] of [
        ['Which are to be served?', '1'],
        ['Which get the entry?', ''],
        ['Move the servers', 'n'],
        ['Start each server once', 'n'],
        ['Go on?', 'y'],
      ] as const) {
        await until(
          asked,
          () => seen.includes(asked),
          10_000,
          () => seen,
        );
        expect(existsSync(file)).toBe(false);
        terminal.stdin.write(`${answer}\n`);
      }
      await exited;
      expect(seen).toContain('code 0');
      expect(Object.keys(servers() as object)).toEqual(['memory']);
      expect(readFileSync(cursor(), 'utf8')).toContain('server-other');
    },
  );
});
