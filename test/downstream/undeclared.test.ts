/** Servers that offer what they do not declare, and those that cannot bear to be asked. */
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { legacyHttpClient, type StdioClient, stdioClient } from '../relay/wire/clients.ts';
import { told, type Wire } from '../relay/wire/conversation.ts';
import { startHttpProxy, startRaw } from '../relay/wire/proxies.ts';

vi.setConfig({ testTimeout: 20_000 });

const SERVER = join(import.meta.dirname, '../fixtures/servers/undeclared.mjs');
const TOOLS = [{ name: 'asked', inputSchema: { type: 'object' } }];
const PROMPTS = [{ name: 'greet' }];
const RESOURCES = [{ uri: 'test://a', name: 'a' }];
const TEMPLATES = [{ uriTemplate: 'test://{x}', name: 't' }];

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function clientOf(options: Wire): Promise<StdioClient> {
  const entry = { command: process.execPath, args: [SERVER, JSON.stringify(options)] };
  const client = await stdioClient({ mcpServers: { s: entry } });
  stops.push(() => client.close());
  return client;
}

const list = async (client: StdioClient, method: string, kind: string): Promise<Wire[]> =>
  (await client.request(method))[kind] as Wire[];
const asked = async (client: StdioClient): Promise<string[]> => told(await client.call('asked')) as string[];

describe('what a server does not declare', () => {
  test('U93 is listed and called all the same, for tools', async () => {
    const client = await clientOf({ capabilities: {}, lists: { tools: TOOLS } });
    expect(await list(client, 'tools/list', 'tools')).toEqual(TOOLS);
    expect(await asked(client)).toContain('tools/call');
  });

  test('is listed, announced and read, for prompts and resources beside declared tools', async () => {
    const lists = { tools: TOOLS, prompts: PROMPTS, resources: RESOURCES, resourceTemplates: TEMPLATES };
    const client = await clientOf({ capabilities: { tools: {} }, lists });
    await list(client, 'tools/list', 'tools');
    expect(await list(client, 'prompts/list', 'prompts')).toEqual(PROMPTS);
    expect(await list(client, 'resources/list', 'resources')).toEqual(RESOURCES);
    expect(await list(client, 'resources/templates/list', 'resourceTemplates')).toEqual(TEMPLATES);
    expect((await client.request('resources/read', { uri: 'test://a' }))['contents'][0].text).toBe('read');
    expect(await client.request('prompts/get', { name: 'greet' })).toEqual({ messages: [] });
  });

  test('is announced to the next client', async () => {
    const server = await startRaw({ capabilities: {}, prompts: PROMPTS });
    stops.push(() => server.stop());
    const proxy = await startHttpProxy({ mcpServers: { web: { type: 'http', url: server.url } } });
    stops.push(() => proxy.stop());
    const a = await legacyHttpClient(proxy.url);
    await a.tools(10);
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'b', version: '1' },
    };
    const response = await fetch(proxy.url, {
      method: 'POST',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    const { result } = (await response.json()) as Wire;
    expect(result.capabilities).toMatchObject({
      tools: { listChanged: true },
      prompts: { listChanged: true },
    });
    await a.vanish();
  });

  test('and is not there costs nothing: no trouble is told', async () => {
    const client = await clientOf({ capabilities: { tools: {} }, lists: { tools: TOOLS } });
    expect(await list(client, 'tools/list', 'tools')).toEqual(TOOLS);
    expect(await list(client, 'prompts/list', 'prompts')).toEqual([]);
    expect(client.stderr()).toBe('');
  });
});

describe('a server that cannot bear to be asked what it does not declare', () => {
  test('and never answers is listed by what it declares, and not asked again', async () => {
    const client = await clientOf({ capabilities: { tools: {} }, lists: { tools: TOOLS }, other: 'silent' });
    expect(await client.tools(1)).toEqual(TOOLS);
    const changed = await asked(client);
    expect(changed.filter((method) => method === 'prompts/list')).toHaveLength(1);
  });

  test('and ends is started again, asked only for what it declares, and listed', async () => {
    const client = await clientOf({ capabilities: { tools: {} }, lists: { tools: TOOLS }, other: 'exit' });
    expect(await client.tools(1)).toEqual(TOOLS);
    await expect.poll(async () => asked(client).catch(() => []), { timeout: 10_000 }).toContain('tools/call');
    expect((await asked(client)).filter((method) => method === 'prompts/list')).toEqual([]);
  });

  test('and is slow has what it offers listed as soon as it is told', async () => {
    const lists = { tools: TOOLS, prompts: PROMPTS };
    const client = await clientOf({ capabilities: { tools: {} }, lists, other: 'late' });
    await client.tools(1);
    await client.notification('notifications/prompts/list_changed');
    expect(await list(client, 'prompts/list', 'prompts')).toEqual(PROMPTS);
  });
});
