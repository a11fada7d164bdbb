/** Old clients in front of new servers, new clients in front of old ones, new ones in front of new ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import {
  type ModernClient,
  modernHttpClient,
  modernStdioClient,
  type StdioClient,
  stdioClient,
} from './wire/clients.ts';
import { type Conversation, told, type Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';
import { raw, type Running, startHttpProxy, startRaw } from './wire/proxies.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const META = 'io.modelcontextprotocol/';
const TASKS = { extensions: { [`${META}tasks`]: {} } };
const EVERYTHING = {
  roots: {},
  sampling: { tools: {} },
  elicitation: { form: {}, url: {} },
  ...TASKS,
};
const FORM = {
  message: 'Which?',
  requestedSchema: { type: 'object', properties: { a: { type: 'string' } } },
  'x-new': 1,
};
const SAMPLING = { messages: [{ role: 'user', content: { type: 'text', text: 'a' } }], maxTokens: 5 };
const elicit = { method: 'elicitation/create', params: FORM };
const sample = { method: 'sampling/createMessage', params: SAMPLING };
const roots = { method: 'roots/list' };
const COMPLETION = { role: 'assistant', model: 'm', content: { type: 'text', text: 'b' } };

function update(uri: string): Wire {
  return { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } };
}
const TOOLS_CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };

function answering({ method }: Wire): Wire {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///a' }] };
  return method === 'sampling/createMessage' ? COMPLETION : { action: 'accept', content: { a: 'yes' } };
}

function seenBy(client: Conversation): (method: string, count?: number) => Promise<Wire[]> {
  return async (method, count = 1) =>
    (told(await client.call('seen', { method, count })) as { message: Wire }[]).map(({ message }) => message);
}

describe('a legacy client in front of a modern server', () => {
  let client: StdioClient;
  let seen: ReturnType<typeof seenBy>;
  beforeAll(async () => {
    client = await stdioClient(
      { mcpServers: { one: raw({ era: 'modern', resources: [{ uri: 'test://a', name: 'a' }] }) } },
      { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } },
    );
    seen = seenBy(client);
    await client.tools(10);
  });
  afterAll(() => client.close());

  test('is found out by `initialize`, and its requests carry the client’s capabilities', async () => {
    const [hello] = await seen('initialize');
    expect(hello?.['params'].protocolVersion).toBe('2025-11-25');
    const [discover] = await seen('server/discover');
    expect(discover?.['params']._meta[`${META}clientCapabilities`]).toEqual({
      roots: {},
      sampling: {},
      elicitation: { form: {}, url: {} },
    });
  });

  test('gets results without what only the modern family knows', async () => {
    const { tools, ...rest } = await client.request('tools/list');
    expect(tools.length).toBeGreaterThan(5);
    expect(Object.keys(rest)).toEqual([]);
    const result = await client.call('answer', { result: { content: [], structuredContent: [1, 2] } });
    expect(result).toEqual({
      content: [{ type: 'text', text: '[1,2]' }],
      _meta: { [`${META}serverInfo`]: { name: 'raw', version: '1' } },
    });
  });

  test('is asked by form, for a completion and for roots, in several rounds, with the server’s name', async () => {
    client.onQuestion = answering;
    const from = client.messages.length;
    const rounds = [{ one: elicit, two: sample }, { three: roots }, { four: elicit }];
    const { structuredContent } = await client.call('ask', { rounds });
    expect(structuredContent.answers).toEqual([
      { one: answering(elicit), two: COMPLETION },
      { three: { roots: [{ uri: 'file:///a' }] } },
      { four: answering(elicit) },
    ]);
    const asked = client.messages
      .slice(from)
      .filter(({ id, method }) => id !== undefined && method !== undefined);
    expect(asked.map(({ method }) => method as string)).toEqual([
      'elicitation/create',
      'sampling/createMessage',
      'roots/list',
      'elicitation/create',
    ]);
    expect(asked[0]?.['params']).toEqual({ ...FORM, message: '[one] Which?' });
    expect(asked[1]?.['params'].systemPrompt).toContain('[one]');
  });

  test('is asked to open an address with the id that its revision wants', async () => {
    client.onQuestion = () => ({ action: 'accept' });
    const params = { mode: 'url', message: 'Open', url: 'https://a.example/' };
    const from = client.messages.length;
    await client.call('ask', { rounds: [{ one: { method: 'elicitation/create', params } }] });
    const question = await client.question('elicitation/create', from);
    expect(question['params']).toEqual({
      ...params,
      message: '[one] Open',
      elicitationId: expect.any(String),
    });
  });

  test('is no longer asked once it has cancelled the call', async () => {
    client.onQuestion = () => undefined;
    const from = client.messages.length;
    client.send({
      id: 'asks',
      method: 'tools/call',
      params: { name: 'ask', arguments: { rounds: [{ one: elicit }] } },
    });
    const question = await client.question('elicitation/create', from);
    client.notify('notifications/cancelled', { requestId: 'asks' });
    expect((await client.notification('notifications/cancelled', from))['params'].requestId).toBe(
      question['id'],
    );
  });

  test('a missing capability (-32021) is translated into a sentence that names the server', async () => {
    const result = await client.call('answer', {
      error: { code: -32021, message: 'm', data: { requiredCapabilities: { extensions: { x: {} } } } },
    });
    expect(result['isError']).toBe(true);
    expect(result['content'][0].text).toContain('"one"');
    expect(result['_meta']['switchyard/error']).toMatchObject({ code: 'CLIENT_CANNOT', server: 'one' });
  });

  test('gets log messages from the level on that it set, and progress', async () => {
    await client.request('logging/setLevel', { level: 'warning' });
    const from = client.messages.length;
    await client.call('log', { level: 'warning', text: 'hear' });
    await client.call('progress', { steps: 2 }, { progressToken: 'p' });
    const came = client.messages.slice(from);
    expect(came.map(({ method, params }) => params?.data ?? params?.progress ?? method)).toEqual([
      'hear',
      undefined,
      1,
      2,
      undefined,
    ]);
    const calls = await seen('tools/call');
    expect(calls.find(({ params }) => params.name === 'log')?.['params']._meta[`${META}logLevel`]).toBe(
      'warning',
    );
  });

  test('hears of changed lists and updated resources that the server tells on its stream', async () => {
    const from = client.messages.length;
    await client.request('resources/subscribe', { uri: 'test://a' });
    const listens = await seen('subscriptions/listen', 2);
    expect(listens.at(-1)?.['params'].notifications).toEqual({
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: ['test://a'],
    });
    await client.call('list', { kind: 'tools', items: [{ name: 'late', inputSchema: { type: 'object' } }] });
    await client.call('emit', { messages: [update('test://a'), update('test://b'), TOOLS_CHANGED] });
    await client.notification('notifications/tools/list_changed', from);
    const updates = client
      .all('notifications/resources/updated')
      .map(({ params }) => (params as { uri: string }).uri);
    expect(updates).toEqual(['test://a']);
  });

  test('listens anew when the server ends its stream, by result or by cancelling it', async () => {
    for (const end of ['result', 'cancelled']) {
      const before = (await seen('subscriptions/listen')).length;
      await client.call('emit', { end });
      await seen('subscriptions/listen', before + 1);
    }
  }, 12_000);

  test('has no tasks of a form that it cannot know', async () => {
    const mine = await stdioClient({ mcpServers: { one: raw({ era: 'modern' }) } }, TASKS);
    const [discover] = await seenBy(mine)('server/discover');
    expect(discover?.['params']._meta[`${META}clientCapabilities`]).toBeDefined();
    await mine.close();
  });
});

describe('a modern client in front of a legacy server', () => {
  let server: Running;
  let proxy: Running;
  let client: ModernClient;
  let seen: ReturnType<typeof seenBy>;
  beforeAll(async () => {
    server = await startRaw({ resources: [{ uri: 'test://a', name: 'a' }] });
    proxy = await startHttpProxy({
      mcpServers: { one: { type: 'http', url: server.url } },
      http: { tokens: { alice: 'token-of-alice', bob: 'token-of-bob' } },
    });
    client = modernHttpClient(proxy.url, { token: 'token-of-alice', capabilities: EVERYTHING });
    await client.call('seen');
    seen = seenBy(client);
  });
  afterAll(async () => {
    await client.vanish();
    await proxy.stop();
    await server.stop();
  });

  const ask = (questions: Wire[], more: Wire = {}): Wire => ({
    name: 'ask',
    arguments: { questions, ...more },
  });

  test('discovers the proxy, and gets results with all that its family must have', async () => {
    const hello = await client.request('server/discover');
    expect(hello).toMatchObject({ resultType: 'complete', supportedVersions: ['2026-07-28'] });
    expect(hello['capabilities']).toMatchObject({ tools: { listChanged: true } });
    expect(await client.request('tools/list')).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
    expect(await client.request('resources/read', { uri: 'test://a' })).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
    expect((await client.ask('ping'))['error'].code).toBe(-32601);
    expect(client.status()).toBe(404);
  });

  test('gets the server’s questions as input_required, round by round, and its answers arrive', async () => {
    const params = ask([elicit, sample, roots]);
    let result = await client.request('tools/call', params);
    const keys: string[] = [];
    for (const question of [elicit, sample, roots]) {
      expect(result['resultType']).toBe('input_required');
      const [[key, asked]] = Object.entries(result['inputRequests']) as [[string, Wire]];
      expect(asked['method']).toBe(question.method);
      keys.push(key);
      result = await client.request('tools/call', {
        ...params,
        inputResponses: { [key]: answering(question) },
        requestState: result['requestState'],
      });
    }
    expect(new Set(keys).size).toBe(3);
    expect(result['resultType']).toBe('complete');
    expect(result['structuredContent'].answers.map((one: Wire) => one['result'])).toEqual(
      [elicit, sample, roots].map(answering),
    );
    expect(await seen('tools/call')).toContainEqual(
      expect.objectContaining({ params: expect.objectContaining({ name: 'ask' }) }),
    );
  });

  test('gets questions that are asked together in one round', async () => {
    const params = ask([elicit, sample, roots], { together: true });
    const result = await client.request('tools/call', params);
    const requests = Object.entries(result['inputRequests'] as Wire) as [string, Wire][];
    expect(requests.map(([, { method }]) => method as string)).toEqual([
      'elicitation/create',
      'sampling/createMessage',
      'roots/list',
    ]);
    const inputResponses = Object.fromEntries(requests.map(([key, one]) => [key, answering(one)]));
    const done = await client.request('tools/call', {
      ...params,
      inputResponses,
      requestState: result['requestState'],
    });
    expect(done['structuredContent'].answers).toHaveLength(3);
  });

  test('is asked again for what it left unanswered', async () => {
    const params = ask([elicit, sample], { together: true });
    const first = await client.request('tools/call', params);
    const [[one], [two, question]] = Object.entries(first['inputRequests']) as [
      [string, Wire],
      [string, Wire],
    ];
    const second = await client.request('tools/call', {
      ...params,
      inputResponses: { [one]: answering(elicit) },
      requestState: first['requestState'],
    });
    expect(second['inputRequests']).toEqual({ [two]: question });
    const done = await client.request('tools/call', {
      ...params,
      inputResponses: { [two]: COMPLETION },
      requestState: second['requestState'],
    });
    expect(done['resultType']).toBe('complete');
  });

  test('a requestState that is changed, of another client, for another tool or used before is refused', async () => {
    const params = ask([elicit, elicit]);
    const first = await client.request('tools/call', params);
    const state = first['requestState'] as string;
    const [key] = Object.keys(first['inputRequests'] as Wire);
    const retry = { ...params, inputResponses: { [key ?? '']: answering(elicit) }, requestState: state };
    const flipped = `${state.slice(0, -2)}${state.at(-2) === 'A' ? 'B' : 'A'}${state.at(-1)}`;
    const refused = async (who: Conversation, what: Wire): Promise<void> =>
      expect((await who.ask('tools/call', what))['error']).toMatchObject({ code: -32602 });
    const bob = modernHttpClient(proxy.url, { token: 'token-of-bob', capabilities: EVERYTHING });
    await refused(client, { ...retry, requestState: flipped });
    await refused(client, { ...retry, requestState: `${state}=` });
    await refused(client, { ...retry, name: 'echo' });
    await refused(bob, retry);
    const second = await client.request('tools/call', retry);
    expect(second['resultType']).toBe('input_required');
    await refused(client, retry);
    const done = await client.request('tools/call', {
      ...retry,
      inputResponses: { [Object.keys(second['inputRequests'] as Wire)[0] ?? '']: { action: 'cancel' } },
      requestState: second['requestState'],
    });
    expect(done['structuredContent'].answers).toEqual([
      { result: answering(elicit) },
      { result: { action: 'cancel' } },
    ]);
    await bob.vanish();
  });

  test('is told which capability is missing (-32021), and the server is answered', async () => {
    const poor = modernHttpClient(proxy.url, { token: 'token-of-bob', capabilities: {} });
    const result = await poor.request('tools/call', ask([elicit]));
    // The server asked and was refused: it decides what its answer is.
    expect(result['structuredContent'].answers[0].error.message).toContain('elicitation/create');
    await poor.vanish();
  });

  test('G05 that leaves in the middle of a call: the server is told under its own id', async () => {
    const before = (await seen('tools/call')).length;
    client.send({ id: 'hangs', method: 'tools/call', params: { name: 'hang' } });
    const its = (await seen('tools/call', before + 2)).find(({ params }) => params.name === 'hang');
    client.abandon('hangs');
    const [cancelled] = await seen('notifications/cancelled');
    expect(cancelled?.['params'].requestId).toBe(its?.['id']);
  });

  test('hears only of what it listens to, under the id of its stream, acknowledged first', async () => {
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['test://a'] };
    client.send({ id: 'mine', method: 'subscriptions/listen', params: { notifications } });
    const acknowledged = await client.notification('notifications/subscriptions/acknowledged');
    expect(acknowledged['params']).toEqual({
      notifications,
      _meta: { [`${META}subscriptionId`]: 'mine' },
    });
    await seen('resources/subscribe');
    const PROMPTS = { jsonrpc: '2.0', method: 'notifications/prompts/list_changed' };
    await client.call('list', { kind: 'tools', items: [{ name: 'late', inputSchema: { type: 'object' } }] });
    await client.call('list', { kind: 'prompts', items: [{ name: 'late' }] });
    await client.call('emit', { messages: [update('test://a'), update('test://b'), PROMPTS, TOOLS_CHANGED] });
    const changed = await client.notification('notifications/tools/list_changed');
    expect(changed['params']._meta).toEqual({ [`${META}subscriptionId`]: 'mine' });
    expect(client.all('notifications/resources/updated').map(({ params }) => params)).toEqual([
      { uri: 'test://a', _meta: { [`${META}subscriptionId`]: 'mine' } },
    ]);
    expect(client.all('notifications/prompts/list_changed')).toEqual([]);
    client.abandon('mine');
    expect((await seen('resources/unsubscribe')).map(({ params }) => params)).toEqual([{ uri: 'test://a' }]);
  });

  test('gets log messages only with a level in its envelope', async () => {
    const loud = modernHttpClient(proxy.url, { token: 'token-of-bob', logLevel: 'warning' });
    await loud.call('log', { level: 'info', text: 'a' });
    await loud.call('log', { level: 'error', text: 'b' });
    await client.call('log', { level: 'error', text: 'c' });
    expect(loud.all('notifications/message').map(({ params }) => (params as Wire)['data'])).toEqual(['b']);
    expect(client.all('notifications/message')).toEqual([]);
    await loud.vanish();
  });
});

describe('servers of different ages side by side', () => {
  const mcpServers = {
    old: raw({ version: '2024-11-05', resources: [{ uri: 'old://a', name: 'a' }] }),
    new: raw({ era: 'modern', resources: [{ uri: 'new://a', name: 'a' }] }),
  };
  const config = { mcpServers, expose: { namespaces: 'always', metaTools: false } };
  const start: [string, () => Promise<StdioClient>][] = [
    ['a client of 2024-11-05', () => stdioClient(config, { roots: {}, sampling: {} }, '2024-11-05')],
    [
      'a client of 2026-07-28',
      () => Promise.resolve(modernStdioClient(config, { capabilities: { sampling: {} } })),
    ],
  ];

  test.each(start)('D10 are both usable by %s', async (_who, begin) => {
    const client = await begin();
    client.onQuestion = answering;
    for (const server of ['old', 'new']) {
      expect((await client.call(`${server}__echo`, { a: 1 }))['got'].arguments).toEqual({ a: 1 });
      const from = client.messages.length;
      await client.call(`${server}__progress`, { steps: 3 }, { progressToken: 't' });
      const steps = client.messages.slice(from, -1).map(({ params }) => params?.progress as unknown);
      expect(steps).toEqual([1, 2, 3]);
      const uri = `${server}://a`;
      expect((await client.request('resources/read', { uri }))['contents'][0].uri).toBe(uri);
      const args = server === 'old' ? { questions: [sample] } : { rounds: [{ one: sample }] };
      const params = { name: `${server}__ask`, arguments: args };
      let result = await client.request('tools/call', params);
      if (result['resultType'] === 'input_required')
        result = await client.request('tools/call', {
          ...params,
          inputResponses: { [Object.keys(result['inputRequests'] as Wire)[0] ?? '']: COMPLETION },
          requestState: result['requestState'],
        });
      expect(JSON.stringify(result['structuredContent'].answers)).toContain('"model":"m"');
    }
    expect(await client.close()).toBe(0);
  });
});

describe('a modern client', () => {
  test('whose call takes longer than it is remembered keeps the connection that is its own', async () => {
    const proxy = await inProcess({
      mcpServers: { one: raw({}, { connections: 'per-client', timeoutMs: '1h' }) },
    });
    const client = modernHttpClient(proxy.url, { capabilities: EVERYTHING });
    const pid = told(await client.call('whoami')) as number;
    const params = { name: 'ask', arguments: { questions: [elicit] } };
    const parked = await client.request('tools/call', params);
    proxy.clock.skip(6 * 60_000);
    const [key] = Object.keys(parked['inputRequests'] as Wire);
    const done = await client.request('tools/call', {
      ...params,
      inputResponses: { [key ?? '']: answering(elicit) },
      requestState: parked['requestState'],
    });
    expect(done['structuredContent'].answers).toEqual([{ result: answering(elicit) }]);
    expect(told(await client.call('whoami'))).toBe(pid);
    await client.vanish();
    await proxy.close();
  });

  test('of no further interest loses its connection', async () => {
    const proxy = await inProcess({ mcpServers: { one: raw({}, { connections: 'per-client' }) } });
    const client = modernHttpClient(proxy.url, { capabilities: EVERYTHING });
    const pid = told(await client.call('whoami')) as number;
    proxy.clock.skip(6 * 60_000);
    await expect
      .poll(() => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      })
      .toBe(false);
    await client.vanish();
    await proxy.close();
  });
});

describe('a parked call', () => {
  test('is cancelled at the server when its client does not come back in time, and its state is void', async () => {
    const server = await startRaw({});
    const proxy = await inProcess({ mcpServers: { one: { type: 'http', url: server.url } } });
    const client = modernHttpClient(proxy.url, { capabilities: EVERYTHING });
    const seen = seenBy(client);
    const params = { name: 'ask', arguments: { questions: [elicit] } };
    const parked = await client.request('tools/call', params);
    const its = (await seen('tools/call')).find((one) => one['params'].name === 'ask');
    // While it is parked the client may take longer than a silent server might.
    proxy.clock.skip(9 * 60_000);
    expect((await client.call('echo'))['resultType']).toBe('complete');
    proxy.clock.skip(2 * 60_000);
    const [cancelled] = await seen('notifications/cancelled');
    expect(cancelled?.['params'].requestId).toBe(its?.['id']);
    const late = await client.ask('tools/call', {
      ...params,
      inputResponses: {},
      requestState: parked['requestState'],
    });
    expect(late['error']).toMatchObject({ code: -32602 });
    await client.vanish();
    await proxy.close();
    await server.stop();
  });

  test('a state that a server made itself is void after its time, and for any other use', () => {
    let now = 1_000_000;
    const sealer = new Sealer(Buffer.alloc(32, 1), () => now);
    const context = { clientId: 'alice', purpose: 'state tools/call ask' };
    const sealed = sealer.seal({ state: 'its own' }, context, 600_000);
    now += 600_000;
    expect(sealer.open(sealed, context)).toEqual({ state: 'its own' });
    expect(sealer.open(sealed, { ...context, clientId: 'bob' })).toBeUndefined();
    expect(sealer.open(sealed, { ...context, purpose: 'state tools/call other' })).toBeUndefined();
    now += 1;
    expect(sealer.open(sealed, context)).toBeUndefined();
  });

  test('is not taken for another proxy’s: a state from before a restart does not open a new call', async () => {
    const server = await startRaw({});
    const stateDir = temporaryFolder('state');
    const config = { mcpServers: { one: { type: 'http', url: server.url } }, stateDir };
    const params = { name: 'ask', arguments: { questions: [elicit] } };
    const states: Wire[] = [];
    const proxies = [await inProcess(config), await inProcess(config)];
    const clients = proxies.map(({ url }) => modernHttpClient(url, { capabilities: EVERYTHING }));
    for (const client of clients) states.push(await client.request('tools/call', params));
    const [key] = Object.keys(states[0]?.['inputRequests'] as Wire);
    const crossed = await clients[1]?.ask('tools/call', {
      ...params,
      inputResponses: { [key ?? '']: answering(elicit) },
      requestState: states[0]?.['requestState'],
    });
    expect(crossed?.['error']).toMatchObject({ code: -32602 });
    for (const client of clients) await client.vanish();
    for (const proxy of proxies) await proxy.close();
    await server.stop();
  });
});

describe('a modern client over stdio', () => {
  test('cancels by notification: the server is told, the client hears no more of it', async () => {
    const client = modernStdioClient({ mcpServers: { one: raw() } }, { capabilities: EVERYTHING });
    await client.request('server/discover');
    const seen = seenBy(client);
    client.send({ id: 0, method: 'tools/call', params: { name: 'hang' } });
    const its = (await seen('tools/call', 2)).find(({ params }) => params.name === 'hang');
    client.notify('notifications/cancelled', { requestId: 0 });
    const [cancelled] = await seen('notifications/cancelled');
    expect(cancelled?.['params'].requestId).toBe(its?.['id']);
    // While parked: the round is over for the client, so the call ends by its second request.
    const params = { name: 'ask', arguments: { questions: [elicit], hangAfter: true } };
    const parked = await client.request('tools/call', params);
    const [key] = Object.keys(parked['inputRequests'] as Wire);
    client.send({
      id: 'retry',
      method: 'tools/call',
      params: {
        ...params,
        inputResponses: { [key ?? '']: answering(elicit) },
        requestState: parked['requestState'],
      },
    });
    client.notify('notifications/cancelled', { requestId: 'retry' });
    const asked = (await seen('tools/call')).find((one) => one['params'].name === 'ask');
    const all = await seen('notifications/cancelled', 2);
    expect(all[1]?.['params'].requestId).toBe(asked?.['id']);
    expect(client.messages.filter(({ id }) => id === 0 || id === 'retry')).toEqual([]);
    expect(await client.close()).toBe(0);
  });
});

describe('a modern client in front of a modern server', () => {
  let server: Running;
  let proxy: Running;
  let client: ModernClient;
  let seen: ReturnType<typeof seenBy>;
  const region = { type: 'string', 'x-mcp-header': 'Region' };
  beforeAll(async () => {
    server = await startRaw({
      era: 'modern',
      tools: [
        { name: 'param', inputSchema: { type: 'object', properties: { region } } },
        {
          name: 'invalid',
          inputSchema: { type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } },
        },
      ],
    });
    proxy = await startHttpProxy({
      mcpServers: { one: { type: 'http', url: server.url, trustAnnotations: true } },
      expose: { namespaces: 'always', metaTools: false },
      http: { tokens: { alice: 'token-of-alice', bob: 'token-of-bob' } },
    });
    client = modernHttpClient(proxy.url, { token: 'token-of-alice', capabilities: EVERYTHING });
    await client.call('one__seen');
    seen = async (method, count = 1) =>
      (told(await client.call('one__seen', { method, count })) as { message: Wire }[]).map(
        ({ message }) => message,
      );
  });
  afterAll(async () => {
    await client.vanish();
    await proxy.stop();
    await server.stop();
  });

  test('list answers carry the server’s own hints, and only the invalid tool is missing', async () => {
    const list = await client.request('tools/list');
    expect(list).toMatchObject({ ttlMs: 1000, cacheScope: 'public' });
    const names = list['tools'].map(({ name }: Wire) => name as string);
    expect(names).toContain('one__param');
    expect(names).not.toContain('one__invalid');
  });

  test('headers and body must agree: 400 and -32020 otherwise', async () => {
    const params = { name: 'one__param', arguments: { region: 'eu' } };
    const wrong: Record<string, string>[] = [
      {},
      { 'mcp-param-region': 'us' },
      { 'mcp-param-region': 'eu', 'mcp-name': 'param' },
      { 'mcp-param-region': 'eu', 'mcp-method': 'tools/list' },
      { 'mcp-param-region': 'eu', 'mcp-protocol-version': '2025-11-25' },
    ];
    for (const headers of wrong) {
      const odd = modernHttpClient(proxy.url, { token: 'token-of-alice', headers });
      expect((await odd.ask('tools/call', params))['error']).toMatchObject({ code: -32020 });
      expect(odd.status()).toBe(400);
      await odd.vanish();
    }
  });

  test('the server gets its own name and parameters in headers, encoded where they must be', async () => {
    const headers = { 'mcp-param-region': `=?base64?${Buffer.from('eu-süd').toString('base64')}?=` };
    const right = modernHttpClient(proxy.url, { token: 'token-of-alice', headers });
    const { headers: got, resultType } = await right.call('one__param', { region: 'eu-süd' });
    expect(resultType).toBe('complete');
    expect(got).toMatchObject({
      'mcp-name': 'param',
      'mcp-method': 'tools/call',
      'mcp-protocol-version': '2026-07-28',
      'mcp-param-region': headers['mcp-param-region'],
    });
    await right.vanish();
  });

  test('questions pass with the server’s name in front and its state sealed, then its own again', async () => {
    const params = { name: 'one__ask', arguments: { rounds: [{ a: elicit }, { b: sample }] } };
    const first = await client.request('tools/call', params);
    expect(first['inputRequests'].a.params).toEqual({ ...FORM, message: '[one] Which?' });
    expect(first['requestState']).not.toContain('[');
    const bob = modernHttpClient(proxy.url, { token: 'token-of-bob', capabilities: EVERYTHING });
    const retry = {
      ...params,
      inputResponses: { a: answering(elicit) },
      requestState: first['requestState'],
    };
    expect((await bob.ask('tools/call', retry))['error']).toMatchObject({ code: -32602 });
    await bob.vanish();
    const second = await client.request('tools/call', retry);
    const done = await client.request('tools/call', {
      ...params,
      inputResponses: { b: COMPLETION },
      requestState: second['requestState'],
    });
    expect(done['structuredContent'].answers).toEqual([{ a: answering(elicit) }, { b: COMPLETION }]);
  });

  test('D09 an address that is no web page does not reach the client', async () => {
    const params = { mode: 'url', message: 'Open', url: 'javascript:alert(1)' };
    const rounds = [{ a: { method: 'elicitation/create', params } }];
    const result = await client.call('one__ask', { rounds });
    expect(result).toMatchObject({
      isError: true,
      _meta: { 'switchyard/error': { code: 'PROTOCOL_ERROR' } },
    });
    expect(JSON.stringify(result)).not.toContain('javascript:');
  });

  test('a missing capability (-32021) is the client’s only where the client lacks it', async () => {
    const error = {
      code: -32021,
      message: 'm',
      data: { requiredCapabilities: { elicitation: { url: {} }, extra: {} } },
    };
    const answer = await client.ask('tools/call', { name: 'one__answer', arguments: { error } });
    expect(answer['error']).toMatchObject({ code: -32021, data: error.data });
    expect(client.status()).toBe(400);
    const had = { ...error, data: { requiredCapabilities: { sampling: {} } } };
    const result = await client.call('one__answer', { error: had });
    expect(result).toMatchObject({ isError: true, _meta: { 'switchyard/error': { code: 'CLIENT_CANNOT' } } });
  });

  test('tasks have sealed ids that only their client can use, with news of them on its stream', async () => {
    const task = { resultType: 'task', taskId: 'secret-1', status: 'working', ttlMs: null, 'x-new': 1 };
    const made = await client.call('one__answer', { result: task });
    const taskId = made['taskId'] as string;
    expect(made).toMatchObject({ ...task, taskId: expect.not.stringContaining('secret') });
    expect(await client.request('tasks/get', { taskId })).toMatchObject({ taskId, status: 'working' });
    const bob = modernHttpClient(proxy.url, { token: 'token-of-bob', capabilities: EVERYTHING });
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
      expect((await bob.ask(method, { taskId }))['error']).toMatchObject({ code: -32602 });
    const poor = modernHttpClient(proxy.url, { token: 'token-of-alice' });
    expect((await poor.ask('tasks/get', { taskId }))['error']).toMatchObject({ code: -32021 });

    const before = (await seen('subscriptions/listen')).length;
    client.send({
      id: 'tasks',
      method: 'subscriptions/listen',
      params: { notifications: { taskIds: [taskId] } },
    });
    const acknowledged = await client.notification('notifications/subscriptions/acknowledged');
    expect(acknowledged['params'].notifications).toEqual({ taskIds: [taskId] });
    const listen = (await seen('subscriptions/listen', before + 1)).at(-1);
    expect(listen?.['params'].notifications.taskIds).toEqual(['secret-1']);
    const params = { taskId: 'secret-1', status: 'completed', result: { content: [] }, 'x-new': 1 };
    await client.call('one__emit', { messages: [{ jsonrpc: '2.0', method: 'notifications/tasks', params }] });
    expect((await client.notification('notifications/tasks'))['params']).toEqual({
      ...params,
      taskId,
      _meta: { [`${META}subscriptionId`]: 'tasks' },
    });
    client.abandon('tasks');
    for (const one of [bob, poor]) await one.vanish();
  });

  test('G05 that leaves in the middle of a call: the server’s stream of that call is closed', async () => {
    const before = (await seen('tools/call')).length;
    client.send({ id: 'hangs', method: 'tools/call', params: { name: 'one__hang' } });
    const its = (await seen('tools/call', before + 2)).find(({ params }) => params.name === 'hang');
    // Other streams end meanwhile, too: the one that listens for the tasks of the test before is replaced.
    const isGone = async (): Promise<boolean> =>
      (told(await client.call('one__seen')) as { message: Wire }[]).some(
        ({ message: { method, params } }) => method === 'gone' && params.requestId === its?.['id'],
      );
    expect(await isGone()).toBe(false);
    client.abandon('hangs');
    await until('the end of its stream', isGone);
  });

  test('an extension’s method that the proxy does not know reaches the server that announced it', async () => {
    const answer = await client.ask('made-up/method', { a: 1 });
    expect(answer['error']).toMatchObject({ code: -32601 });
    expect((await seen('made-up/method'))[0]?.['params'].a).toBe(1);
  });
});
