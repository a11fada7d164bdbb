/** `switchyard workflow` as its user runs it: real processes, a real terminal. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../harness/until.ts';
import { runCli, type Said, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 20_000 });

const FIXTURE = join(import.meta.dirname, '../../fixtures/faults/stdio.mjs');
const CLI = join(import.meta.dirname, '../../../dist/cli.js');
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;

const FLOW = `
name: flow
description: shows what a run looks like
input:
  type: object
  properties: { word: { type: string }, times: { type: integer, default: 2 } }
  required: [word]
steps:
  - id: say
    tool: f__echo
    with: { said: '\${{ input.word }}', times: '\${{ input.times }}' }
  - id: each
    foreach: '[1, 2, 3]'
    tool: f__echo
    with: { item: '\${{ item }}' }
  - id: never
    when: input.times > 100
    tool: f__echo
    with: {}
  - id: may
    approve: { message: Go on? }
    after: [say, each]
  - id: last
    after: [may]
    tool: f__echo
    with: { done: true }
output: '\${{ steps.say.output }}'
`;

let folder: string;
let config: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder('workflow');
  config = join(folder, 'switchyard.json');
  writeFileSync(
    config,
    JSON.stringify({
      mcpServers: { f: { command: process.execPath, args: [FIXTURE, '{}'] } },
      stateDir: join(folder, 'state'),
      expose: { namespaces: 'always' },
      workflows: { files: ['./*.yaml'] },
    }),
  );
  writeFileSync(join(folder, 'flow.yaml'), FLOW);
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
});

const workflow = (...args: string[]): Promise<Said> =>
  runCli(['workflow', ...args, '--config', config], { cwd: folder });

async function document(...args: string[]): Promise<never> {
  return JSON.parse((await workflow(...args, '--json')).stdout) as never;
}

/** `switchyard workflow run` in a terminal of 60 columns; says the exit code at its end. */
function inTerminal(...args: string[]): ChildProcessWithoutNullStreams {
  const run = [process.execPath, CLI, 'workflow', 'run', ...args, '--config', config];
  const command = `stty cols 60 rows 20; ${run.map((word) => `"${word}"`).join(' ')}; echo "code $?"`;
  return spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1' },
    cwd: folder,
  });
}

function file(name: string, steps: string): string {
  const path = join(folder, name);
  writeFileSync(path, `steps:\n${steps}`);
  return path;
}

interface Run {
  readonly run_id: string;
  readonly status: string;
  readonly attention?: readonly { readonly step: string }[];
  readonly steps?: Readonly<Record<string, { readonly status: string; readonly output?: unknown }>>;
}

/** A proxy inside a client, on the same state folder. */
async function proxy(): Promise<ChildProcess> {
  const child = startCli(['serve', '--config', config], { cwd: folder });
  started.push(child);
  child.stdout?.resume();
  child.stderr?.resume();
  await until('its door', () => existsSync(join(folder, 'state', 'run', `${child.pid}.json`)));
  return child;
}

function ask(child: ChildProcess, name: string, args: object): void {
  const clientInfo = { name: 'test', version: '1' };
  for (const message of [
    { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/call', params: { name, arguments: args } },
  ])
    child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

describe('switchyard workflow plan', () => {
  test('draws the steps level by level with what they wait for, and calls nothing', async () => {
    const { code, stdout } = await workflow('plan', 'flow');
    expect({ code, lines: stdout.split('\n').slice(0, 5) }).toEqual({
      code: 0,
      lines: [
        '1 ┬ say: f__echo',
        '  ├ each: f__echo (for each)',
        '  └ never: f__echo (when)',
        '2 ─ may: approve              ⇠ say, each',
        '3 ─ last: f__echo             ⇠ may',
      ],
    });
    expect(stdout).toContain('At most 6 calls.');
    expect((await workflow('runs')).stderr).toContain('No workflow has run yet.');
  });

  test('prints the graph for Mermaid, or all that is known as JSON', async () => {
    expect((await workflow('plan', './flow.yaml', '--mermaid')).stdout).toMatch(/^flowchart TD\n {2}say\["/);
    expect(await document('plan', 'flow')).toMatchObject({ valid: true, plan: { max_calls: 6 } });
  });

  test('tells every mistake with its place and its fix, and exits 1', async () => {
    const { code, stderr } = await workflow(
      'plan',
      file('bad.yml', '  - { id: a, tool: f__ecko, args: {} }\n'),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('unknown key "args". Did you mean "with"?');
  });
});

describe('switchyard workflow run', () => {
  test('tells of each step as it goes on, and leaves what nobody can answer to a later resume', async () => {
    const { code, stdout, stderr } = await workflow('run', 'flow', 'word=007');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✔ say {2}\d/m);
    expect(stdout).toMatch(/^✔ each {2}.*3 of 3/m);
    expect(stdout).toMatch(/^- never {2}skipped.*its condition is false/m);
    const [, id = ''] = /switchyard workflow resume (wr_\S+) --step may/.exec(stderr) ?? [];

    const resumed = await workflow('resume', id, '--decision', 'approve');

    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toMatch(/^✔ last/m);
    // A text stays a text, whatever it looks like; a default is filled in.
    expect(JSON.parse(resumed.stdout.slice(resumed.stdout.indexOf('\n{') + 1))).toEqual({
      said: '007',
      times: 2,
    });
    expect((await workflow('show', id)).stdout).toMatch(/flow: succeeded.*\n {2}✔ say/);
    const { stdout: record } = await workflow('show', id, '--record');
    expect(record).toMatch(/Z intent say#1 tool: f__echo, args: [\w-]{22}\n/);
    expect(record).toMatch(/Z note who: operator, what: approve, about: .*may/);
  });

  test('leaves out what was to be approved and is not; --json gives the run as one document', async () => {
    const { run_id: id, status } = (await document(
      'run',
      'flow',
      '--input',
      '{"word":"x"}',
      'times=3',
    )) as Run;
    expect(status).toBe('needs_attention');
    expect(await document('resume', id, '--decision', 'reject')).toMatchObject({
      status: 'succeeded',
      steps: { last: { status: 'skipped' } },
    });
    const { steps } = (await document('show', id, '--step', 'say')) as Run;
    expect(steps).toEqual({ say: expect.objectContaining({ output: { said: 'x', times: 3 } }) as unknown });
  });

  test('takes its input from a file, and says what is wrong with one', async () => {
    writeFileSync(join(folder, 'input.json'), '{"word":"of a file"}');
    expect(await document('run', 'flow', '--input', `@${join(folder, 'input.json')}`)).toMatchObject({
      steps: { say: { output: { said: 'of a file' } } },
    });
    expect(await workflow('run', 'flow', '--input', '[1]')).toMatchObject({ code: 2 });
    expect((await workflow('run', 'flow', 'times=many', 'word=x')).stderr).toContain(
      'times is to be "integer"',
    );
    expect((await workflow('run', 'flow')).stderr).toContain('word');
  });

  test('is cancelled by Ctrl-C, in the middle of a call', async () => {
    const long = file('long.yml', '  - { id: slow, tool: f__sleep, with: { ms: 60000 } }\n');
    const child = startCli(['workflow', 'run', long, '--config', config], { cwd: folder });
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.resume();
    const exited = once(child, 'exit');
    await until('the call', () => out.includes('▶ slow'));
    child.kill('SIGINT');
    expect(await exited).toEqual([1, null]);
    expect(await document('runs')).toMatchObject([{ status: 'cancelled' }]);
  });

  test('of no workflow, or without a name, is said with a guess', async () => {
    expect((await workflow('run', 'flaw', 'word=x')).stderr).toContain(
      'there is no saved workflow "flaw"; there are: flow',
    );
    expect(await workflow('run')).toMatchObject({
      code: 2,
      stderr: 'switchyard workflow run expects NAME|FILE.\n',
    });
    expect((await workflow('rum')).stderr).toContain('Did you mean run?');
  });

  test.skipIf(!HAS_SCRIPT)(
    'draws its steps in a terminal and takes the approval at the prompt (needs "script" of util-linux)',
    async () => {
      const terminal = inTerminal('flow', 'word=x');
      let seen = '';
      terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      const exited = once(terminal, 'exit');
      await until(
        'the question',
        () => seen.includes('may: Go on? (approve, reject) '),
        10_000,
        () => seen,
      );
      terminal.stdin.write('app\n');
      await exited;
      expect(seen).toMatch(/✔ last[^✔]*\{\s+"said": "x"/);
      expect(seen).toContain('code 0');
    },
  );

  test.skipIf(!HAS_SCRIPT)(
    'draws its steps over themselves as they go on, until Ctrl-C cancels it (needs "script" of util-linux)',
    async () => {
      const long = file('long.yml', '  - { id: slow, tool: f__sleep, with: { ms: 60000 } }\n');
      const terminal = inTerminal(long);
      let seen = '';
      terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      const exited = once(terminal, 'exit');
      await until(
        'the second picture',
        () => /\u001b\[\d+A\r\u001b\[K[^\n]*: running/.test(seen),
        10_000,
        () => seen,
      );
      terminal.stdin.write('\u0003');
      await exited;
      // What was drawn before stays whole, and what follows is drawn below.
      expect(seen.slice(seen.lastIndexOf('cancelling'))).toMatch(/^cancelling\r\n\r\u001b\[Kinline: /);
      expect(await document('runs')).toMatchObject([{ status: 'cancelled' }]);
    },
  );
});

describe('a run', () => {
  test('that a proxy works on is left to it: an answer from the command line reaches it there', async () => {
    const other = await proxy();
    ask(other, 'run_workflow', { workflow: 'flow', input: { word: 'of the proxy' }, wait: false });
    const found = await until('it to ask', async () => {
      const runs = (await document('runs')) as Run[];
      return runs.find(({ attention = [] }) => attention.length > 0);
    });

    await workflow('resume', found.run_id, '--decision', 'approve');

    await until(
      'its end',
      async () => ((await document('show', found.run_id)) as Run).status === 'succeeded',
    );
  });

  test('whose proxy is killed is gone on with by another one that runs on the same state folder', async () => {
    const [dying, living] = [await proxy(), await proxy()];
    ask(living, 'f__echo', {});
    ask(dying, 'run_workflow', {
      workflow: {
        steps: [
          { id: 'pause', wait: '1s' },
          { id: 'then', after: ['pause'], tool: 'f__echo', with: {} },
        ],
      },
      wait: false,
    });
    const id = await until('it to begin', async () => ((await document('runs')) as Run[])[0]?.run_id);
    dying.kill('SIGKILL');
    await until('its end', async () => ((await document('show', id)) as Run).status === 'succeeded', 15_000);
    expect(living.exitCode).toBeNull();
  });

  test('that nobody works on is not touched by commands that are about something else', async () => {
    const { run_id: id } = (await document('run', 'flow', 'word=x')) as Run;
    const before = (await document('show', id)) as Run;
    await runCli(['list', '--config', config], { cwd: folder });
    await workflow('list');
    expect(await document('show', id)).toEqual(before);
  });

  test('that waits is cancelled by its id; one that does not exist is unknown', async () => {
    const { run_id: id } = (await document('run', 'flow', 'word=x')) as Run;
    expect((await workflow('cancel', id)).stdout).toContain('cancelled');
    expect(await workflow('show', 'wr_none')).toMatchObject({
      code: 1,
      stderr: 'There is no run "wr_none". "switchyard workflow runs" lists them.\n',
    });
  });
});

test('switchyard workflow runs shows every id whole, however long the name beside it', async () => {
  const name = 'n'.repeat(60);
  writeFileSync(join(folder, 'long.yaml'), `name: ${name}\nsteps: [{ id: a, set: { b: 1 } }]\n`);
  const { run_id: id } = (await document('run', name)) as Run;
  const { stdout } = await workflow('runs');
  expect(stdout).toContain(`\n${id}  nnn`);
  expect(stdout).toContain('…');
});

test('a tool that has no prefix with one server is told, with the name to write', async () => {
  writeFileSync(
    config,
    JSON.stringify({ mcpServers: { f: { command: process.execPath, args: [FIXTURE, '{}'] } } }),
  );
  const { code, stderr } = await workflow('plan', './flow.yaml');
  expect(code).toBe(1);
  expect(stderr).toContain(
    'there is no tool "f__echo": with one server names have no prefix, unless "expose.namespaces" is "always". Fix: "tool": "echo"',
  );
});

test('switchyard workflow list tells which saved workflows can run', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'name: broken\nsteps: [{ id: a, tool: f__none, with: {} }]\n');
  expect(await document('list')).toMatchObject([
    { name: 'broken', problems: [{ path: 'steps[0].tool' }] },
    { name: 'flow', problems: [] },
  ]);
});
