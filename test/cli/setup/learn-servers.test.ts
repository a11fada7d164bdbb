/** The commands that put a server into our config connect it once, so that a client's first start is a warm one. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { server } from '../../harness/proxy.ts';
import { runCli, type Said, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 20_000 });

let home: string;
let journal: string;
beforeEach(() => {
  home = temporaryFolder('learn');
  journal = join(home, 'journal');
});

const cli = (...args: string[]): Promise<Said> => runCli(args, { cwd: home });

/** Slower than a list that may not wait. */
function slow(): { command: string; args: string[] } {
  const { command, args } = server({ initDelayMs: 700, names: ['echo'], journal });
  return { command: command as string, args: args as string[] };
}

/** What a client's first list shows that cannot wait for anything. */
async function firstNames(): Promise<string[]> {
  const file = join(home, '.config', 'switchyard', 'switchyard.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...config, expose: { listWaitMs: 0, namespaces: 'always' } }));
  const child = startCli(['serve', '--config', file], { cwd: home });
  const exited = once(child, 'exit');
  const identity = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'c', version: '1' },
  };
  const messages = [
    { id: 1, method: 'initialize', params: identity },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  for (const message of messages) child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const lines = (async function* () {
    let text = '';
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      text += chunk.toString();
      const parts = text.split('\n');
      text = parts.pop() ?? '';
      yield* parts;
    }
  })();
  for await (const line of lines) {
    const { id, result } = JSON.parse(line) as { id?: number; result?: { tools: { name: string }[] } };
    if (id !== 2) continue;
    child.stdin?.end();
    // It writes into its home until then.
    await exited;
    return result?.tools.map(({ name }) => name) ?? [];
  }
  return [];
}

test('add connects a server once and says how many tools it has; the first list of a client has them', async () => {
  const { command, args } = slow();
  const { code, stdout } = await cli('add', 'slow', '--', command, ...args);
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('slow: 1 tool') as string,
  });
  expect(await firstNames()).toContain('slow__echo');
});

test('import does so with all that it takes', async () => {
  mkdirSync(join(home, '.cursor'));
  writeFileSync(
    join(home, '.cursor', 'mcp.json'),
    JSON.stringify({ mcpServers: { slow: slow(), other: { ...slow(), env: { OTHER: 'yes' } } } }),
  );
  const { code, stdout } = await cli('import', 'cursor', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    learned: [
      { server: 'slow', tools: 1 },
      { server: 'other', tools: 1 },
    ],
  });
  expect(await firstNames()).toEqual(expect.arrayContaining(['slow__echo', 'other__echo']));
});

test('init does so by its check', async () => {
  mkdirSync(join(home, '.cursor'));
  writeFileSync(join(home, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: { slow: slow() } }));
  expect((await cli('init', '--yes')).code).toBe(0);
  expect(await firstNames()).toContain('slow__echo');
});

test('install does so with what is not known yet, and with nothing twice', async () => {
  const { command, args } = slow();
  await cli('add', 'slow', '--no-check', '--', command, ...args);
  expect(() => readFileSync(journal)).toThrow('ENOENT');
  expect((await cli('install', 'cursor')).stdout).toContain('slow: 1 tool');
  expect(readFileSync(journal, 'utf8')).toContain('initialize');
  rmSync(journal, { force: true });
  expect((await cli('install', 'gemini')).stdout).not.toContain('slow: 1 tool');
  expect(() => readFileSync(journal)).toThrow('ENOENT');
});

test('a server that does not start is told of, and is in the config all the same', async () => {
  const { code, stdout } = await cli('add', 'broken', '--', 'no-such-command-anywhere');
  expect(code).toBe(0);
  expect(stdout).toContain('broken: does not start yet: "broken" did not start');
  const file = join(home, '.config', 'switchyard', 'switchyard.json');
  expect(readFileSync(file, 'utf8')).toContain('no-such-command-anywhere');
  const { stdout: json } = await cli('add', 'gone', '--json', '--', 'no-such-command-anywhere');
  expect(JSON.parse(json)).toMatchObject({
    added: 'gone',
    trouble: expect.stringContaining('"gone"') as string,
  });
});
