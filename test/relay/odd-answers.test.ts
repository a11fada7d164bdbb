/**
 * Servers that answer `server/discover` in ways that nobody expects. A client that never asks it gets along with each
 * of them, so the proxy has to, too.
 */
import type http from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  eventOf,
  httpServer,
  idOf,
  json,
  methodOf,
  resultFor,
  type Seen,
  startEvents,
  type TestServer,
} from '../fixtures/http/servers.ts';
import { proxyWith } from '../resilience/proxy-in-process.ts';
import { legacyHttpClient } from './wire/clients.ts';
import type { Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';

type Answer = (seen: Seen, response: http.ServerResponse) => void;

const SAID = { content: [{ type: 'text', text: 'said' }] };
const ODD: [string, Answer][] = [
  ['500', status(500)],
  ['500 with an error of its own', (seen, response) => json(response, errorOf(idOf(seen), -32603), 500)],
  ['501', status(501)],
  ['502', status(502, '<html>Bad gateway</html>', 'text/html')],
  ['503', status(503)],
  ['403', status(403)],
  ['429', status(429)],
  ['404', status(404)],
  ['406', status(406)],
  ['415', status(415)],
  ['204', status(204)],
  ['202', status(202)],
  ['200 and nothing', status(200, '', 'application/json')],
  ['200 and a page', status(200, '<html>Welcome</html>', 'text/html')],
  ['200 and text', status(200, 'OK', 'text/plain')],
  ['200 and half a message', status(200, '{"jsonrpc":"2.0","id":1,"res', 'application/json')],
  ['200 and an empty result', (seen, response) => json(response, resultFor(seen, {}))],
  [
    '200 and a result of another id',
    (_, response) => json(response, '{"jsonrpc":"2.0","id":99,"result":{}}'),
  ],
  ['200 and an error whose id is null', (_, response) => json(response, errorOf(null, -32600))],
  ['200 and an empty array', (_, response) => json(response, '[]')],
  [
    'events with another id',
    (_, response) => void startEvents(response).end(eventOf('{"jsonrpc":"2.0","id":99,"result":{}}')),
  ],
  ['events that end at once', (_, response) => void startEvents(response).end()],
  ['302', (_, response) => void response.writeHead(302, { location: '/login' }).end()],
  [
    '302 to another host',
    (_, response) => void response.writeHead(302, { location: 'http://a.example/' }).end(),
  ],
  ['a cut', (_, response) => void response.destroy()],
  [
    'a cut in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' }).write('{"json');
      setImmediate(() => response.destroy());
    },
  ],
  ['no answer', () => {}],
  ['an event stream that says nothing', (_, response) => void startEvents(response)],
];

function status(code: number, body = '', type = 'text/plain'): Answer {
  return (_seen, response) => void response.writeHead(code, { 'content-type': type }).end(body);
}

function errorOf(id: number | null, code: number): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'no' } });
}

/** Plain and legacy, but for what it answers to the probe. */
function server(odd: Answer, hello: Answer = helloIn('2025-06-18')): Promise<TestServer> {
  return httpServer((seen, response) => {
    if (seen.method !== 'POST') return void response.writeHead(405).end();
    const method = methodOf(seen);
    if (method === 'server/discover') return odd(seen, response);
    if (method === 'initialize') return hello(seen, response);
    if (method.startsWith('notifications/')) return void response.writeHead(202).end();
    json(response, resultFor(seen, method === 'tools/list' ? TOOLS : SAID));
  });
}

const TOOLS = { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] };

function helloIn(protocolVersion: string): Answer {
  return (seen, response) =>
    json(
      response,
      resultFor(seen, {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 's', version: '1' },
      }),
    );
}

function greetings({ seen }: TestServer): string[] {
  return seen.map(methodOf).filter((method) => method === 'server/discover' || method === 'initialize');
}

/** What a call comes to with the SDK's client, and nobody in between. */
async function direct(url: string): Promise<unknown> {
  const client = new Client({ name: 'direct', version: '1' });
  onTestFinished(() => client.close());
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client.callTool({ name: 'echo', arguments: {} });
}

/** The same through the proxy. */
async function through(config: Wire): Promise<unknown> {
  const proxy = await inProcess({ expose: { namespaces: 'none', metaTools: false }, ...config });
  const client = await legacyHttpClient(proxy.url, { stream: false });
  onTestFinished(() => proxy.close());
  try {
    return await client.call('echo');
  } finally {
    await client.leave();
  }
}

describe('a server over HTTP that answers `server/discover` with', () => {
  test.each(ODD)('%s is used as a client that does not ask so uses it', async (_how, odd) => {
    const one = await server(odd);
    expect(await direct(one.url)).toMatchObject(SAID);
    one.seen.length = 0;
    const connectTimeoutMs = 6000;
    expect(await through({ mcpServers: { one: { url: one.url, connectTimeoutMs } } })).toMatchObject(SAID);
    expect(greetings(one)).toEqual(['server/discover', 'initialize']);
  });

  test('401 is not asked in another way: it wants a login', async () => {
    const one = await server(status(401));
    const proxy = await proxyWith(() => ({ mcpServers: { one: { url: one.url } } }));
    await expect.poll(async () => (await proxy.status('one'))['state']).toBe('unhealthy');
    expect(greetings(one)).toEqual(['server/discover']);
    expect((await proxy.status('one'))['lastFailure']).toMatchObject({
      what: expect.stringContaining('login') as string,
    });
  });

  test('what nobody expects, and refuses `initialize` too, is down for both reasons', async () => {
    const one = await server(status(500), status(403, 'no entry'));
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { url: one.url, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    const { what } = (await proxy.status('one'))['lastFailure'] as { what: string };
    expect(what).toMatch(/server\/discover \(2026-07-28\): .*HTTP 500/);
    expect(what).toMatch(/initialize: .*HTTP 403.*no entry/);
    expect(what).toContain('"protocol"');
    expect(greetings(one)).toEqual(['server/discover', 'initialize']);
  });

  test('nothing at all, and is silent to `initialize` too, is down for both reasons', async () => {
    const one = await server(
      () => {},
      () => {},
    );
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { url: one.url, connectTimeoutMs: 600, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    const { what } = (await proxy.status('one'))['lastFailure'] as { what: string };
    expect(what).toMatch(/connectTimeoutMs.*server\/discover .*did not answer within 200 ms.*"protocol"/);
  });

  test('the right thing, only late, is used all the same', async () => {
    const hello = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
    let asked = 0;
    const one = await httpServer((seen, response) => {
      const results: Record<string, Wire> = { 'server/discover': hello, 'tools/list': TOOLS };
      const method = methodOf(seen);
      if (method === 'server/discover' && asked++ === 0) return;
      if (method === 'initialize') return json(response, errorOf(idOf(seen), -32601), 404);
      if (method === 'subscriptions/listen') return json(response, errorOf(idOf(seen), -32601), 404);
      json(response, resultFor(seen, { resultType: 'complete', ...(results[method] ?? SAID) }));
    });
    const entry = { url: one.url, connectTimeoutMs: 3000 };
    expect(await through({ mcpServers: { one: entry } })).toMatchObject(SAID);
    expect(greetings(one)).toEqual(['server/discover', 'initialize', 'server/discover']);
  });

  test('an unreachable port is tried once, and not in the other way', async () => {
    const one = await server(() => {});
    await one.close();
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { url: one.url, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    const { what } = (await proxy.status('one'))['lastFailure'] as { what: string };
    expect(what).toMatch(/^"one" could not be reached: the connection was refused/);
  });
});
