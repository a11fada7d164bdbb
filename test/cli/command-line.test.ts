import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/registry.ts';
import { runCli } from './run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

let folder: string;
beforeAll(() => (folder = temporaryFolder('cli')));

const run = (...args: string[]) => runCli(args, { cwd: folder });

describe('the command line', () => {
  test('names every command in its help', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test.each(COMMANDS.map(({ name }) => name))('shows an example in the help of %s', async (name) => {
    const { code, stdout, stderr } = await run(name, '--help');
    expect(stdout).toMatch(/Examples:\n {2}switchyard /);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.each(COMMANDS.map(({ name }) => name))('declares %s under the name it is found by', async (name) => {
    const entry = COMMANDS.find((one) => one.name === name);
    expect((await entry?.load())?.name).toBe(name);
  });

  test.each([
    [['lits'], 'Unknown command "lits". Did you mean list?'],
    [['list', '--jsn'], 'Unknown option --jsn. Did you mean --json?'],
    [['serve', '--config'], '--config needs a value: --config FILE.'],
    [['serve', '--config', '--http', '0'], '--config needs a value: --config FILE.'],
    [['list', '--json=yes'], '--json takes no value, got "yes".'],
    [['serve', 'here'], 'Unexpected argument "here".'],
    [['--http', 'here'], '--http expects [HOST:]PORT, got "here".'],
    [['list', 'tols'], 'Did you mean tools?'],
    [['list'], 'No config found'],
    [['check'], '"switchyard add" or "switchyard init" makes one'],
    [['call', 'x'], '"switchyard add" or "switchyard init" makes one'],
    [[], '"switchyard add" or "switchyard init" makes one'],
  ])('refuses %j with exit code 2 and says what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('switchyard list', () => {
  const fixture = join(import.meta.dirname, '../fixtures/faults/stdio.mjs');
  let config: string;
  beforeAll(() => {
    config = join(folder, 'two.json');
    const mcpServers = {
      good: { command: process.execPath, args: [fixture, '{}'] },
      gone: { command: join(folder, 'no-such-program') },
    };
    writeFileSync(config, JSON.stringify({ mcpServers, stateDir: join(folder, 'state') }));
  });

  test('prints one JSON document with name, server and original name of every tool', async () => {
    const { code, stdout } = await run('list', '--json', '--config', config);
    const tools = JSON.parse(stdout) as { name: string; server: string; originalName: string }[];
    expect(tools).toContainEqual(
      expect.objectContaining({ name: 'good__echo', server: 'good', originalName: 'echo' }),
    );
    expect(tools).toContainEqual(expect.objectContaining({ name: 'proxy_status', server: 'switchyard' }));
    expect(code).toBe(0);
  });

  test('prints a table for people, without colours where no terminal is, and says on stderr who is missing', async () => {
    const { stdout, stderr } = await run('list', 'tools', '--config', config);
    expect(stdout).toMatch(/^NAME +SERVER +DESCRIPTION\n/);
    expect(stdout).toMatch(/^good__echo +good/m);
    expect(stderr).toMatch(/^gone: .*not found/m);
  });

  test('tells of every server whether it is up, and what failed at what stage', async () => {
    const { stdout } = await run('list', 'servers', '--json', '--config', config);
    expect(JSON.parse(stdout)).toMatchObject([
      { server: 'good', state: 'ready' },
      {
        server: 'gone',
        lastFailure: { stage: 'start', what: expect.stringContaining('not found') as string },
      },
    ]);
  });
});
