/** `switchyard call` as its user runs it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../harness/until.ts';
import { raw } from '../../relay/wire/proxies.ts';
import { runCli, type Said, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 20_000 });

const FIXTURE = join(import.meta.dirname, '../../fixtures/faults/stdio.mjs');
const CLI = join(import.meta.dirname, '../../../dist/cli.js');
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;

let folder: string;
let config: string;
let journal: string;

beforeEach(() => {
  folder = temporaryFolder('call');
  config = join(folder, 'switchyard.json');
  journal = join(folder, 'journal');
  const typed = {
    name: 'typed',
    inputSchema: { type: 'object', properties: { text: { type: 'string' }, count: { type: 'integer' } } },
  };
  const fixture = { journal, toolTexts: [JSON.stringify(typed)] };
  const mcpServers = {
    f: { command: process.execPath, args: [FIXTURE, JSON.stringify(fixture)] },
    r: raw(),
  };
  writeFileSync(
    config,
    JSON.stringify({ mcpServers, stateDir: join(folder, 'state'), expose: { namespaces: 'always' } }),
  );
});

const call = (...args: string[]): Promise<Said> =>
  runCli(['call', ...args, '--config', config], { cwd: folder });

test('prints the texts of the result; with --json the whole result', async () => {
  expect(await call('f__echo', '--args', '{"a":{"b":1}}')).toMatchObject({
    code: 0,
    stdout: '{"a":{"b":1}}\n',
  });
  expect(JSON.parse((await call('f__echo', '--json')).stdout)).toEqual({
    content: [{ type: 'text', text: '{}' }],
  });
});

test('a value is text where the tool wants text, and JSON otherwise', async () => {
  const { stdout } = await call('f__typed', 'text=007', 'count=7', 'more={"x":[1]}', 'word=plain');
  expect(JSON.parse(stdout)).toEqual({
    called: 'typed',
    args: { text: '007', count: 7, more: { x: [1] }, word: 'plain' },
  });
  expect(await call('f__typed', 'count=many')).toMatchObject({
    code: 2,
    stderr: 'count is to be "integer": "many" is none, written as JSON.\n',
  });
});

test('arguments come from a file or from stdin, and pairs add to them', async () => {
  writeFileSync(join(folder, 'args.json'), '{"a":1,"b":1}');
  expect((await call('f__echo', 'b=2', '--args', `@${join(folder, 'args.json')}`)).stdout).toBe(
    '{"a":1,"b":2}\n',
  );
  const piped = await runCli(['call', 'f__echo', '--args', '-', '--config', config], {
    cwd: folder,
    input: '{"piped":true}',
  });
  expect(piped.stdout).toBe('{"piped":true}\n');
  expect(await call('f__echo', '--args', '{')).toMatchObject({ code: 2 });
  expect(await call('f__echo', 'nothing')).toMatchObject({
    code: 2,
    stderr: 'Expected KEY=VALUE, got "nothing".\n',
  });
});

test('a result that is an error exits 1 and is printed all the same', async () => {
  const result = { isError: true, content: [{ type: 'text', text: 'no such file' }] };
  const { code, stdout } = await call('r__answer', '--args', JSON.stringify({ result }));
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'no such file\n' });
});

test('a tool that does not exist is said with a guess, and exits 1', async () => {
  const { code, stderr } = await call('f__ecko');
  expect(code).toBe(1);
  expect(stderr).toBe('Unknown tool: "f__ecko". Did you mean "f__echo"?\n');
});

test('what a terminal would obey does not reach it, and what is no text is named', async () => {
  const content = [
    { type: 'text', text: 'a\u001b[2Jb\n\tc' },
    { type: 'image', mimeType: 'image/png', data: 'AAAA' },
  ];
  const { stdout } = await call('r__answer', '--args', JSON.stringify({ result: { content } }));
  expect(stdout).toBe('a[2Jb\n\tc\n[image, image/png, 3 bytes]\n');
});

test('Ctrl-C cancels the call at its server', async () => {
  const child = startCli(['call', 'f__hang', '--config', config], { cwd: folder });
  child.stderr?.resume();
  const seen = (): string => (existsSync(journal) ? readFileSync(journal, 'utf8') : '');
  await until('the call', () => seen().includes('"tools/call"'));
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  expect(await exited).toEqual([1, null]);
  expect(seen()).toContain('notifications/cancelled');
});

test('a call that is ended by SIGTERM blames neither the user nor the server', async () => {
  const child = startCli(['call', 'f__hang', '--config', config], { cwd: folder });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(
    'the call',
    () => existsSync(journal) && readFileSync(journal, 'utf8').includes('"tools/call"'),
  );
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  expect(await closed).toEqual([1, null]);
  expect(said).toBe('The call of f__hang was cancelled: the command was ended by SIGTERM.\n');
});

test.skipIf(!HAS_SCRIPT)(
  'what a server asks is asked at the prompt (needs "script" of util-linux)',
  async () => {
    const question = {
      method: 'elicitation/create',
      params: {
        message: 'Who are you?',
        requestedSchema: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            age: { type: 'integer' },
            colour: { enum: ['red', 'blue'] },
          },
          required: ['name', 'colour'],
        },
      },
    };
    writeFileSync(join(folder, 'args.json'), JSON.stringify({ questions: [question] }));
    const command = `"${process.execPath}" "${CLI}" call r__ask --args @args.json --config "${config}"; echo "code $?"`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1' },
      cwd: folder,
    });
    let seen = '';
    terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    const exited = once(terminal, 'exit');
    for (const [asked, answer] of [
      ['name: ', 'Ann'],
      ['age: ', 'old'],
      ['age: ', '41'],
      ['(red | blue): ', 'green'],
      ['(red | blue): ', 'blue'],
      ['Send this? (y/n) ', 'y'],
    ] as const) {
      const from = seen.length;
      await until(
        asked,
        () => seen.slice(Math.max(0, from - asked.length)).includes(asked),
        10_000,
        () => seen,
      );
      seen += '\u0000';
      terminal.stdin.write(`${answer}\n`);
    }
    await exited;
    expect(seen).toContain('[r] Who are you?');
    expect(seen.replaceAll(/\s/g, '')).toContain('"content":{"name":"Ann","age":41,"colour":"blue"}');
    expect(seen).toContain('code 0');
  },
);

describe('with saved workflows', () => {
  const list = async (): Promise<readonly { readonly name: string; readonly server: string }[]> =>
    JSON.parse((await runCli(['list', '--json', '--config', config], { cwd: folder })).stdout) as never;

  beforeEach(() => {
    const plain = JSON.parse(readFileSync(config, 'utf8')) as object;
    const tools = { twice: { targets: [{ tool: 'f__echo' }] } };
    writeFileSync(config, JSON.stringify({ ...plain, tools, workflows: { files: ['./flows/*.json'] } }));
    mkdirSync(join(folder, 'flows'));
    const input = { type: 'object', properties: { word: { type: 'string' } } };
    const steps = [{ id: 'a', tool: 'f__echo', with: { said: '${{ input.word }}' } }];
    const flow = { name: 'say it', input, steps, output: '${{ steps.a.output }}' };
    writeFileSync(join(folder, 'flows', 'say.json'), JSON.stringify(flow));
    const broken = { name: 'broken', steps: [{ id: 'a', tool: 'f__ecko' }] };
    writeFileSync(join(folder, 'flows', 'broken.json'), JSON.stringify(broken));
  });

  test('each tool of its own that "switchyard list" shows can be called', async () => {
    const args = new Map([
      ['run_workflow', '{"name":"say it","input":{"word":"x"}}'],
      ['workflow__say_it', '{"word":"x"}'],
      ['workflow_runs', '{}'],
    ]);
    expect((await call('run_workflow', '--args', args.get('run_workflow') ?? '')).code).toBe(0);
    const own = (await list()).filter(({ server }) => server === 'switchyard').map(({ name }) => name);
    expect(own).toEqual(expect.arrayContaining([...args.keys(), 'proxy_status', 'twice']));
    for (const name of own) {
      const { stderr } = await call(name, '--args', args.get(name) ?? '{}');
      expect(stderr).not.toContain('Unknown tool');
      if (args.has(name)) expect(stderr).toBe('');
    }
  });

  test('a value is text where the input of the workflow wants text', async () => {
    const { code, stdout } = await call('workflow__say_it', 'word=007', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      structuredContent: { status: 'succeeded', output: { said: '007' } },
    });
  });

  test('one that cannot run says why, and a name that is none guesses at them as well', async () => {
    const { code, stdout } = await call('workflow__broken');
    expect(code).toBe(1);
    expect(stdout).toContain('f__ecko');
    expect(await call('workflow__say_at')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean workflow__say_it?') as string,
    });
  });
});
