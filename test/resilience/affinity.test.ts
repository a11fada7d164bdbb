/** What has state stays with the member of the pool that has it. */
import { describe, expect, test } from 'vitest';
import { request } from 'undici';
import { modernHttpClient, stdioClient } from '../relay/wire/clients.ts';
import type { Wire } from '../relay/wire/conversation.ts';
import { raw, type Running, startHttpProxy, startRaw } from '../relay/wire/proxies.ts';

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const pool = { p: { members: ['a', 'b'], strategy: 'round-robin' } };

describe('in a pool that asks its members in turn', () => {
  test('a task stays with the member that has it', async () => {
    const members = [await startRaw({ era: 'modern' }), await startRaw({ era: 'modern' })];
    const [a, b] = members.map(({ url }) => ({ type: 'http', url }));
    const proxy = await startHttpProxy({ mcpServers: { a, b }, pools: pool });
    const client = modernHttpClient(proxy.url, { capabilities: TASKS });
    const asked = async ({ url }: Running, method: string): Promise<number> => {
      const { body } = await request(`${url}/requests`);
      const requests = (await body.json()) as { headers: Record<string, string> }[];
      return requests.filter(({ headers }) => headers['mcp-method'] === method).length;
    };
    const both = (method: string): Promise<number[]> => Promise.all(members.map((one) => asked(one, method)));
    await client.tools(5);
    const result = { resultType: 'task', taskId: 't', status: 'working', ttlMs: null };
    const made: Wire[] = [];
    for (let i = 0; i < 2; i++) made.push(await client.call('answer', { result }));
    expect(await both('tools/call')).toEqual([1, 1]);
    for (const { taskId } of made)
      for (let i = 0; i < 3; i++)
        expect(await client.request('tasks/get', { taskId: taskId as string })).toMatchObject({ taskId });
    expect(await both('tasks/get')).toEqual([3, 3]);
    await client.request('tasks/cancel', { taskId: made[0]?.['taskId'] as string });
    expect((await both('tasks/cancel')).sort()).toEqual([0, 1]);
    await client.vanish();
    await proxy.stop();
    for (const one of members) await one.stop();
  });

  test('a subscription is made at one member, and news of the others’ resource is not told', async () => {
    const one = raw({ resources: [{ uri: 'test://a', name: 'a' }] });
    const client = await stdioClient({ mcpServers: { a: one, b: one }, pools: pool });
    await client.tools(5);
    await client.request('resources/list');
    await client.request('resources/subscribe', { uri: 'test://a' });
    const update = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'test://a' } };
    const listNotifications = (): number =>
      client.messages.filter(({ method }) => method === 'notifications/resources/updated').length;
    // The members in turn: each says it twice.
    for (let i = 0; i < 4; i++) await client.call('emit', { messages: [update] });
    await client.request('ping');
    expect(listNotifications()).toBe(2);
    await client.request('resources/unsubscribe', { uri: 'test://a' });
    for (let i = 0; i < 2; i++) await client.call('emit', { messages: [update] });
    await client.request('ping');
    expect(listNotifications()).toBe(2);
    await client.close();
  });
});
