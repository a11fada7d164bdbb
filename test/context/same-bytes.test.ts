/** Lists and instructions depend on the config and on what servers offer, not on who was up first: prompt caches stay warm. */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { spawnStdio } from '../relay/wire/clients.ts';
import { manyServers, manyTools } from './many-tools.ts';

vi.setConfig({ testTimeout: 120_000 });

const SERVERS = ['server-1', 'server-2', 'server-3', 'server-4', 'server-5'];
const tools = manyTools()
  .filter(({ server }) => SERVERS.includes(server))
  .map(({ server, name, annotations }) => ({
    server,
    name,
    annotations,
    description: `Does ${name}. And more.`,
    inputSchema: { type: 'object' },
  }));

async function hashOf(list: string, seed: number, stateDir: string): Promise<string> {
  const delayMs = (server: string): number => (Number(server.slice(7)) * seed * 37) % 120;
  const mcpServers = manyServers({ tools, delayMs, instructions: 'Use it well. '.repeat(40) });
  const expose = { namespaces: 'always', list, pins: ['server-1__*_0'] };
  const client = spawnStdio({ mcpServers, expose, stateDir });
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const { instructions } = await client.request('initialize', params);
  client.notify('notifications/initialized');
  const { tools: listed } = await client.request('tools/list');
  const changed = client.messages.filter(({ method }) => method === 'notifications/tools/list_changed');
  if (list === 'search') expect(changed).toEqual([]);
  await client.close();
  return createHash('sha256')
    .update(JSON.stringify([instructions, listed]))
    .digest('hex');
}

describe('20 starts, with servers that are up in another order each time', () => {
  test.each(['search', 'slim'])('give one list and one text of instructions (%s)', async (list) => {
    const stateDir = mkdtempSync(join(tmpdir(), 'switchyard-bytes-'));
    // The first start learns what the servers offer.
    await hashOf(list, 1, stateDir);
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 2)
      for (const hash of await Promise.all([seed, seed + 1].map((one) => hashOf(list, one, stateDir))))
        hashes.add(hash);
    expect(hashes.size).toBe(1);
  });
});
