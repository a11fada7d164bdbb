/** Files of clients as they should not be, and what happens to them at bad moments. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { clientFiles } from '../../src/config/client-places.ts';
import type { DialectId } from '../../src/config/dialects/client-dialect.ts';
import type { HostEnvironment } from '../../src/config/folders.ts';
import { loadConfig } from '../../src/config/load/load-config.ts';
import { runHere } from '../cli/in-process.ts';
import type { Said } from '../cli/run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

let home: string;
beforeEach(() => (home = temporaryFolder('hard')));

const machine = (): HostEnvironment => ({ env: {}, cwd: home, homeDir: home, platform: process.platform });
const CONNECTING = new Set(['add', 'import', 'install']);
/** Without starting what it takes: none of it is there. */
const cli = (name = '', ...args: string[]): Promise<Said> =>
  runHere(CONNECTING.has(name) ? [name, '--no-check', ...args] : [name, ...args], machine());
const ours = (): string => join(home, '.config', 'switchyard', 'switchyard.json');
const entry = (name: string): object => ({ command: 'npx', args: [name] });

function place(content: string | Buffer, client: DialectId = 'cursor'): string {
  const [file = ''] = clientFiles(client, machine());
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function names(file: string): readonly string[] {
  return Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: object }).mcpServers);
}

describe('uninstalling', () => {
  test('after a second install, with a change between the two, gives back all that was moved', async () => {
    const file = place(JSON.stringify({ mcpServers: { one: entry('one') } }));
    await cli('install', 'cursor', '--adopt');
    const root = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: Record<string, object> };
    root.mcpServers['two'] = entry('two');
    writeFileSync(file, JSON.stringify(root));
    await cli('install', 'cursor', '--adopt');
    expect(names(file)).toEqual(['switchyard']);

    const { stdout } = await cli('uninstall', 'cursor');

    expect(stdout).toContain(`The servers that were moved stay in ${ours()}, too`);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      mcpServers: { one: entry('one'), two: entry('two') },
    });
  });

  test('of a file that was not there before removes it, says so, and asks nobody to switch anything on', async () => {
    await cli('install', 'cursor');
    const [file = ''] = clientFiles('cursor', machine());
    const { stdout } = await cli('uninstall', 'cursor');
    expect(stdout).toBe(
      `${file} is removed: it was not there before.\nCursor notices by itself; else reload the window.\n`,
    );
    expect(existsSync(file)).toBe(false);
  });

  test('gives back what was moved where the dated copy is gone', async () => {
    const file = place(JSON.stringify({ mcpServers: { one: entry('one') } }));
    const { stdout } = await cli('install', 'cursor', '--adopt', '--json');
    rmSync((JSON.parse(stdout) as { backup: string }).backup);
    expect((await cli('uninstall', 'cursor')).stdout).toContain('what was moved is back');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ mcpServers: { one: entry('one') } });
  });

  test('works where our config has mistakes by now', async () => {
    const text = JSON.stringify({ mcpServers: { one: entry('one') } });
    const file = place(text);
    await cli('install', 'cursor', '--adopt');
    writeFileSync(ours(), '{ "mcpServers": { "one": { "comand": "x" } } }');
    expect(await cli('uninstall', 'cursor')).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('works where our program has moved away since', async () => {
    const file = place(JSON.stringify({ mcpServers: {} }));
    const gone = { command: 'node', args: ['/gone/checkout/dist/cli.js', 'serve', '--attach'] };
    writeFileSync(file, JSON.stringify({ mcpServers: { switchyard: gone } }));
    expect(await cli('install', 'cursor')).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).not.toContain('/gone/');
  });

  test('takes our name off Gemini’s list, too', async () => {
    const file = place('{ "mcp": { "allowed": ["one"] }, "mcpServers": {} }', 'gemini');
    await cli('install', 'gemini');
    expect(readFileSync(file, 'utf8')).toContain('"allowed": ["one", "switchyard"]');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    await cli('uninstall', 'gemini');
    expect(readFileSync(file, 'utf8')).toContain('"allowed": ["one"]');
  });
});

describe('installing', () => {
  test('keeps a link a link, one that leads to nothing yet as well', async () => {
    const real = join(home, 'dotfiles.json');
    writeFileSync(real, '{ "mcpServers": {} }');
    const [file = ''] = clientFiles('cursor', machine());
    mkdirSync(dirname(file));
    symlinkSync(real, file);
    const [other = ''] = clientFiles('lmstudio', machine());
    mkdirSync(dirname(other));
    symlinkSync('../later.json', other);
    await cli('install', 'cursor');
    await cli('install', 'lmstudio');
    expect([file, other].map((one) => lstatSync(one).isSymbolicLink())).toEqual([true, true]);
    expect([real, join(home, 'later.json')].map(names)).toEqual([['switchyard'], ['switchyard']]);
    await cli('uninstall', 'cursor');
    expect(readFileSync(real, 'utf8')).toBe('{ "mcpServers": {} }');
  });

  test.each<[string, string | Buffer, string]>([
    ['not UTF-8', Buffer.from('{ "mcpServers": {}, "x": "\xe9" }', 'latin1'), 'not written in UTF-8'],
    ['of UTF-16', Buffer.from('\ufeff{ "mcpServers": {} }', 'utf16le'), 'cursor'],
    [
      'with a server of another that has our name',
      '{"mcpServers":{"switchyard":{"command":"x"}}}',
      'its own',
    ],
    ['with a list for a table', '{ "mcpServers": [1] }', 'cannot be changed safely'],
    ['no table', '[]', 'expected a table'],
  ])('leaves a file alone that is %s', async (_, content, why) => {
    const file = place(content);
    const before = readFileSync(file);
    const { code, stderr } = await cli('install', 'cursor');
    expect(stderr).toContain(why);
    expect({ code, after: readFileSync(file), ours: existsSync(ours()) }).toEqual({
      code: 2,
      after: before,
      ours: false,
    });
    expect(readdirSync(dirname(file))).toEqual(['mcp.json']);
  });

  test('leaves a read-only file alone, and our config as it was', async () => {
    const text = JSON.stringify({ mcpServers: { one: entry('one') } });
    const file = place(text);
    chmodSync(file, 0o444);
    expect(await cli('install', 'cursor', '--adopt')).toMatchObject({ code: 2 });
    expect([readFileSync(file, 'utf8'), existsSync(ours()), readdirSync(dirname(file))]).toEqual([
      text,
      false,
      ['mcp.json'],
    ]);
  });

  test('of several clients at once loses no server', async () => {
    const clients = ['cursor', 'lmstudio', 'junie', 'windsurf', 'claude-desktop', 'copilot'] as const;
    for (const client of clients) place(JSON.stringify({ mcpServers: { [client]: entry(client) } }), client);
    const all = await Promise.all(clients.map((client) => cli('install', client, '--adopt')));
    expect(all.map(({ code }) => code)).toEqual(clients.map(() => 0));
    expect([...names(ours())].sort()).toEqual([...clients].sort());
    expect(readdirSync(dirname(ours()))).toEqual(['switchyard.json']);
  });

  test('into a file of a project is undone from another folder', async () => {
    const file = join(home, 'project', '.cursor', 'mcp.json');
    mkdirSync(dirname(file), { recursive: true });
    const text = JSON.stringify({ mcpServers: { one: { command: '${workspaceFolder}/run' } } });
    writeFileSync(file, text);
    const project = { ...machine(), cwd: join(home, 'project') };
    await runHere(['install', 'cursor', '--adopt', '--file', '.cursor/mcp.json'], project);
    expect(JSON.parse(readFileSync(ours(), 'utf8'))).toMatchObject({
      mcpServers: { one: { command: join(home, 'project', 'run') } },
    });
    await cli('uninstall', 'cursor', '--file', 'project/.cursor/mcp.json');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe('the same server twice', () => {
  test('is told where one client has a variable and another its value; what differs in tools or is off is another', async () => {
    const memory = (path: string, more: object = {}): string =>
      JSON.stringify({ mcpServers: { memory: { command: 'm', args: [path], ...more } } });
    place(memory('${userHome}/m.json'), 'cursor');
    place(memory(join(home, 'm.json')), 'lmstudio');
    place(memory(join(home, 'm.json'), { disabledTools: ['delete_*'] }), 'windsurf');
    place(memory(join(home, 'm.json'), { disabled: true }), 'cline');
    const { stdout } = await cli('import', '--json');
    const { servers } = JSON.parse(stdout) as { servers: { client: string; result: string; key: string }[] };
    expect(servers.map(({ client, result }) => `${client}: ${result}`)).toEqual([
      'Cursor: taken as memory',
      'Windsurf: taken as memory-windsurf',
      'Cline: taken as memory-cline (switched off)',
      'LM Studio: the same as memory',
    ]);
    expect(JSON.parse(readFileSync(ours(), 'utf8'))).toMatchObject({
      mcpServers: { memory: { args: ['${userHome}/m.json'] } },
    });
  });
});

test('what would not load from our file is left, with the reason, and keeps nothing else from being served', async () => {
  const servers = {
    file: { command: 'x', envFile: '${userHome}/none.env' },
    good: { command: 'y' },
    unset: { url: 'http://127.0.0.1:1/', headers: { A: 'Bearer ${NOT_SET}' } },
  };
  place(JSON.stringify({ mcpServers: servers }), 'cursor');
  const variable = 'env = { A = "b" }\ncommand = "x"\n';
  place(`[mcp_servers.c]\n${variable}`, 'codex');
  const { stdout } = await cli('import');
  expect(stdout).toMatch(/file of Cursor is left: .*none\.env" cannot be read/);
  expect(names(ours())).toEqual(['good', 'unset', 'c']);
  expect(await cli('install', 'cursor', '--adopt')).toMatchObject({ code: 0 });
  const config = await loadConfig({ ...machine(), files: [ours()] });
  expect([...config.servers.keys()]).toEqual(['good', 'unset', 'c']);
});

test('a server for the folder that is open stays with its client, where the file is of no project', async () => {
  const open = { command: 'x', args: ['${workspaceFolder}/data'] };
  for (const client of ['cursor', 'vscode'] as const) {
    const key = client === 'vscode' ? 'servers' : 'mcpServers';
    const file = place(JSON.stringify({ [key]: { open, other: entry(client) } }), client);
    const { stdout } = await cli('import', '--dry-run', client);
    expect(stdout).toContain('is left: it needs ${workspaceFolder}, another folder with each project');
    expect((await cli('install', client, '--adopt')).stderr).toContain('open stays where it is');
    const root = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object>;
    expect(root[key]).toMatchObject({ open, switchyard: {} });
    expect(root[key]).not.toHaveProperty('other');
  }
  expect(names(ours())).toEqual(['other', 'other-vscode']);
});

describe('hostile names', () => {
  const text = `{ "mcpServers": { "__proto__": { "command": "p" }, "a\\u001b[31mb": { "command": "x" }, "constructor": { "command": "c" } } }`;

  test('are taken over as they are, and shown without what a terminal obeys', async () => {
    const file = place(text);
    const { code, stdout, stderr } = await cli('import');
    expect({ code, escapes: (stdout + stderr).includes('\u001b') }).toEqual({ code: 0, escapes: false });
    const adopted = await cli('install', 'cursor', '--adopt');
    expect((adopted.stdout + adopted.stderr).includes('\u001b')).toBe(false);
    expect(names(file)).toEqual(['switchyard']);
    const { mcpServers } = JSON.parse(readFileSync(ours(), 'utf8')) as { mcpServers: object };
    expect(Object.keys(mcpServers)).toEqual(['__proto__', 'a\u001b[31mb', 'constructor']);
    await cli('uninstall', 'cursor');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

test('a folder or a file without end in the place of a client’s file costs that client only', async () => {
  const [file = ''] = clientFiles('cursor', machine());
  mkdirSync(file, { recursive: true });
  place(JSON.stringify({ mcpServers: { one: entry('one') } }), 'lmstudio');
  const { code, stdout, stderr } = await cli('import');
  expect({ code, stderr }).toEqual({ code: 0, stderr: `Cursor: ${file}: it is not a file\n` });
  expect(stdout).toContain('taken as one');
});
