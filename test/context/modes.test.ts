/** Which list a client gets, who decides it, and what stays the same whatever the mode. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { legacyHttpClient, modernHttpClient, spawnStdio } from '../relay/wire/clients.ts';
import type { Conversation, Wire } from '../relay/wire/conversation.ts';
import { raw, type Running, startHttpProxy } from '../relay/wire/proxies.ts';
import { manyServers } from './many-tools.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const long = { description: `Says it. ${'And more of it. '.repeat(30)}`, type: 'string' };
const TOOL = {
  server: 's',
  name: 'say',
  description: `Says something. ${'And says it well. '.repeat(40)}`,
  inputSchema: { type: 'object', properties: { text: { ...long, minLength: 2 } }, required: ['text'] },
  annotations: { readOnlyHint: true },
  answers: { content: [{ type: 'text', text: 'Invalid arguments: text is too short' }], isError: true },
};
const servers = manyServers({ tools: [TOOL, { ...TOOL, name: 'drop' }, { ...TOOL, name: 'merge' }] });

async function namesFor(client: Conversation): Promise<string[]> {
  const { tools } = await client.request('tools/list');
  return tools.map(({ name }: Wire) => name as string);
}

function modeOf(names: readonly string[]): string {
  if (names.includes('call_read')) return 'search';
  return names.includes('describe_tools') ? 'slim' : 'all';
}

async function greeted(url: string, name = 'test', token?: string): Promise<Wire & { names: string[] }> {
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const post = async (message: Wire, more: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(message) });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1' } };
  const first = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const session = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' };
  const list = await post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, session);
  const { result } = JSON.parse((await list.text()).replace(/^[^{]*/, '').trim()) as Wire;
  return { names: (result['tools'] as Wire[]).map((tool) => tool['name'] as string) };
}

describe('who decides', () => {
  let proxy: Running;
  beforeAll(async () => {
    proxy = await startHttpProxy({
      mcpServers: servers,
      http: { tokens: { alice: 'a1', bob: 'b1' } },
      expose: {
        namespaces: 'always',
        list: 'slim',
        tokens: { alice: 'search' },
        clients: { 'cursor*': 'search' },
      },
    });
  });
  afterAll(() => proxy.stop());

  test.each([
    ['the URL before the token', '/all', 'test', 'a1', 'all'],
    ['the token before the name', '', 'other', 'a1', 'search'],
    ['the name before the config', '', 'Cursor-vscode', 'b1', 'search'],
    ['the config where nothing else does', '', 'other', 'b1', 'slim'],
    ['the URL before the name', '/slim', 'cursor', 'b1', 'slim'],
  ])('%s', async (_what, path, name, token, mode) => {
    expect(modeOf((await greeted(proxy.url + path, name, token)).names)).toBe(mode);
  });

  test('a modern client gets the same list whatever it calls itself', async () => {
    const [one, other] = ['b1', 'b1'].map((token) => modernHttpClient(proxy.url, { token }));
    const cursor = { 'io.modelcontextprotocol/clientInfo': { name: 'cursor', version: '1' } };
    const first = await one?.request('tools/list');
    const second = await other?.request('tools/list', { _meta: cursor });
    expect(second).toEqual(first);
    expect(modeOf((first?.['tools'] as Wire[]).map(({ name }) => name as string))).toBe('slim');
    await Promise.all([one?.vanish(), other?.vanish()]);
  });
});

describe('auto', () => {
  test.each([
    ['a client that keeps definitions back gets all of them', 'claude-code', 50, 'all'],
    ['any other client gets a search over the budget', 'opencode', 50, 'search'],
    ['any other client gets all within the budget', 'opencode', 100_000, 'all'],
  ])('%s', async (_what, name, budget, mode) => {
    const config = { mcpServers: servers, expose: { namespaces: 'always', list: 'auto', budget } };
    const proxy = await startHttpProxy(config);
    const first = await greeted(proxy.url, name);
    const again = await greeted(proxy.url, name);
    await proxy.stop();
    expect([modeOf(first.names), modeOf(again.names)]).toEqual([mode, mode]);
  });
});

test('a config that says nothing lists the tools to the letter as they are, and nothing beside', async () => {
  const client = spawnStdio({ mcpServers: servers, expose: { namespaces: 'none', metaTools: false } });
  const clientInfo = { name: 'test', version: '1' };
  await client.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  const { tools } = await client.request('tools/list');
  const { server: _server, answers: _answers, ...own } = TOOL;
  expect(tools[0]).toEqual(own);
  expect(tools).toHaveLength(3);
  await client.close();
});

describe('shortened tools', () => {
  let proxy: Running;
  beforeAll(async () => {
    proxy = await startHttpProxy({
      mcpServers: servers,
      expose: { namespaces: 'always', list: 'slim', pins: ['s__merge'], never: ['s__drop'] },
    });
  });
  afterAll(() => proxy.stop());

  test('keep their name, class and required arguments; pinned ones are whole, forbidden ones are gone', async () => {
    const client = await legacyHttpClient(proxy.url);
    const { tools } = await client.request('tools/list');
    const [say, merge] = tools as Wire[];
    expect(say).toMatchObject({ name: 's__say', annotations: { readOnlyHint: true } });
    expect(say?.['description']).toBe('Says something.');
    expect(say?.['inputSchema'].required).toEqual(['text']);
    expect(merge).toMatchObject({ name: 's__merge', description: TOOL.description });
    expect(merge?.['_meta']).toEqual({ 'anthropic/alwaysLoad': true });
    expect(tools.map(({ name }: Wire) => name as string)).not.toContain('s__drop');
    await client.leave();
  });

  test('an error about arguments carries the whole schema once for each client', async () => {
    const [one, other] = await Promise.all([legacyHttpClient(proxy.url), legacyHttpClient(proxy.url)]);
    const first = await one.call('s__say', { text: 'x' });
    const second = await one.call('s__say', { text: 'x' });
    const others = await other.call('s__say', { text: 'x' });
    expect(JSON.stringify(first)).toContain('minLength');
    expect(JSON.stringify(second)).not.toContain('minLength');
    expect(JSON.stringify(others)).toContain('minLength');
    await Promise.all([one.leave(), other.leave()]);
  });

  test('a forbidden tool is refused by its own name, too', async () => {
    const client = await legacyHttpClient(proxy.url);
    const answer = await client.ask('tools/call', { name: 's__drop', arguments: {} });
    expect(JSON.stringify(answer)).toContain('expose.never');
    await client.leave();
  });
});

describe('consent', () => {
  const config = {
    mcpServers: { a: raw() },
    expose: { namespaces: 'always', list: 'search', confirm: { 'a__ec*': 'ask' } },
  };
  const call = { tool: 'a__echo', args: { n: 1 } };

  test('the person is asked with the real name and arguments, and decides', async () => {
    const proxy = await startHttpProxy(config);
    const client = await legacyHttpClient(proxy.url, { capabilities: { elicitation: {} } });
    const questions: Wire[] = [];
    const answers = [
      { action: 'accept', content: { confirm: true } },
      { action: 'accept', content: { confirm: false } },
      { action: 'decline' },
    ];
    client.onQuestion = (question) => {
      questions.push(question);
      return answers[questions.length - 1];
    };
    const results = [];
    for (let i = 0; i < 3; i++) results.push(await client.call('call_destructive', call));
    expect(questions[0]?.['params'].message).toBe('Call a__echo with {"n":1}?');
    expect(results.map(({ isError }) => isError === true)).toEqual([false, true, true]);
    await client.leave();
    await proxy.stop();
  });

  test('without a client that can ask nothing is called', async () => {
    const proxy = await startHttpProxy(config);
    const client = await legacyHttpClient(proxy.url);
    const result = await client.call('a__echo', {});
    expect(result['isError']).toBe(true);
    expect(JSON.stringify(result)).toContain('cannot ask');
    await client.leave();
    await proxy.stop();
  });
});

describe('rules over tools of the proxy itself', () => {
  const tools = { both: { targets: [{ tool: 'a__echo' }] }, off: { targets: [{ tool: 'a__echo' }] } };
  const expose = {
    namespaces: 'always',
    confirm: { both: 'ask', 'a__*': 'ask' },
    never: ['off', 'proxy_status'],
  };

  test('the person is asked once about a composed tool, and once about what it calls', async () => {
    const proxy = await startHttpProxy({ mcpServers: { a: raw() }, tools, expose });
    const client = await legacyHttpClient(proxy.url, { capabilities: { elicitation: {} } });
    const asked: unknown[] = [];
    client.onQuestion = ({ params }) => {
      asked.push(params.message);
      return { action: 'accept', content: { confirm: true } };
    };
    const result = await client.call('both', {});
    expect(asked).toEqual(['Call both with {}?', 'Call a__echo with {}?']);
    expect(result['isError']).not.toBe(true);
    await client.leave();
    await proxy.stop();
  });

  test('a forbidden one is not listed, and refused', async () => {
    const proxy = await startHttpProxy({ mcpServers: { a: raw() }, tools, expose });
    const client = await legacyHttpClient(proxy.url);
    const names = await namesFor(client);
    expect([names.includes('both'), names.includes('off'), names.includes('proxy_status')]).toEqual([
      true,
      false,
      false,
    ]);
    for (const name of ['off', 'proxy_status'])
      expect(JSON.stringify(await client.ask('tools/call', { name, arguments: {} }))).toContain(
        'expose.never',
      );
    await client.leave();
    await proxy.stop();
  });
});

test('a search over servers that come and change is told of no changed list', async () => {
  const proxy = await startHttpProxy({
    mcpServers: { a: raw() },
    expose: { namespaces: 'always', list: 'search' },
  });
  const client = await legacyHttpClient(proxy.url);
  const before = await namesFor(client);
  const item = { name: 'fresh_one', description: 'Bakes bread', inputSchema: { type: 'object' } };
  await client.call('a__list', { kind: 'tools', items: [item] });
  await client.call('a__emit', {
    messages: [{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }],
  });
  await vi.waitFor(async () => {
    const found = await client.call('find_tools', { query: 'bake some bread' });
    expect(JSON.stringify(found)).toContain('a__fresh_one(');
  });
  expect(await namesFor(client)).toEqual(before);
  expect(client.messages.some(({ method }) => method === 'notifications/tools/list_changed')).toBe(false);
  await client.leave();
  await proxy.stop();
});
