/** Servers that have been restarted say in many ways that they no longer know a session. */
import { afterEach, describe, expect, test } from 'vitest';
import { json, methodOf, resultFor, type Seen, startEvents } from '../fixtures/http/servers.ts';
import {
  type Answer,
  greetingsOf,
  helloIn,
  plainAnswer,
  plainServer,
  SAID,
  status,
} from '../fixtures/http/plain-server.ts';
import { proxyWith } from '../resilience/proxy-in-process.ts';

const rpc = (code: number, message: string, id: (seen: Seen) => unknown, http = 400): Answer => {
  return (seen, response) =>
    json(response, JSON.stringify({ jsonrpc: '2.0', id: id(seen), error: { code, message } }), http);
};
const idIn = (seen: Seen): unknown => (JSON.parse(seen.body) as { id?: unknown }).id ?? null;

const inAnEvent: Answer = (seen, response) => {
  const error = { code: -32001, message: 'Session not found' };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: idIn(seen), error })}\n\n`);
};

let forget: () => void = () => {};
afterEach(() => {
  forget = () => {};
});

/** One that knows the session until it is told to forget it, and answers so from then on. */
async function inFrontOf(lost: Answer) {
  let session = 0;
  let known = 0;
  forget = () => (known = -1);
  const server = await plainServer({
    initialize(seen, response) {
      known = ++session;
      helloIn('2025-06-18', { 'mcp-session-id': `s${session}` })(seen, response);
    },
    POST(seen, response) {
      const inSession = seen.headers['mcp-session-id'] === `s${known}`;
      if (methodOf(seen) === 'server/discover' || inSession) plainAnswer(seen, response);
      else lost(seen, response);
    },
  });
  const proxy = await proxyWith(() => ({
    mcpServers: { one: { type: 'http', url: server.url, protocol: '2025-06-18' } },
  }));
  await proxy.ready('one');
  return { server, proxy };
}

describe('a session that is answered', () => {
  test.each([
    ['404', status(404)],
    ['400 in text', status(400, 'Bad Request: No valid session ID provided', 'text/plain')],
    ['400 in text of no type', (_, response) => void response.writeHead(400).end('Missing session')] as [
      string,
      Answer,
    ],
    ['400 and a plain object', status(400, '{"error":"session_not_found"}', 'application/json')],
    ['400 and -32600', rpc(-32600, 'Bad Request: Missing session ID', () => 'server-error')],
    ['400 and -32603 under our id', rpc(-32603, 'Unknown sessionId', idIn)],
    ['400 and -32000', rpc(-32000, 'Server not initialized', () => null)],
    ['410 in text', status(410, 'Session expired')],
    ['410 and -32001', rpc(-32001, 'Session terminated', () => null, 410)],
    ['403 in text', status(403, 'Session not found')],
    ['405 in text', status(405, 'Method not allowed: session gone')],
    ['409 in text', status(409, 'session terminated')],
    ['412 in text', status(412, 'No valid session')],
    ['422 in text', status(422, 'Invalid mcp-session-id')],
    ['422 and a plain object', status(422, '{"detail":"Unknown session"}', 'application/json')],
    ['409 and -32000 under our id', rpc(-32000, 'Session expired', idIn, 409)],
    ['200 and -32001 under our id', rpc(-32001, 'Session terminated', idIn, 200)],
    ['200 and -32001 under no id', rpc(-32001, 'Session not found', () => null, 200)],
    ['200 and -32600', rpc(-32600, 'Session not found', idIn, 200)],
    ['200 and an event', inAnEvent],
  ] as [string, Answer][])('with %s is lost: the call is made in a new one', async (_how, lost) => {
    const { server, proxy } = await inFrontOf(lost);
    forget();
    server.seen.length = 0;
    expect((await proxy.call('echo')).value).toMatchObject(SAID);
    expect(greetingsOf(server)).toEqual(['2025-06-18']);
    const calls = server.seen.filter((seen) => methodOf(seen) === 'tools/call');
    expect(calls.map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's2']);
  });

  test('with 400 about something else is not lost', async () => {
    const { server, proxy } = await inFrontOf(status(400, 'no such report'));
    forget();
    await expect(proxy.call('echo')).rejects.toThrow('It says: no such report');
    expect(greetingsOf(server)).toEqual(['2025-06-18']);
  });

  test.each([
    ['401', status(401, 'session expired'), 'needs a login'],
    ['500', status(500, 'Session not found'), 'HTTP 500'],
    ['200 and -32001 about something else', rpc(-32001, 'Request timed out', idIn, 200), 'Request timed out'],
    ['200 and a session of the tool', rpc(-32000, 'The browser session is busy', idIn, 200), 'is busy'],
  ] as [string, Answer, string][])(
    'with %s is not lost, and the words are passed on',
    async (_, answer, says) => {
      const { server, proxy } = await inFrontOf(answer);
      forget();
      await expect(proxy.call('echo')).rejects.toThrow(says);
      expect(greetingsOf(server)).toEqual(['2025-06-18']);
    },
  );

  test.each([
    ['400', status(400, 'This chat session has ended')],
    ['403', status(403, 'Your session does not allow this')],
    ['422', status(422, 'sessionId must be a number')],
    ['200', rpc(-32001, 'Session not found', idIn, 200)],
  ] as [string, Answer][])(
    'with %s by a tool again and again is opened anew once, and another tool has its own try',
    async (_, refuse) => {
      const server = await plainServer({
        initialize: helloIn('2025-06-18', { 'mcp-session-id': 's' }),
        'tools/list': (seen, response) =>
          json(
            response,
            resultFor(seen, {
              tools: ['echo', 'other'].map((name) => ({ name, inputSchema: { type: 'object' } })),
            }),
          ),
        'tools/call': refuse,
      });
      const proxy = await proxyWith(() => ({
        mcpServers: { one: { type: 'http', url: server.url, protocol: '2025-06-18' } },
      }));
      await proxy.ready('one');
      for (let i = 0; i < 4; i++) await expect(proxy.call('echo')).rejects.toThrow(/session/i);
      expect(greetingsOf(server)).toHaveLength(2);
      await expect(proxy.call('other')).rejects.toThrow(/session/i);
      expect(greetingsOf(server)).toHaveLength(3);
      await expect(proxy.call('echo')).rejects.toThrow(/session/i);
      expect(greetingsOf(server)).toHaveLength(3);
    },
  );

  test('with such words by its own tool is opened anew once, and then the words are passed on', async () => {
    let calls = 0;
    const server = await plainServer({
      initialize: helloIn('2025-06-18', { 'mcp-session-id': 's' }),
      'tools/call'(seen, response) {
        calls++;
        status(400, 'This chat session has ended')(seen, response);
      },
    });
    const proxy = await proxyWith(() => ({ mcpServers: { one: { url: server.url } } }));
    await proxy.ready('one');
    await expect(proxy.call('echo')).rejects.toThrow('It says: This chat session has ended');
    expect(calls).toBe(2);
    expect(await proxy.status('one')).toMatchObject({ state: 'ready' });
  });
});

test.each([
  ['404', status(404)],
  ['400 that speaks of the session', status(400, 'Could not find session')],
] as [string, Answer][])(
  'a server of the older transport that answers a POST with %s has lost the session at once',
  async (_how, lost) => {
    let streams = 0;
    const open = new Map<string, ReturnType<typeof startEvents>>();
    const server = await plainServer({
      GET(_seen, response) {
        const address = `/messages?session=${++streams}`;
        open.set(address, startEvents(response)).get(address)?.write(`event: endpoint\ndata: ${address}\n\n`);
      },
      POST(seen, response) {
        const stream = open.get(seen.path);
        if (!stream) return lost(seen, response);
        response.writeHead(202).end();
        if (methodOf(seen).startsWith('notifications/')) return;
        const tools = [{ name: 'echo', inputSchema: { type: 'object' } }];
        const hello = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: {} };
        const results: Record<string, object> = { initialize: hello, 'tools/list': { tools } };
        stream.write(`data: ${resultFor(seen, results[methodOf(seen)] ?? SAID)}\n\n`);
      },
    });
    const proxy = await proxyWith(() => ({ mcpServers: { one: { type: 'sse', url: server.url } } }));
    await proxy.ready('one');
    // The stream stays open: behind a load balancer it is another process that no longer knows it.
    open.clear();
    expect((await proxy.call('echo')).value).toMatchObject(SAID);
    expect(streams).toBe(2);
  },
);
