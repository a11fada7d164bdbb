/** `imports`: what a client has configured is served as long as it has. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../harness/until.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

test('a server that a client’s own file gains or loses comes and goes while the proxy runs', async () => {
  const home = temporaryFolder('imports');
  const entry = { command: process.execPath, args: [join(ROOT, 'test/fixtures/faults/stdio.mjs'), '{}'] };
  const file = join(home, '.cursor', 'mcp.json');
  const has = (...names: string[]): void =>
    writeFileSync(
      file,
      JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, entry])) }),
    );
  mkdirSync(join(home, '.cursor'));
  has('a');
  const config = join(home, 'switchyard.json');
  writeFileSync(config, JSON.stringify({ imports: ['cursor'], expose: { namespaces: 'always' } }));
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(ROOT, 'dist/cli.js'), '--config', config],
      env: { HOME: home, PATH: process.env['PATH'] ?? '' },
      stderr: 'ignore',
    }),
  );
  onTestFinished(() => client.close());
  let seen = '';
  const serves = async (names: string): Promise<void> => {
    await until(
      `it serves ${names}`,
      async () => {
        const { tools } = await client.listTools();
        seen = tools.flatMap(({ name }) => (name.endsWith('__echo') ? [name[0]] : [])).join('');
        return seen === names;
      },
      15_000,
      () => seen,
    );
  };

  await serves('a');
  has('a', 'b');
  await serves('ab');
  has('b');
  await serves('b');
  expect((await client.callTool({ name: 'b__echo', arguments: { text: 'x' } })).isError).not.toBe(true);
});
