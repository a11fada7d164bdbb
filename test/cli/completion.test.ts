/** Completion, as the scripts ask for it, and in a real shell. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { runCli } from './run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000 });

const FIXTURE = join(import.meta.dirname, '../fixtures/faults/stdio.mjs');
const CLI = join(import.meta.dirname, '../../dist/cli.js');
/** By what they are called on the PATH. */
const SHELLS = { bash: 'bash', zsh: 'zsh', fish: 'fish' };
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

let folder: string;
let config: string;
let journal: string;

beforeEach(() => {
  folder = temporaryFolder('completion');
  config = join(folder, 'switchyard.json');
  journal = join(folder, 'journal');
  const typed = {
    name: 'typed',
    inputSchema: { type: 'object', properties: { path: {}, limit: {}, 'a$(reboot)': {} } },
  };
  const options = { journal, toolTexts: [JSON.stringify(typed)] };
  const server = { command: process.execPath, args: [FIXTURE, JSON.stringify(options)], tags: ['dev'] };
  writeFileSync(
    config,
    JSON.stringify({
      mcpServers: { files: server, 'evil $(reboot)': { command: 'x', disabled: true } },
      stateDir: join(folder, 'state'),
    }),
  );
});

async function words(...typed: string[]): Promise<string[]> {
  const { stdout, code, stderr } = await runCli(['completion', 'words', '--', ...typed], { cwd: folder });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

const learnTools = () => runCli(['list', '--config', config], { cwd: folder });

test('completes commands, options and their values, words of commands and servers', async () => {
  expect(await words('ch')).toEqual(['check']);
  expect(await words('')).toContain('serve');
  expect(await words('status', '--w')).toEqual(['--watch']);
  expect(await words('check', '--')).toEqual(expect.arrayContaining(['--report', '--config', '--json']));
  expect(await words('list', 'res')).toEqual(['resources']);
  expect(await words('list', 'tools', '')).toEqual([]);
  expect(await words('logs', '')).toEqual(['files']);
  expect(await words('serve', '--servers', '')).toEqual(['files']);
  expect(await words('serve', '--tags', '')).toEqual(['dev']);
  expect(await words('logs', '--config', '')).toEqual([]);
  expect(await words('nothing', '')).toEqual([]);
});

test('completes tools and the keys of their arguments from earlier runs, and starts no server', async () => {
  expect(await words('call', 'files__')).toEqual([]);
  expect(existsSync(join(folder, 'state'))).toBe(false);
  await learnTools();
  const before = readFileSync(journal, 'utf8');

  expect(await words('call', 'files__ec')).toEqual(['files__echo']);
  expect(await words('call', '--json', '--config', config, 'files__typed', '')).toEqual(['path=', 'limit=']);
  expect(await words('call', 'files__typed', 'path=x', '')).toEqual(['limit=']);
  expect(readFileSync(journal, 'utf8')).toBe(before);
});

test('a config that cannot be read completes nothing, and says nothing', async () => {
  writeFileSync(config, '{');
  expect(await words('call', '')).toEqual([]);
  expect(await words('che')).toEqual(['check']);
});

test('a shell that is not known is wrong use', async () => {
  expect(await runCli(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  expect(await runCli(['completion'])).toMatchObject({ code: 2 });
});

/** The program under its own name on the PATH. */
function installed(): Record<string, string> {
  const program = join(folder, 'switchyard');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(program, 0o755);
  return { PATH: `${folder}${delimiter}${process.env['PATH']}`, HOME: folder };
}

test.skipIf(!has(SHELLS.bash))('bash completes with the script that it is given', async () => {
  await learnTools();
  const script = `
    source <(switchyard completion bash)
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _switchyard; echo "$(IFS=,; echo "\${COMPREPLY[*]}")"; }
    complete -p switchyard
    try switchyard ch
    try switchyard call files__ec
    try switchyard logs ''
  `;
  const { stdout, stderr } = spawnSync(SHELLS.bash, ['--norc', '-c', script], {
    cwd: folder,
    env: installed(),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'complete -o default -F _switchyard switchyard',
    'check',
    'files__echo',
    'files',
    '',
  ]);
});

test.skipIf(!has(SHELLS.zsh))('zsh takes the script (where it is installed)', () => {
  const script =
    'autoload -U compinit; compinit -u; source <(switchyard completion zsh); echo $_comps[switchyard]';
  const { stdout } = spawnSync(SHELLS.zsh, ['-fc', script], {
    cwd: folder,
    env: installed(),
    encoding: 'utf8',
  });
  expect(stdout).toBe('_switchyard\n');
});

test.skipIf(!has(SHELLS.fish))(
  'fish completes with the script that it is given (where it is installed)',
  () => {
    const script = 'switchyard completion fish | source; complete -C "switchyard ch"';
    const { stdout } = spawnSync(SHELLS.fish, ['-c', script], {
      cwd: folder,
      env: installed(),
      encoding: 'utf8',
    });
    expect(stdout).toBe('check\n');
  },
);
