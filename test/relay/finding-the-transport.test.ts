/** Servers of the older SSE transport whose address answers a POST as well, and entries that do not say which it is. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { methodOf, resultFor, startEvents, type TestServer } from '../fixtures/http/servers.ts';
import { type Answer, plainAnswer, plainServer, SAID, status } from '../fixtures/http/plain-server.ts';
import { proxyWith } from '../resilience/proxy-in-process.ts';
import { legacyHttpClient } from './wire/clients.ts';
import type { Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';

/** @param atItsAddress what a POST to the address of the stream gets. */
function sseServer(atItsAddress: Answer): Promise<TestServer> {
  let stream: { write(text: string): void } | undefined;
  const open: Answer = (_seen, response) => {
    stream = startEvents(response);
    stream.write('event: endpoint\ndata: /messages\n\n');
  };
  return plainServer({
    GET: open,
    'server/discover': (seen, response) => atItsAddress(seen, response),
    POST(seen, response) {
      if (seen.path !== '/messages') return atItsAddress(seen, response);
      response.writeHead(202).end();
      const method = methodOf(seen);
      if (method.startsWith('notifications/')) return;
      const hello = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: {} };
      const tools = [{ name: 'echo', inputSchema: { type: 'object' } }];
      const results: Record<string, object> = { initialize: hello, 'tools/list': { tools } };
      stream?.write(`data: ${resultFor(seen, results[method] ?? SAID)}\n\n`);
    },
  });
}

const opensAStream: Answer = (_seen, response) =>
  void startEvents(response).write('event: endpoint\ndata: /messages?session=of-a-post\n\n');

async function call(entry: Wire): Promise<unknown> {
  const proxy = await inProcess({
    expose: { namespaces: 'none', metaTools: false },
    mcpServers: { one: entry },
  });
  onTestFinished(() => proxy.close());
  const client = await legacyHttpClient(proxy.url, { stream: false });
  try {
    return await client.call('echo');
  } finally {
    await client.leave();
  }
}

describe('a server of the older transport, named without a `type`, whose address answers a POST', () => {
  test.each([
    ['/sse', 'a stream and `endpoint`', opensAStream],
    ['/mcp', 'a stream and `endpoint`', opensAStream],
    ['/sse', '200', status(200)],
    ['/sse', '200 and text', status(200, 'ok')],
    ['/sse', '202', status(202)],
    ['/sse/', '403', status(403)],
    ['/v1/SSE?a=b', '500', status(500)],
    ['/sse', 'a stream that says nothing', (_seen, response) => void startEvents(response)],
    ['/sse', 'nothing', () => {}],
    ['/sse', 'a cut', (_seen, response) => void response.destroy()],
  ] as [string, string, Answer][])('at %s with %s is used', async (path, _how, answer) => {
    const server = await sseServer(answer);
    const entry = { url: `${server.origin}${path}`, connectTimeoutMs: 3000 };
    expect(await call(entry)).toMatchObject(SAID);
  });

  test('is told apart from one that is down, and the error names all that was tried', async () => {
    const server = await plainServer({ GET: status(500), POST: status(500), 'server/discover': status(500) });
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { url: `${server.origin}/sse`, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    expect((await proxy.status('one'))['lastFailure']).toMatchObject({
      what: expect.stringMatching(
        /server\/discover .*500; initialize: .*500; the older SSE transport: .*500/,
      ) as string,
    });
  });

  test('is not asked in its own way where `type` says "http", and the error says what to write', async () => {
    const server = await sseServer(opensAStream);
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { type: 'http', url: `${server.origin}/sse`, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    expect((await proxy.status('one'))['lastFailure']).toMatchObject({
      what: expect.stringContaining('its "type" is "sse"') as string,
    });
  });
});

test('a server of Streamable HTTP whose address ends in /sse is used as what it is', async () => {
  const server = await plainServer({ POST: plainAnswer });
  expect(await call({ url: `${server.origin}/sse` })).toMatchObject(SAID);
  expect(server.seen.some(({ method, path }) => method === 'GET' && path === '/messages')).toBe(false);
});
