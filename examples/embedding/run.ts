/**
 * Switchyard as a library: a program of your own with the proxy within it, and a client beside it in the same process.
 * Exit 0 only if all was as expected.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { ConfigError, connectInProcess, createProxy, loadConfig, type Logger } from 'mcp-switchyard';

const quiet: Logger = { debug() {}, info() {}, warn: console.error, error: console.error };
const echo = `require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const results = {
    initialize: () => ({
      protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' },
    }),
    'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({ content: [{ type: 'text', text: params.arguments.text }] }),
  };
  const answer = results[method] ? { result: results[method]() } : { error: { code: -32601, message: 'none' } };
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
})`;

const folder = await mkdtemp(join(tmpdir(), 'switchyard-embedding-'));
const file = join(folder, 'switchyard.json');
const machine = { cwd: folder, env: process.env, homeDir: homedir(), platform: process.platform };
try {
  await writeFile(file, '{ "mcpServers": {}, "timeout": 3 }');
  await assert.rejects(
    async () => loadConfig({ files: [file], ...machine }),
    (error) => error instanceof ConfigError && error.message.includes('timeout'),
  );
  console.log('A wrong config is an error that names the place.');

  const servers = { one: { command: process.execPath, args: ['-e', echo] } };
  await writeFile(file, JSON.stringify({ mcpServers: servers, stateDir: join(folder, 'state') }));
  const config = await loadConfig({ files: [file], ...machine });
  const proxy = await createProxy({
    config,
    version: '1.0.0',
    exclusive: true,
    env: process.env,
    log: quiet,
  });
  const client = new Client({ name: 'my-program', version: '1.0.0' });
  try {
    await client.connect(connectInProcess(proxy, { log: quiet }));
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === 'echo'));
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
    assert.deepEqual(content, [{ type: 'text', text: 'hello' }]);
    console.log('The tool answered through the proxy.');
  } finally {
    await client.close();
    await proxy.close();
  }
  console.log('Everything was as expected.');
} finally {
  await rm(folder, { recursive: true, force: true });
}
