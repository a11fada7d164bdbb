/** What all clients together, and each of them, may take of the proxy; and what stays for the others. */
import { Agent, request } from 'undici';
import { describe, expect, test } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { legacyHttpClient, modernHttpClient } from '../relay/wire/clients.ts';
import type { Wire } from '../relay/wire/conversation.ts';
import { inProcess } from '../relay/wire/in-process.ts';
import { startRaw } from '../relay/wire/proxies.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const KIB = 1024;
const MIB = KIB * KIB;

describe('limits of the whole proxy', () => {
  test('processes: the one client too many is told so, and served when another has left', async () => {
    const proxy = await startProxy(
      { a: server({}, { connections: 'per-client' }) },
      { http: true, unready: true, config: { limits: { processes: 2 } } },
    );
    const [one, two, three] = [httpClient(proxy), httpClient(proxy), httpClient(proxy)];
    const pids: string[] = [];
    for (const client of [one, two]) pids.push(textOf(await (await client.greet()).call('pid')));
    expect(new Set(pids).size).toBe(2);
    const refused = await (await three.greet()).call('pid');
    expect(failureOf(refused)).toMatchObject({
      code: 'DOWNSTREAM_UNAVAILABLE',
      server: 'a',
      delivered: false,
    });
    expect(textOf(refused)).toContain('2 processes run already (limits.processes)');
    await fetch(proxy.url, { method: 'DELETE', headers: { 'mcp-session-id': one.session ?? '' } });
    const served = await until('a place', async () => {
      const answer = await three.call('pid');
      return failureOf(answer) ? undefined : answer;
    });
    expect(pids).not.toContain(textOf(served));
  });

  test('waitingBytes: what all requests under way may hold', async () => {
    const proxy = await startProxy(
      { a: server(), b: server() },
      { config: { limits: { waitingBytes: 400 * KIB } } },
    );
    const padding = 'x'.repeat(200 * KIB);
    const first = proxy.askTool('a__sleep', { ms: 500, padding });
    const second = await proxy.call('b__echo', { padding });
    expect(failureOf(second)).toMatchObject({ code: 'BUSY', delivered: false });
    expect(textOf(second)).toContain('limits.waitingBytes');
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
    expect(textOf(await proxy.answer(first))).toBe('slept');
    expect(failureOf(await proxy.call('b__echo', { padding }))).toBeUndefined();
  });

  test('parkedCalls: a client that leaves its questions open is refused further calls, and nobody else', async () => {
    const asking = await startRaw({});
    const proxy = await inProcess(
      {
        mcpServers: { one: { type: 'http', url: asking.url } },
        http: { tokens: { alice: 'token-of-alice', bob: 'token-of-bob' } },
      },
      { limits: { parkedCalls: 2 } },
    );
    const capabilities = { elicitation: { form: {} } };
    const [alice, bob] = ['alice', 'bob'].map((name) =>
      modernHttpClient(proxy.url, { token: `token-of-${name}`, capabilities }),
    );
    const params = { name: 'ask', arguments: { questions: [QUESTION] } };
    const parked: Wire[] = [];
    for (let i = 0; i < 2; i++) parked.push((await alice?.request('tools/call', params)) ?? {});
    expect(parked.map((one) => one['resultType'])).toEqual(['input_required', 'input_required']);
    const refused = await alice?.call('echo');
    expect(failureOf({ result: refused ?? {} })).toMatchObject({ code: 'BUSY', delivered: false });
    expect(JSON.stringify(refused)).toContain('2 calls of this client wait for its answers');
    expect((await bob?.call('echo'))?.['isError']).toBeUndefined();
    const [key] = Object.keys(parked[0]?.['inputRequests'] as Wire);
    const answered = await alice?.request('tools/call', {
      ...params,
      inputResponses: { [key ?? '']: { action: 'decline' } },
      requestState: parked[0]?.['requestState'],
    });
    expect(answered?.['resultType']).toBe('complete');
    expect((await alice?.call('echo'))?.['isError']).toBeUndefined();
    await Promise.all([alice?.vanish(), bob?.vanish()]);
    await proxy.close();
    await asking.stop();
  });
});

describe('calls that begin together', () => {
  test('parkedCalls: no more of them wait for their client than may', async () => {
    const asking = await startRaw({});
    const proxy = await inProcess(
      {
        mcpServers: { one: { type: 'http', url: asking.url } },
        http: { tokens: { alice: 'token-of-alice' } },
      },
      { limits: { parkedCalls: 2 } },
    );
    const capabilities = { elicitation: { form: {} } };
    const alice = modernHttpClient(proxy.url, { token: 'token-of-alice', capabilities });
    await alice.call('echo');
    const params = { name: 'ask', arguments: { questions: [QUESTION] } };
    const answers = await Promise.all(Array.from({ length: 5 }, () => alice.request('tools/call', params)));
    const parked = answers.filter((one) => one['resultType'] === 'input_required');
    expect(parked).toHaveLength(2);
    await alice.vanish();
    await proxy.close();
    await asking.stop();
  });
});

describe('what is kept for a session whose stream is not open', () => {
  test.each([
    [{}, [0, 1, 9]],
    [{ keptBytes: 2 * MIB }, [0, 9]],
  ])(
    'is bounded in bytes: the first messages come, and what did not fit does not: %j',
    async (limits, come) => {
      const web = await startRaw({ resources: [{ uri: 'test://a', name: 'a' }] });
      const proxy = await inProcess({ mcpServers: { one: { type: 'http', url: web.url } } }, { limits });
      const client = await legacyHttpClient(proxy.url, { stream: false });
      await client.request('resources/list');
      await client.request('resources/subscribe', { uri: 'test://a' });
      // Hears of everything in the same turn, and so tells when all of it has come.
      const witness = await legacyHttpClient(proxy.url);
      await witness.request('resources/list');
      await witness.request('resources/subscribe', { uri: 'test://a' });
      for (let n = 0; n < 5; n++) {
        const params = { uri: 'test://a', n, padding: 'x'.repeat(1.5 * MIB) };
        const messages = [{ jsonrpc: '2.0', method: 'notifications/resources/updated', params }];
        await client.call('emit', { messages });
      }
      await witness.until(({ params }) => params?.n === 4);
      const headers = { accept: 'text/event-stream', 'mcp-session-id': client.session };
      const agent = new Agent();
      const stream = await request(proxy.url, { method: 'GET', headers, dispatcher: agent, bodyTimeout: 0 });
      let text = '';
      stream.body.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      stream.body.on('error', () => {});
      // What comes after the kept ones proves that no more of them will.
      await client.call('emit', {
        messages: [
          { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'test://a', n: 9 } },
        ],
      });
      await until('the newest message', () => text.includes('"n":9'));
      expect([...text.matchAll(/"n":(\d)/g)].map(([, n]) => Number(n))).toEqual(come);
      await agent.destroy();
      await Promise.all([client.vanish(), witness.vanish()]);
      await proxy.close();
      await web.stop();
    },
  );
});

describe('subscription streams of one modern client', () => {
  test('are 256 at most, also when all are asked for before the first is open', async () => {
    // A server that never greets: what is asked for has to wait for it.
    const mute = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], stopGraceMs: 50 };
    const stateDir = temporaryFolder('state');
    const proxy = await inProcess({ mcpServers: { mute }, stateDir });
    const client = modernHttpClient(proxy.url);
    const asked = Array.from({ length: 300 }, (_, i) => `stream-${i}`);
    for (const id of asked)
      client.send({
        id,
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true } },
      });
    const opened = (): number =>
      client.messages.filter(({ method }) => method === 'notifications/subscriptions/acknowledged').length;
    const refused = (): Wire[] => client.messages.filter(({ error }) => error !== undefined);
    await until('an answer to each', () => opened() + refused().length === asked.length, 10_000);
    expect(opened()).toBe(256);
    expect(new Set(refused().map((one) => one['error'].message))).toEqual(
      new Set(['No more than 256 subscription streams of one client']),
    );
    await client.vanish();
    await proxy.close();
  });
});

const QUESTION = {
  method: 'elicitation/create',
  params: { message: 'Which?', requestedSchema: { type: 'object', properties: { a: { type: 'string' } } } },
};
