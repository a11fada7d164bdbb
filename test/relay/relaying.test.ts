/** One legacy client in front of one legacy server, with no library between them and the wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnStdio, type StdioClient, stdioClient } from './wire/clients.ts';
import { told, type Wire } from './wire/conversation.ts';
import { raw } from './wire/proxies.ts';

const ICON = { src: 'https://icons.example/a.png', mimeType: 'image/png', sizes: ['48x48'] };
const BAD_URLS = ['javascript:alert(1)', 'file:///etc/passwd', 'JavaScript:alert(1)', 'not a url'];
const CAPABILITIES = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  tasks: { requests: { elicitation: { create: {} } } },
  experimental: { odd: { deep: [1, null] } },
};
const ITEMS = {
  tools: [
    {
      name: 'pretty',
      title: 'Pretty',
      icons: [ICON],
      inputSchema: { type: 'object', $defs: { a: { $ref: '#' } }, 'x-new': true },
      annotations: { readOnlyHint: true, 'x-new': 1 },
      _meta: { ui: { resourceUri: 'ui://pretty' } },
      'x-new': { a: 1 },
    },
  ],
  prompts: [{ name: 'p', icons: [ICON], arguments: [{ name: 'a', 'x-new': 1 }] }],
  resources: [{ uri: 'test://a', name: 'a', icons: [ICON], size: 3, 'x-new': 1 }],
  resourceTemplates: [{ uriTemplate: 'test://t/{id}', name: 't', 'x-new': 1 }],
};

let client: StdioClient;
beforeAll(async () => {
  client = await stdioClient({ mcpServers: { one: raw({ ...ITEMS, pageSize: 4 }) } }, CAPABILITIES);
  await client.tools(11);
});
afterAll(() => client.close());

/** What the downstream has seen of a method, once so many of it have come. */
async function seen(method: string, count = 1): Promise<{ at: number; message: Wire }[]> {
  return told(await client.call('seen', { method, count })) as { at: number; message: Wire }[];
}

async function seenSoFar(method: string): Promise<number> {
  const all = told(await client.call('seen')) as { message: Wire }[];
  return all.filter(({ message }) => message['method'] === method).length;
}

describe('lists', () => {
  test('follow the server’s pages to the end, and reach the client in one', async () => {
    const { tools, nextCursor } = await client.request('tools/list');
    expect(nextCursor).toBeUndefined();
    expect(tools).toHaveLength(11);
    expect(await seenSoFar('tools/list')).toBeGreaterThanOrEqual(3);
  });

  test('keep icons, annotations, UI links and fields that nobody knows', async () => {
    const { tools } = await client.request('tools/list');
    expect(tools.find(({ name }: Wire) => name === 'pretty')).toEqual(ITEMS.tools[0]);
    expect((await client.request('prompts/list'))['prompts']).toEqual(ITEMS.prompts);
    expect((await client.request('resources/list'))['resources']).toEqual(ITEMS.resources);
    expect((await client.request('resources/templates/list'))['resourceTemplates']).toEqual(
      ITEMS.resourceTemplates,
    );
  });

  test('are announced as changed a few times when the server says so fifty times', async () => {
    const burst = Array.from({ length: 50 }, () => ({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
    }));
    const before = await seenSoFar('tools/list');
    const start = client.messages.length;
    // The second change is listed only after the first has been, and all that the first burst caused.
    for (const name of ['late', 'later']) {
      const from = client.messages.length;
      await client.call('list', { kind: 'tools', items: [{ name, inputSchema: { type: 'object' } }] });
      await client.call('emit', { messages: burst });
      await client.notification('notifications/tools/list_changed', from);
      const { tools } = await client.request('tools/list');
      expect(tools.at(-1).name).toBe(name);
    }
    // Three pages each time.
    expect(await seenSoFar('tools/list')).toBeLessThanOrEqual(before + 4 * 3);
    expect(client.messages.slice(start).filter(({ method }) => method === burst[0]?.method)).toHaveLength(2);
  });
});

describe('a call', () => {
  test('arrives with its own name, its arguments in their order, and the _meta that came', async () => {
    const _meta = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'com.example/x': [1],
      // The proxy adds one where it is missing.
      'switchyard/idempotencyKey': 'mine',
    };
    const params = {
      name: 'echo',
      arguments: { z: 1, a: { b: [null, 1.5, 'ü'] } },
      _meta,
      'x-new': { kept: true },
    };
    const { content } = await client.request('tools/call', params);
    expect(content[0].text).toBe(JSON.stringify(params));
  });

  test('answers with content, links and fields that nobody knows, as they came', async () => {
    const result = {
      content: [
        { type: 'hologram', data: { x: 1 } },
        { type: 'text', text: 'a', annotations: { audience: ['user'], 'x-new': 1 }, 'x-new': 1 },
        { type: 'resource_link', uri: 'test://linked', name: 'l', icons: [ICON] },
        { type: 'resource', resource: { uri: 'test://inside', text: 'a', 'x-new': 1 } },
      ],
      structuredContent: { b: 1, a: [{}] },
      _meta: { 'com.example/x': 1 },
      'x-new': 1,
    };
    expect(await client.call('answer', { result })).toEqual(result);
  });

  test('fails with the server’s own error, data and unknown fields included', async () => {
    const error = { code: -32000, message: 'no', data: { a: [1] }, 'x-new': 1 };
    const answer = await client.ask('tools/call', { name: 'answer', arguments: { error } });
    expect(answer['error']).toEqual(error);
  });

  test('fails with a URL elicitation (-32042) as it came', async () => {
    const elicitations = [{ mode: 'url', elicitationId: 'e1', url: 'https://a.example/', message: 'open' }];
    const error = { code: -32042, message: 'URL elicitation required', data: { elicitations } };
    const answer = await client.ask('tools/call', { name: 'answer', arguments: { error } });
    expect(answer['error']).toEqual(error);
    // What comes of it is told to the client that was shown the address.
    const done = {
      jsonrpc: '2.0',
      method: 'notifications/elicitation/complete',
      params: { elicitationId: 'e1' },
    };
    await client.call('emit', { messages: [done] });
    expect((await client.notification(done.method))['params']).toEqual(done.params);
  });

  test('of an unknown tool is refused with the names that are near', async () => {
    const answer = await client.ask('tools/call', { name: 'ecko' });
    expect(answer['error']).toMatchObject({ code: -32602 });
    expect(answer['error'].message).toContain('"echo"');
  });
});

describe('progress', () => {
  test('D06 that arrives in the same chunk as the answer is all delivered, before it', async () => {
    for (const token of ['a-string', 0, 7]) {
      const from = client.messages.length;
      await client.call('progress', { steps: 6, together: true }, { progressToken: token });
      const came = client.messages.slice(from);
      const notes = came.filter(({ method }) => method === 'notifications/progress');
      expect(notes.map(({ params }) => params)).toEqual(
        Array.from({ length: 6 }, (_, i) => ({
          progressToken: token,
          progress: i + 1,
          total: 6,
          message: '',
          extra: { kept: true },
        })),
      );
      expect(came.at(-1)?.['result']).toBeDefined();
    }
  });

  test('is not asked for where the client did not', async () => {
    const from = client.messages.length;
    await client.call('progress', { steps: 2, together: true });
    expect(client.messages.slice(from).map(({ method }) => method)).not.toContain('notifications/progress');
  });
});

describe('cancelling', () => {
  test('D07 reaches the server within 100 ms under its own id, the id 0 of a client too', async () => {
    const before = await seenSoFar('notifications/cancelled');
    for (const [i, id] of [0, 'a', 77].entries()) {
      client.send({ id, method: 'tools/call', params: { name: 'hang', arguments: { mark: String(id) } } });
      const calls = await seen('tools/call');
      const its = calls.findLast(({ message }) => message['params'].arguments?.mark === String(id));
      const at = Date.now();
      client.notify('notifications/cancelled', { requestId: id, reason: 'enough' });
      const cancelled = (await seen('notifications/cancelled', before + i + 1)).at(-1);
      expect(cancelled?.message['params']).toEqual({ requestId: its?.message['id'], reason: 'enough' });
      expect(cancelled?.at ?? Infinity).toBeLessThan(at + 100);
    }
    expect(client.messages.filter(({ id }) => id === 77 || id === 'a')).toEqual([]);
  });

  test('of two calls with one id ends the later one, and the next time the earlier', async () => {
    const before = await seenSoFar('notifications/cancelled');
    const idOf = async (mark: string): Promise<unknown> => {
      const isIt = ({ message }: { message: Wire }): boolean => message['params'].arguments?.mark === mark;
      return (await seen('tools/call')).findLast(isIt)?.message['id'];
    };
    for (const mark of ['earlier', 'later'])
      client.send({ id: 'twin', method: 'tools/call', params: { name: 'hang', arguments: { mark } } });
    for (const [i, mark] of ['later', 'earlier'].entries()) {
      client.notify('notifications/cancelled', { requestId: 'twin' });
      const cancelled = (await seen('notifications/cancelled', before + i + 1)).at(-1);
      expect(cancelled?.message['params'].requestId).toBe(await idOf(mark));
    }
  });

  test('D07 frees the slot: as many calls as may run at once run again', async () => {
    for (let i = 0; i < 40; i++) {
      client.send({ id: `slot${i}`, method: 'tools/call', params: { name: 'hang' } });
      client.notify('notifications/cancelled', { requestId: `slot${i}` });
    }
    expect((await client.call('echo'))['got']).toMatchObject({ name: 'echo', arguments: {} });
  });
});

describe('log messages', () => {
  test('come from the level on that the client set, fields that nobody knows included', async () => {
    await client.request('logging/setLevel', { level: 'warning' });
    await seen('logging/setLevel');
    const from = client.messages.length;
    await client.call('log', { level: 'info', text: 'quiet' });
    await client.call('log', { level: 'error', text: 'loud' });
    const logs = client.messages.slice(from).filter(({ method }) => method === 'notifications/message');
    expect(logs.map(({ params }) => params)).toEqual([
      { level: 'error', logger: 'raw', data: 'loud', extra: { kept: true } },
    ]);
  });
});

describe('questions of the server', () => {
  const ask = (questions: Wire[], more: Wire = {}): Promise<Wire> =>
    client.call('ask', { questions, ...more });

  test('the server is told exactly what the client can, and whose client it is', async () => {
    const [hello] = await seen('initialize');
    expect(hello?.message['params'].capabilities).toEqual(CAPABILITIES);
    expect(hello?.message['params'].clientInfo).toEqual({ name: 'test', version: '1' });
  });

  test('sampling with tools arrives whole and is answered whole', async () => {
    const params = {
      messages: [
        { role: 'user', content: [{ type: 'tool_result', toolUseId: 't', content: [], 'x-new': 1 }] },
      ],
      tools: [{ name: 't', inputSchema: { type: 'object' } }],
      toolChoice: { mode: 'required' },
      maxTokens: 5,
      systemPrompt: 'Be brief.',
      'x-new': { a: 1 },
    };
    const answer = {
      role: 'assistant',
      model: 'm',
      stopReason: 'toolUse',
      content: [{ type: 'tool_use', id: 't', name: 't', input: {} }],
      'x-new': 1,
    };
    client.onQuestion = () => answer;
    const from = client.messages.length;
    const { structuredContent } = await ask([{ method: 'sampling/createMessage', params }]);
    const question = await client.question('sampling/createMessage', from);
    expect(question['params']).toEqual({ ...params, systemPrompt: '[one] Be brief.' });
    expect(structuredContent.answers).toEqual([{ result: answer }]);
  });

  test('elicitation by form, by URL and roots arrive with the server’s name, in its order', async () => {
    client.onQuestion = ({ method }) =>
      method === 'roots/list' ? { roots: [{ uri: 'file:///a', 'x-new': 1 }] } : { action: 'decline' };
    const from = client.messages.length;
    const form = {
      message: 'Which?',
      requestedSchema: { type: 'object', properties: { a: { type: 'string', default: 'x' } } },
    };
    const url = { mode: 'url', message: 'Open', url: 'https://a.example/', elicitationId: 'e2' };
    const { structuredContent } = await ask([
      { method: 'elicitation/create', params: form },
      { method: 'elicitation/create', params: url },
      { method: 'roots/list' },
    ]);
    const questions = client.messages
      .slice(from)
      .filter(({ id, method }) => id !== undefined && method !== undefined);
    expect(questions.map(({ params }) => params)).toEqual([
      { ...form, message: '[one] Which?' },
      { ...url, message: '[one] Open' },
      expect.anything(),
    ]);
    expect(structuredContent.answers).toEqual([
      { result: { action: 'decline' } },
      { result: { action: 'decline' } },
      { result: { roots: [{ uri: 'file:///a', 'x-new': 1 }] } },
    ]);
  });

  test.each(BAD_URLS)('D09 an address that is no web page is refused and not shown: %s', async (url) => {
    const from = client.messages.length;
    const params = { mode: 'url', message: 'Open', url, elicitationId: 'e3' };
    const { structuredContent } = await ask([{ method: 'elicitation/create', params }]);
    expect(structuredContent.answers[0].error.message).toContain('neither http nor https');
    expect(client.messages.slice(from).map(({ method }) => method)).not.toContain('elicitation/create');
  });

  test('what the client answers with an error, the server gets as that error', async () => {
    client.onQuestion = (question) => {
      client.send({ id: question['id'], error: { code: -1, message: 'user rejected', data: { a: 1 } } });
      return undefined;
    };
    const { structuredContent } = await ask([
      { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
    ]);
    expect(structuredContent.answers).toEqual([
      { error: { code: -1, message: 'user rejected', data: { a: 1 } } },
    ]);
  });

  test('are withdrawn from the client when the call that caused them is cancelled', async () => {
    client.onQuestion = () => undefined;
    const from = client.messages.length;
    const params = { message: 'Which?', requestedSchema: { type: 'object', properties: {} } };
    client.send({
      id: 'asks',
      method: 'tools/call',
      params: { name: 'ask', arguments: { questions: [{ method: 'elicitation/create', params }] } },
    });
    const question = await client.question('elicitation/create', from);
    client.notify('notifications/cancelled', { requestId: 'asks' });
    const withdrawn = await client.notification('notifications/cancelled', from);
    expect(withdrawn['params'].requestId).toBe(question['id']);
  });

  test('are withdrawn from the client when the server withdraws them', async () => {
    client.onQuestion = () => undefined;
    const from = client.messages.length;
    const params = { message: 'Which?', requestedSchema: { type: 'object', properties: {} } };
    client.send({
      id: 'withdrawn',
      method: 'tools/call',
      params: { name: 'ask', arguments: { questions: [{ method: 'elicitation/create', params }] } },
    });
    const question = await client.question('elicitation/create', from);
    const { structuredContent } = await client.call('emit', { withdraw: true });
    expect(structuredContent.withdrawn).toBeTypeOf('number');
    const withdrawn = await client.notification('notifications/cancelled', from);
    expect(withdrawn['params'].requestId).toBe(question['id']);
    client.notify('notifications/cancelled', { requestId: 'withdrawn' });
  });

  test('a ping of the server is answered by the proxy itself', async () => {
    const { structuredContent } = await ask([{ method: 'ping' }]);
    expect(structuredContent.answers).toEqual([{ result: {} }]);
  });

  test('a change of the client’s roots is passed on', async () => {
    client.notify('notifications/roots/list_changed');
    expect(await seen('notifications/roots/list_changed')).toHaveLength(1);
  });
});

describe('resources, prompts, completion', () => {
  test('a read goes to the server that listed the URI, matched its template or returned it in a link', async () => {
    await client.call('answer', {
      result: { content: [{ type: 'resource_link', uri: 'other://x', name: 'x' }] },
    });
    for (const uri of ['test://a', 'test://t/5', 'other://x'])
      expect(await client.request('resources/read', { uri })).toEqual({
        contents: [{ uri, text: `content of ${uri}`, 'x-kept': 1 }],
      });
  });

  test('a prompt and a completion arrive as they were asked', async () => {
    const params = { name: 'p', arguments: { a: 'b' }, 'x-new': 1 };
    expect(await client.request('prompts/get', params)).toEqual({ messages: [], asked: params });
    const ref = { type: 'ref/prompt', name: 'p', 'x-new': 1 };
    const asked = { ref, argument: { name: 'a', value: 'b' }, context: { arguments: { c: 'd' } } };
    expect((await client.request('completion/complete', asked))['completion'].asked).toEqual(asked);
    const resource = {
      ref: { type: 'ref/resource', uri: 'test://t/{id}' },
      argument: { name: 'id', value: '' },
    };
    expect((await client.request('completion/complete', resource))['completion'].asked).toEqual(resource);
  });

  test('updates come while subscribed to, with all that they carry', async () => {
    const update = (note: number, uri = 'test://a'): Wire => ({
      messages: [
        {
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { uri, note, 'x-new': 1 },
        },
      ],
    });
    await client.call('emit', update(1));
    await client.request('resources/subscribe', { uri: 'test://a' });
    await client.call('emit', update(2));
    await client.call('emit', update(3, 'test://another'));
    await client.call('emit', update(4, 'test://a/part'));
    await client.until(({ params }) => params?.note === 4);
    await client.request('resources/unsubscribe', { uri: 'test://a' });
    await client.call('emit', update(5));
    await client.request('ping');
    expect(client.all('notifications/resources/updated').map(({ params }) => params)).toEqual([
      { uri: 'test://a', note: 2, 'x-new': 1 },
      // A part of what was subscribed to.
      { uri: 'test://a/part', note: 4, 'x-new': 1 },
    ]);
    expect((await seen('resources/unsubscribe')).map(({ message }) => message['params'])).toEqual([
      { uri: 'test://a' },
    ]);
  });
});

describe('tasks of the 2025-11-25 revision', () => {
  const task = { taskId: 'secret-1', status: 'working', createdAt: 'now', ttl: null, 'x-new': 1 };

  test('have sealed ids that lead back to the server’s own', async () => {
    const mine = await stdioClient({
      mcpServers: {
        one: raw({
          capabilities: { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } },
          answers: {
            'tasks/get': { taskId: 'secret-1', status: 'working' },
            'tasks/result': {
              content: [],
              _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'secret-1' } },
            },
          },
        }),
      },
    });
    const { task: made } = await mine.call('answer', { result: { task } });
    expect(made).toEqual({ ...task, taskId: expect.any(String) });
    expect(made.taskId).not.toContain('secret');
    const taskId = made.taskId as string;
    expect(await mine.request('tasks/get', { taskId })).toEqual({ taskId, status: 'working' });
    expect((await mine.request('tasks/result', { taskId }))['_meta']).toEqual({
      'io.modelcontextprotocol/related-task': { taskId },
    });
    const asked = told(await mine.call('seen', { method: 'tasks/get' })) as { message: Wire }[];
    expect(asked[0]?.message['params']).toEqual({ taskId: 'secret-1' });
    const status = {
      jsonrpc: '2.0',
      method: 'notifications/tasks/status',
      params: { ...task, status: 'failed' },
    };
    await mine.call('emit', { messages: [status] });
    expect((await mine.notification('notifications/tasks/status'))['params']).toEqual({
      ...task,
      taskId,
      status: 'failed',
    });
    const forged = await mine.ask('tasks/get', { taskId: 'secret-1' });
    expect(forged['error'].code).toBe(-32602);
    await mine.close();
  });
});

describe('a client that can be asked nothing', () => {
  test.each(['legacy', 'modern'])(
    'D08 is not asked: a %s server is refused or the call fails',
    async (era) => {
      const mine = await stdioClient({ mcpServers: { one: raw({ era }) } });
      const elicit = { method: 'elicitation/create', params: { message: 'Which?', requestedSchema: {} } };
      const sample = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
      for (const question of [elicit, sample, { method: 'roots/list' }]) {
        const args = era === 'legacy' ? { questions: [question] } : { rounds: [{ one: question }] };
        const result = await mine.call('ask', args);
        const said =
          era === 'legacy' ? result['structuredContent'].answers[0].error.message : result['content'][0].text;
        expect(said).toContain(`"one" asked for ${question.method}`);
        expect(result['isError'] === true).toBe(era === 'modern');
      }
      expect(mine.messages.filter(({ method, id }) => method !== undefined && id !== undefined)).toEqual([]);
      await mine.close();
    },
  );
});

describe('the start', () => {
  test('a server is started at once, and greeted only after its client, with its capabilities', async () => {
    const mine = spawnStdio({ mcpServers: { one: raw() } });
    // Nothing may be said before the client: the server would be told the wrong capabilities.
    await mine.request('ping').catch(() => {});
    const clientInfo = { name: 'late', version: '9', 'x-new': 1 };
    const from = Date.now();
    await mine.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { roots: {} },
      clientInfo,
    });
    mine.notify('notifications/initialized');
    const [hello] = told(await mine.call('seen', { method: 'initialize' })) as {
      at: number;
      message: Wire;
    }[];
    expect(hello?.at ?? 0).toBeGreaterThanOrEqual(from);
    expect(hello?.message['params']).toMatchObject({ capabilities: { roots: {} }, clientInfo });
    expect(await mine.close()).toBe(0);
  });
});
