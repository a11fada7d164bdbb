/** Long results: kept whole for the client that called, shown in part, read on without another call. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { legacyHttpClient, type LegacyHttpClient } from '../relay/wire/clients.ts';
import type { Wire } from '../relay/wire/conversation.ts';
import { type Running, startHttpProxy } from '../relay/wire/proxies.ts';
import { manyServers } from './many-tools.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 40_000 });

const items = Array.from({ length: 5000 }, (_, id) => ({ id, name: `item ${id}`, open: id % 2 === 0 }));
const json = JSON.stringify({ items });
const lines = Array.from({ length: 50_000 }, (_, line) => `line ${line} of the log`).join('\n');
const tool = (name: string, answers: Wire, more: Wire = {}): Wire => ({
  server: 's',
  name,
  description: name,
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint: true },
  answers,
  ...more,
});
const said = (text: string): Wire => ({ content: [{ type: 'text', text }] });
const TOOLS = [
  tool('json', said(json)),
  tool('lines', said(lines)),
  tool('short', said('short')),
  tool('typed', { ...said(json), structuredContent: { items } }, { outputSchema: { type: 'object' } }),
  tool('failed', { ...said(lines), isError: true }),
  tool('mixed', {
    content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }, ...said(json)['content']],
  }),
];

let proxy: Running;
let client: LegacyHttpClient;
let other: LegacyHttpClient;
beforeAll(async () => {
  const mcpServers = manyServers({ tools: TOOLS });
  const expose = { namespaces: 'always', list: 'search' };
  proxy = await startHttpProxy({ mcpServers, expose, results: { maxTokens: 2000 } });
  client = await legacyHttpClient(proxy.url);
  other = await legacyHttpClient(proxy.url);
});
afterAll(async () => {
  await Promise.all([client.leave(), other.leave()]);
  await proxy.stop();
});

const call = (name: string): Promise<Wire> => client.call('call_read', { tool: `s__${name}`, args: {} });

function textOf(result: Wire): string {
  return result['content'].map(({ text }: Wire) => String(text ?? '')).join('\n');
}

function handleIn(result: Wire): string {
  const handle = /"result": "([\w-]+)"/.exec(textOf(result))?.[1];
  if (handle === undefined) throw new Error(textOf(result).slice(0, 500));
  return handle;
}

async function allPages(handle: string): Promise<string> {
  let whole = '';
  for (let offset = 0; ;) {
    const { content } = await client.call('read_result', { result: handle, offset });
    whole += content[0].text as string;
    const next = /"offset":(\d+)/.exec(content[1].text as string)?.[1];
    if (next === undefined) return whole;
    offset = Number(next);
  }
}

test.each([
  ['json', json],
  ['lines', lines],
])('a long result is shown in part, and its pages are the whole of it (%s)', async (name, whole) => {
  const result = await call(name);
  expect(textOf(result).length).toBeLessThan(12_000);
  expect(await allPages(handleIn(result))).toBe(whole);
});

test('a short result and a failure pass as they are', async () => {
  expect(await call('short')).toEqual(said('short'));
  expect(textOf(await call('failed'))).toBe(lines);
});

test('pictures stay beside what stands for the long text', async () => {
  const { content } = await call('mixed');
  expect(content.map(({ type }: Wire) => type as string)).toEqual(['text', 'image', 'resource_link']);
});

test('what the client was told the shape of is whole, and the same result may be shortened where it was not', async () => {
  const slim = await legacyHttpClient(`${proxy.url}/slim`);
  const direct = await slim.call('s__typed');
  expect(direct['structuredContent'].items).toHaveLength(5000);
  await slim.leave();
  expect((await call('typed'))['structuredContent']).toBeUndefined();
});

test('a part is read by a pointer, by a text and by an expression', async () => {
  const result = handleIn(await call('json'));
  const read = async (how: Wire): Promise<string> =>
    textOf(await client.call('read_result', { result, ...how }));
  expect(await read({ pointer: '/items/4999/name' })).toContain('item 4999');
  expect(await read({ find: 'item 4321' })).toContain('item 4321');
  expect(await read({ cel: 'size(value.items.filter(i, i.open))' })).toContain('2500');
});

test('a handle is unknown to every other client, by the tool and by the link', async () => {
  const result = await call('json');
  const handle = handleIn(result);
  const { uri } = result['content'].at(-1) as { uri: string };
  const answer = await other.call('read_result', { result: handle });
  expect(answer['isError']).toBe(true);
  expect(textOf(answer)).toContain('There is no result');
  expect((await other.ask('resources/read', { uri }))['error']).toBeDefined();
  const { contents } = await client.request('resources/read', { uri });
  expect(contents[0].text).toBe(json);
});
