/** Several clients at once on one proxy, in front of servers that they share: each gets its own, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  legacyHttpClient,
  type LegacyHttpClient,
  type ModernClient,
  modernHttpClient,
} from '../relay/wire/clients.ts';
import { type Conversation, told, type Wire } from '../relay/wire/conversation.ts';
import { raw, type Running, startHttpProxy, startRaw } from '../relay/wire/proxies.ts';

const CAPABILITIES = { roots: {}, sampling: {}, elicitation: { form: {} } };
const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const elicit = { method: 'elicitation/create', params: FORM };

let web: Running;
let modernWeb: Running;
let proxy: Running;
let a: LegacyHttpClient;
let b: LegacyHttpClient;
beforeAll(async () => {
  [web, modernWeb] = await Promise.all([
    startRaw({ resources: [{ uri: 'test://a', name: 'a' }] }),
    startRaw({ era: 'modern' }),
  ]);
  proxy = await startHttpProxy({
    mcpServers: {
      web: { type: 'http', url: web.url, connections: 'shared', maxConcurrency: 64 },
      new: { type: 'http', url: modernWeb.url, maxConcurrency: 64 },
      pipe: raw({}, { connections: 'shared', maxConcurrency: 64 }),
      auto: raw(),
      own: raw({}, { connections: 'per-client' }),
      narrow: raw({}, { maxConcurrency: 1 }),
      narrowNew: raw({ era: 'modern' }, { maxConcurrency: 1 }),
    },
    expose: { namespaces: 'always', metaTools: false },
  });
  [a, b] = await Promise.all([
    legacyHttpClient(proxy.url, { capabilities: CAPABILITIES }),
    legacyHttpClient(proxy.url, { capabilities: CAPABILITIES }),
  ]);
  for (const client of [a, b]) await client.tools(7 * 10);
});
afterAll(async () => {
  await Promise.all([a.leave(), b.leave()]);
  await proxy.stop();
  await Promise.all([web.stop(), modernWeb.stop()]);
});

async function seen(client: Conversation, server: string, method: string, count = 1): Promise<Wire[]> {
  const found = told(await client.call(`${server}__seen`, { method, count })) as { message: Wire }[];
  return found.map(({ message }) => message);
}

/** Waits for the call that says who made it to arrive at a server. @returns it, as the server saw it. */
async function callOf(who: string, witness: Conversation, server: string): Promise<Wire> {
  for (let count = 1; ; count++) {
    const calls = await seen(witness, server, 'tools/call', count);
    const its = calls.find(({ params }) => params.arguments?.who === who);
    if (its) return its;
  }
}

describe('two clients with equal request ids and progress tokens', () => {
  test.each(['web', 'pipe', 'new'])('F08 each gets its own progress, six of six (%s)', async (server) => {
    const from = [a.messages.length, b.messages.length];
    const name = `${server}__progress`;
    const ask = (client: Conversation, text: string): Promise<Wire> =>
      client.call(name, { steps: 6, text, pauseMs: 5 }, { progressToken: 1 }, `same-${server}`);
    await Promise.all([ask(a, 'of a'), ask(b, 'of b')]);
    for (const [i, client] of [a, b].entries()) {
      const notes = client.messages
        .slice(from[i])
        .filter(({ method }) => method === 'notifications/progress');
      expect(notes.map(({ params }) => [params.progressToken, params.progress, params.message])).toEqual(
        [1, 2, 3, 4, 5, 6].map((step) => [1, step, i === 0 ? 'of a' : 'of b']),
      );
    }
  });

  test('F08 each gets its own log messages, of the level that it asked for', async () => {
    const from = [a.messages.length, b.messages.length];
    await a.request('logging/setLevel', { level: 'debug' });
    await b.request('logging/setLevel', { level: 'error' });
    const log = (client: Conversation, text: string, level: string): Promise<Wire> =>
      client.call('web__log', { text, level, count: 3 }, undefined, 'log');
    await Promise.all([log(a, 'of a', 'debug'), log(b, 'of b', 'error')]);
    await log(b, 'too quiet', 'info');
    const heard = [a, b].map((client, i) =>
      client.messages
        .slice(from[i])
        .filter(({ method }) => method === 'notifications/message')
        .map(({ params }) => params.data as string),
    );
    expect(heard).toEqual([Array(3).fill('of a'), Array(3).fill('of b')]);
  });

  test.each(['web', 'pipe'])('D07 one cancels, the other’s call goes on (%s)', async (server) => {
    const hang = { name: `${server}__hang`, arguments: { who: 'a' } };
    a.send({ id: 'same', method: 'tools/call', params: hang });
    const its = await callOf('a', a, server);
    const slow = b.call(`${server}__progress`, { steps: 10, pauseMs: 20, text: 'b' }, undefined, 'same');
    a.notify('notifications/cancelled', { requestId: 'same' });
    const cancelled = await seen(a, server, 'notifications/cancelled');
    expect(cancelled.map(({ params }) => params.requestId)).toEqual([its['id']]);
    expect((await slow)['content'][0].text).toBe('b');
  });

  test('F08 each is asked its own questions on a server that they share', async () => {
    const asked = [a, b].map((client, i) => {
      client.onQuestion = () => ({ action: 'accept', content: { who: i } });
      return client.call('web__ask', { questions: [elicit, elicit] }, undefined, 'ask');
    });
    const answers = (await Promise.all(asked)).map(({ structuredContent }) => structuredContent.answers);
    for (const [i, its] of answers.entries())
      expect(its).toEqual(Array(2).fill({ result: { action: 'accept', content: { who: i } } }));
  });

  test('F08 only who subscribed hears of an updated resource', async () => {
    await a.request('resources/subscribe', { uri: 'test://a' });
    const params = { uri: 'test://a', n: 1 };
    await b.call('web__emit', {
      messages: [{ jsonrpc: '2.0', method: 'notifications/resources/updated', params }],
    });
    expect((await a.notification('notifications/resources/updated'))['params']).toEqual(params);
    await b.request('ping');
    expect(b.all('notifications/resources/updated')).toEqual([]);
  });

  test('G05 one leaves in the middle of a call: its server is told, the other’s call goes on', async () => {
    const c = await legacyHttpClient(proxy.url);
    const before = told(await b.call('web__seen')) as { message: Wire }[];
    const cancelledBefore = before.filter(({ message }) => message['method'] === 'notifications/cancelled');
    const slow = b.call('web__progress', { steps: 10, pauseMs: 20, text: 'b' });
    c.send({ id: 1, method: 'tools/call', params: { name: 'web__hang', arguments: { who: 'c' } } });
    const its = await callOf('c', b, 'web');
    await c.vanish();
    const cancelled = await seen(b, 'web', 'notifications/cancelled', cancelledBefore.length + 1);
    expect(cancelled.at(-1)?.['params'].requestId).toBe(its['id']);
    expect((await slow)['content'][0].text).toBe('b');
  });
});

describe('a server that takes one call at a time', () => {
  test.each(['narrow', 'narrowNew'])(
    'G05 is free again as soon as its client has left (%s)',
    async (server) => {
      for (const start of [
        () => legacyHttpClient(proxy.url),
        () => Promise.resolve(modernHttpClient(proxy.url)),
      ]) {
        const client = await start();
        client.send({ id: 1, method: 'tools/call', params: { name: `${server}__hang`, arguments: {} } });
        // The next call must wait for the first, or be refused, until the client has left.
        await client.request('tools/list', {}, 'on the way');
        await client.vanish();
        await expect
          .poll(async () => (await a.call(`${server}__echo`))['isError'] ?? false, { timeout: 5000 })
          .toBe(false);
      }
    },
  );
});

describe('modern clients that need no token and look alike', () => {
  test('each hears on its own stream, though both call it by the same id', async () => {
    const [c, d] = [modernHttpClient(proxy.url), modernHttpClient(proxy.url)];
    for (const client of [c, d]) {
      const notifications = { toolsListChanged: true };
      client.send({ id: 1, method: 'subscriptions/listen', params: { notifications } });
      await client.notification('notifications/subscriptions/acknowledged');
    }
    c.abandon(1);
    await c.vanish();
    await a.call('pipe__list', { kind: 'tools', items: [{ name: 'late', inputSchema: { type: 'object' } }] });
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    await a.call('pipe__emit', { messages: [changed] });
    await d.notification('notifications/tools/list_changed');
    await d.vanish();
  });

  test('F08 a question on a pipe that both use goes to neither', async () => {
    const options = { capabilities: { elicitation: {} } };
    const [c, d] = [modernHttpClient(proxy.url, options), modernHttpClient(proxy.url, options)];
    d.send({ id: 1, method: 'tools/call', params: { name: 'pipe__hang', arguments: { who: 'd' } } });
    await callOf('d', a, 'pipe');
    const result = await c.call('pipe__ask', { questions: [elicit] });
    expect(result['structuredContent'].answers[0].error.message).toContain('"connections": "per-client"');
    expect(d.messages).toEqual([]);
    for (const client of [c, d]) await client.vanish();
  });
});

describe('connections', () => {
  test('shared: a question that cannot be attributed is refused with the way out', async () => {
    const questions = [elicit, { method: 'roots/list' }];
    for (const client of [a, b]) client.onQuestion = () => ({ action: 'accept' });
    b.send({ id: 'busy', method: 'tools/call', params: { name: 'pipe__hang', arguments: { who: 'busy' } } });
    await callOf('busy', a, 'pipe');
    const from = [a.messages.length, b.messages.length];
    const { structuredContent } = await a.call('pipe__ask', { questions });
    for (const { error } of structuredContent.answers) {
      expect(error.message).toContain('"connections": "per-client"');
      expect(error.message).toContain('"pipe"');
    }
    for (const [i, client] of [a, b].entries())
      expect(client.messages.slice(from[i]).filter(({ method }) => method !== undefined)).toEqual([]);
    b.notify('notifications/cancelled', { requestId: 'busy' });
  });

  test('shared: what the first client can is promised, but never its roots', async () => {
    const [hello] = await seen(a, 'pipe', 'initialize');
    expect(hello?.['params'].capabilities).toEqual({ sampling: {}, elicitation: { form: {} } });
  });

  test('auto: is shared until a server asks what cannot be attributed, then each has its own', async () => {
    const pids = await Promise.all([a, b].map(async (client) => told(await client.call('auto__whoami'))));
    expect(new Set(pids).size).toBe(1);
    for (const [i, client] of [a, b].entries())
      client.onQuestion = () => ({ action: 'accept', content: { who: i } });
    b.send({ id: 'busy2', method: 'tools/call', params: { name: 'auto__hang', arguments: { who: 'b' } } });
    await callOf('b', a, 'auto');
    const refused = await a.call('auto__ask', { questions: [elicit] });
    expect(refused['structuredContent'].answers[0].error).toBeDefined();
    const both = await Promise.all([a, b].map((client) => client.call('auto__ask', { questions: [elicit] })));
    for (const [i, { structuredContent }] of both.entries())
      expect(structuredContent.answers[0].result.content).toEqual({ who: i });
    const own = await Promise.all([a, b].map(async (client) => told(await client.call('auto__whoami'))));
    expect(new Set([...pids, ...own]).size).toBe(3);
    b.notify('notifications/cancelled', { requestId: 'busy2' });
  });

  test('per-client: each has a process of its own with its own capabilities, which ends with it', async () => {
    const c = await legacyHttpClient(proxy.url, { capabilities: { roots: { listChanged: true } } });
    const pid = told(await c.call('own__whoami')) as number;
    expect(pid).not.toBe(told(await a.call('own__whoami')));
    const [hello] = await seen(c, 'own', 'initialize');
    expect(hello?.['params'].capabilities).toEqual({ roots: { listChanged: true } });
    c.onQuestion = () => ({ roots: [{ uri: 'file:///c' }] });
    const { structuredContent } = await c.call('own__ask', {
      questions: [{ method: 'roots/list' }],
      on: 'push',
    });
    expect(structuredContent.answers).toEqual([{ result: { roots: [{ uri: 'file:///c' }] } }]);
    expect(alive(pid)).toBe(true);
    await c.leave();
    await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false);
  });

  test('per-client: news of one’s own server are not told to another who wants to hear of the same', async () => {
    // Both subscribe to the URI of their own process.
    const c = await legacyHttpClient(proxy.url);
    const d = await legacyHttpClient(proxy.url);
    const link = { content: [{ type: 'resource_link', uri: 'own://x', name: 'x' }] };
    const params = { uri: 'own://x' };
    for (const client of [c, d]) {
      await client.call('own__answer', { result: link });
      await client.request('resources/subscribe', params);
    }
    await c.call('own__emit', {
      messages: [{ jsonrpc: '2.0', method: 'notifications/resources/updated', params }],
    });
    await c.notification('notifications/resources/updated');
    await d.request('ping');
    expect(d.all('notifications/resources/updated')).toEqual([]);
    await Promise.all([c.leave(), d.leave()]);
  });

  test('per-client: a log level set before the server was started is told to it', async () => {
    const c = await legacyHttpClient(proxy.url);
    await c.request('logging/setLevel', { level: 'notice' });
    expect((await seen(c, 'own', 'logging/setLevel')).length).toBeGreaterThan(0);
    await c.leave();
  });
});

describe('many clients', () => {
  test('F07 fifty of both families make 5,000 calls with the same ids and tokens, and none is crossed', async () => {
    const clients = await Promise.all(
      Array.from({ length: 50 }, (_, who) =>
        who % 2 === 0 ? legacyWithLogs() : Promise.resolve(modernWithLogs()),
      ),
    );
    const wrong: string[] = [];
    await Promise.all(
      clients.map(async (client, who) => {
        for (let id = 1; id <= 100; id++) {
          const from = client.messages.length;
          const text = `client ${who} call ${id}`;
          // Log messages can be attributed only where each call has a stream of its own.
          const what = ['web__progress', 'pipe__progress', 'new__progress', 'web__log', 'new__log'][
            (who + id) % 5
          ];
          const args = { steps: 1, together: true, text, level: 'info' };
          const result = await client.call(what ?? '', args, { progressToken: 1 }, id);
          const notes = client.messages.slice(from, -1).map(({ params }) => params?.message ?? params?.data);
          if (result['content'][0].text !== text || notes.length !== 1 || notes[0] !== text)
            wrong.push(`${what} ${text}: ${JSON.stringify([result, notes])}`);
        }
      }),
    );
    expect(wrong).toEqual([]);
    await Promise.all(clients.map((client) => client.vanish()));
  }, 60_000);
});

async function legacyWithLogs(): Promise<LegacyHttpClient> {
  const client = await legacyHttpClient(proxy.url, { stream: false });
  await client.request('logging/setLevel', { level: 'debug' });
  return client;
}

function modernWithLogs(): ModernClient {
  return modernHttpClient(proxy.url, { logLevel: 'debug' });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
