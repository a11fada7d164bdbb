/** A call by `call_destructive` is the call itself: what a direct call gets, it gets, in both families and over both transports. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  legacyHttpClient,
  modernHttpClient,
  stdioClient,
  type LegacyHttpClient,
  type ModernClient,
  type StdioClient,
} from '../relay/wire/clients.ts';
import { type Conversation, told, type Wire } from '../relay/wire/conversation.ts';
import { raw, type Running, startHttpProxy } from '../relay/wire/proxies.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 40_000 });

const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };
const CONFIG = {
  mcpServers: {
    a: raw({}, { cache: { mode: 'named', tools: ['whoami'] } }),
    b: raw({ era: 'modern' }),
  },
  expose: { namespaces: 'always', list: 'search' },
};

let proxy: Running;
let http: LegacyHttpClient;
let modern: ModernClient;
let stdio: StdioClient;
beforeAll(async () => {
  [proxy, stdio] = await Promise.all([startHttpProxy(CONFIG), stdioClient(CONFIG, CAPABILITIES)]);
  http = await legacyHttpClient(proxy.url, { capabilities: CAPABILITIES });
  modern = modernHttpClient(proxy.url, { capabilities: CAPABILITIES });
  await Promise.all([http, modern, stdio].map((client) => client.request('tools/list')));
});
afterAll(async () => {
  await Promise.all([http.leave(), modern.vanish(), stdio.close()]);
  await proxy.stop();
});

const CLIENTS: readonly (readonly [string, () => Conversation])[] = [
  ['stdio', () => stdio],
  ['legacy HTTP', () => http],
  ['modern HTTP', () => modern],
];

type Way = (client: Conversation, tool: string, args: Wire, more?: Wire, id?: string) => Promise<Wire>;

const direct: Way = (client, name, args, more = {}, id) =>
  client.ask('tools/call', { name, arguments: args, ...more }, id);
const byCall: Way = (client, tool, args, more = {}, id) =>
  client.ask('tools/call', { name: 'call_destructive', arguments: { tool, args }, ...more }, id);

let last = 0;

/** Every call has a key of its own. */
const KEY = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;

/** Both ways, one after the other; without what differs from call to call. */
async function both(
  client: Conversation,
  tool: string,
  args: Wire,
  more: Wire = {},
): Promise<readonly [Wire, Wire]> {
  const results: Wire[] = [];
  for (const way of [direct, byCall]) {
    const from = client.messages.length;
    const id = `pair-${++last}`;
    const { id: _id, ...answer } = await way(client, tool, args, more, id);
    const notes = client.messages
      .slice(from)
      .filter(({ method }) => method !== undefined)
      .map(({ id: _own, ...note }) => note);
    results.push({ answer, notes });
  }
  return JSON.parse(JSON.stringify(results).replaceAll(KEY, 'KEY')) as [Wire, Wire];
}

describe.each(CLIENTS)('%s', (_name, clientOf) => {
  test.each(['a', 'b'])('arguments and _meta arrive as they were sent (%s)', async (server) => {
    const client = clientOf();
    const [one, other] = await both(
      client,
      `${server}__echo`,
      { n: 1.5, text: 'ä', list: [1, { deep: null }] },
      { _meta: { 'example.com/own': { kept: true } } },
    );
    expect(JSON.stringify(one)).toContain('example.com/own');
    expect(other).toEqual(one);
  });

  test.each(['a', 'b'])('progress comes with the token of the client (%s)', async (server) => {
    const client = clientOf();
    const [one, other] = await both(
      client,
      `${server}__progress`,
      { steps: 3, text: 'x', pauseMs: 5 },
      { _meta: { progressToken: 'mine' } },
    );
    expect(one['notes']).toHaveLength(3);
    expect(other).toEqual(one);
  });

  test('results pass with all their members', async () => {
    const result = {
      content: [
        { type: 'image', data: 'AAAA', mimeType: 'image/png' },
        { type: 'text', text: 'x', annotations: { priority: 1 } },
      ],
      structuredContent: { n: 1 },
      _meta: { 'example.com/m': [1] },
    };
    const [one, other] = await both(clientOf(), 'a__answer', { result });
    expect(one['answer'].result).toMatchObject({ _meta: { 'example.com/m': [1] } });
    expect(other).toEqual(one);
  });

  test("a tool's own failure and a JSON-RPC error pass as they are", async () => {
    const failure = { content: [{ type: 'text', text: 'disk full' }], isError: true };
    const [one, other] = await both(clientOf(), 'a__answer', { result: failure });
    expect(other).toEqual(one);
    const [first, second] = await both(clientOf(), 'a__answer', {
      error: { code: -32000, message: 'no', data: { a: 1 } },
    });
    expect(first['answer'].error).toMatchObject({ code: -32000 });
    expect(second).toEqual(first);
  });

  test('a question reaches the client that called, and its answer the server', async () => {
    const client = clientOf();
    client.onQuestion = () => ({ action: 'accept', content: {} });
    const args = { questions: [{ method: 'elicitation/create', params: FORM }] };
    for (const way of [direct, byCall]) {
      let answer = await way(client, 'a__ask', args);
      if (answer['result'].resultType === 'input_required') {
        const { inputRequests, requestState } = answer['result'];
        const [key = ''] = Object.keys(inputRequests as Wire);
        expect(inputRequests[key].method).toBe('elicitation/create');
        const inputResponses = { [key]: { action: 'accept', content: {} } };
        answer = await way(client, 'a__ask', args, { requestState, inputResponses });
      }
      expect(JSON.stringify(answer['result'])).toContain('accept');
    }
  });

  test('what is cached for one way is a hit for the other', async () => {
    const [one, other] = await both(clientOf(), 'a__whoami', { x: ++last });
    const cacheOf = (pair: Wire): Wire => pair['answer'].result._meta['switchyard/cache'] as Wire;
    expect([cacheOf(one)['hit'], cacheOf(other)['hit']]).toEqual([false, true]);
  });
});

test.each([
  ['stdio', () => stdio],
  ['legacy HTTP', () => http],
] as const)('a client that cancels cancels the call of the tool (%s)', async (_name, clientOf) => {
  const client = clientOf();
  for (const [index, way] of [direct, byCall].entries()) {
    const id = `hang-${_name}-${index}`;
    void way(client, 'a__hang', {}, {}, id).catch(() => {});
    const count = (method: string): Promise<Wire[]> =>
      client.call('a__seen', { method, count: 1 }).then((result) => told(result) as Wire[]);
    await vi.waitFor(async () => expect(JSON.stringify(await count('tools/call'))).toContain('"hang"'));
    client.notify('notifications/cancelled', { requestId: id, reason: 'enough' });
    await vi.waitFor(async () =>
      expect((await count('notifications/cancelled')).length).toBeGreaterThan(index),
    );
  }
});
