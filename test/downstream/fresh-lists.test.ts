/** Servers whose lists change without a word: a redeployed server, one that promises `ttlMs` and no more. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { legacyHttpClient, type LegacyHttpClient } from '../relay/wire/clients.ts';
import { type Conversation, told, type Wire } from '../relay/wire/conversation.ts';
import { inProcess, type InProcess } from '../relay/wire/in-process.ts';
import { startRaw } from '../relay/wire/proxies.ts';

vi.setConfig({ testTimeout: 20_000 });

const HOUR_MS = 3_600_000;
const LATE = { name: 'late', inputSchema: { type: 'object' } };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function behind(options: Wire): Promise<InProcess> {
  const server = await startRaw({ capabilities: { tools: {}, prompts: {} }, ...options });
  stops.push(() => server.stop());
  const proxy = await inProcess({ mcpServers: { web: { type: 'http', url: server.url } } });
  stops.push(() => proxy.close());
  return proxy;
}

async function clientOf(proxy: InProcess): Promise<LegacyHttpClient> {
  const client = await legacyHttpClient(proxy.url);
  stops.push(() => client.vanish());
  return client;
}

/** Says nothing of it to anybody. */
async function adds(client: Conversation, kind: string, item: Wire): Promise<void> {
  await client.call('list', { kind, items: [item] });
}

const names = async (client: Conversation): Promise<string[]> =>
  (await client.request('tools/list'))['tools'].map(({ name }: Wire) => name as string);
const timesAsked = async (client: Conversation): Promise<number> =>
  (told(await client.call('seen', { method: 'tools/list' })) as unknown[]).length;

describe('a tool that a server adds without a word', () => {
  test('U87 is in the list of a client that comes an hour later', async () => {
    const proxy = await behind({});
    const a = await clientOf(proxy);
    await a.tools(10);
    await adds(a, 'tools', LATE);
    proxy.clock.skip(HOUR_MS);
    expect(await names(await clientOf(proxy))).toContain('late');
  });

  test('is called, before any list has it', async () => {
    const proxy = await behind({});
    const a = await clientOf(proxy);
    await a.tools(10);
    await adds(a, 'tools', LATE);
    expect((await a.call('late'))['content'][0].text).toContain('late');
    await a.notification('notifications/tools/list_changed');
  });

  test('is as good as a prompt', async () => {
    const proxy = await behind({});
    const a = await clientOf(proxy);
    await a.tools(10);
    await adds(a, 'prompts', LATE);
    expect(await a.request('prompts/get', { name: 'late' })).toMatchObject({ asked: { name: 'late' } });
  });

  test('is asked for once its ttlMs is over, and its clients hear of it', async () => {
    const proxy = await behind({ era: 'modern', hints: { ttlMs: 300, cacheScope: 'private' } });
    const a = await clientOf(proxy);
    await a.tools(10);
    const from = a.messages.length;
    await adds(a, 'tools', LATE);
    await a.notification('notifications/tools/list_changed', from);
    expect(await names(a)).toContain('late');
  });
});

describe('asking again', () => {
  test('is done once for many clients that come at the same time', async () => {
    const proxy = await behind({});
    const a = await clientOf(proxy);
    await a.tools(10);
    const before = await timesAsked(a);
    proxy.clock.skip(HOUR_MS);
    const clients = await Promise.all(Array.from({ length: 10 }, () => clientOf(proxy)));
    await Promise.all(clients.map((client) => client.request('tools/list')));
    expect(await timesAsked(a)).toBe(before + 1);
  });

  test('is done once for a client that calls a tool that nobody has again and again', async () => {
    const proxy = await behind({});
    const a = await clientOf(proxy);
    await a.tools(10);
    const before = await timesAsked(a);
    for (let i = 0; i < 10; i++)
      expect((await a.ask('tools/call', { name: 'nonesuch' }))['error'].message).toContain('Unknown tool');
    expect(await timesAsked(a)).toBe(before + 1);
  });

  test('is not done while a server’s word of how long its lists are good holds', async () => {
    const proxy = await behind({ era: 'modern', hints: { ttlMs: 2 * HOUR_MS, cacheScope: 'private' } });
    const a = await clientOf(proxy);
    await a.tools(10);
    const before = await timesAsked(a);
    proxy.clock.skip(HOUR_MS);
    await (await clientOf(proxy)).request('tools/list');
    expect(await timesAsked(a)).toBe(before);
  });
});
