import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../../src/core/errors.ts';
import type { Authorization, CredentialsRefusal } from '../../../src/transport/authorization.ts';
import { openSse, type SseOptions } from '../../../src/transport/sse/client.ts';
import { endlessBody } from '../../fixtures/http/endless-body.ts';
import { recorder, type Recorder } from '../../fixtures/http/recorder.ts';
import {
  deadPort,
  eventOf,
  httpServer,
  methodOf,
  rawServer,
  resultFor,
  startEvents,
  type Seen,
  type TestServer,
} from '../../fixtures/http/servers.ts';

function client(url: string, options: Partial<SseOptions> = {}): Recorder {
  return recorder(
    openSse({
      url,
      describe: 'old',
      connectTimeoutMs: 500,
      limits: { messageBytes: 100_000, queueBytes: 100_000 },
      ...options,
    }),
  );
}

/** A server of 2024-11-05 which answers every request by `answer`'s text on its one stream. */
function sseServer(answer: (seen: Seen) => string, endpoint = '/messages?session=1'): Promise<TestServer> {
  let stream: { write(text: string): void } | undefined;
  return httpServer((seen, response) => {
    if (seen.method === 'GET') {
      stream = startEvents(response);
      stream.write(`event: endpoint\ndata: ${endpoint}\n\n`);
      return;
    }
    response.writeHead(202).end('Accepted');
    const text = answer(seen);
    if (text !== '') stream?.write(`event: message\n${eventOf(text)}`);
  });
}

async function endOf(proxy: Recorder): Promise<Error & { code: string; delivered: unknown }> {
  await proxy.until(() => proxy.ends.length > 0);
  expect(proxy.ends).toHaveLength(1);
  if (!proxy.ends[0]) throw new Error('it ended without a reason');
  return proxy.ends[0];
}

describe('a link to a server of 2024-11-05', () => {
  test('posts to the address that the stream names, and takes the answers from the stream', async () => {
    const server = await sseServer((seen) => resultFor(seen));
    const proxy = client(server.url, { headers: { authorization: 'Bearer t' } });
    expect(await proxy.call(1, 'initialize')).toContain('"id":1');
    proxy.link.agreed?.('2024-11-05');
    await proxy.call(2);
    expect(proxy.messages.map(({ origin }) => origin)).toEqual([undefined, undefined]);
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /mcp',
      'POST /messages?session=1',
      'POST /messages?session=1',
    ]);
    for (const seen of server.seen) expect(seen.headers.authorization).toBe('Bearer t');
    await proxy.link.close();
    expect(proxy.ends).toEqual([undefined]);
    await proxy.until(() => server.sockets.size === 0);
  });

  test('asks for other credentials where the stream or a message is refused, and goes on with them', async () => {
    let valid = 'Bearer b';
    let stream: { write(text: string): void } | undefined;
    const server = await httpServer((seen, response) => {
      if (seen.headers.authorization !== valid)
        response.writeHead(401, { 'www-authenticate': 'Bearer scope="x"' }).end();
      else if (seen.method === 'GET') {
        stream = startEvents(response);
        stream.write('event: endpoint\ndata: /messages\n\n');
      } else {
        response.writeHead(202).end();
        stream?.write(`event: message\n${eventOf(resultFor(seen))}`);
      }
    });
    let headers = { authorization: 'Bearer a' };
    const refusals: CredentialsRefusal[] = [];
    const authorization: Authorization = {
      headers: () => headers,
      pending: () => undefined,
      refused(refusal) {
        refusals.push(refusal);
        headers = { authorization: valid };
        return Promise.resolve();
      },
    };
    const proxy = client(server.url, { authorization });
    expect(await proxy.call(1, 'initialize')).toContain('"id":1');
    valid = 'Bearer c';
    expect(await proxy.call(2)).toContain('"id":2');
    const about = { status: 401, challenge: 'Bearer scope="x"', again: false };
    expect(refusals).toEqual([
      { ...about, sent: { authorization: 'Bearer a' } },
      { ...about, sent: { authorization: 'Bearer b' } },
    ]);
  });

  test('sends nothing without credentials that a login has to give first', async () => {
    const server = await httpServer((_, response) => response.end());
    const required = new ProxyError('LOGIN_REQUIRED', { message: 'log in', server: 'old', delivered: false });
    const authorization: Authorization = {
      headers: () => ({}),
      pending: () => Promise.reject(required),
      refused: () => Promise.resolve(),
    };
    expect(await endOf(client(server.url, { authorization }))).toMatchObject({ code: 'LOGIN_REQUIRED' });
    expect(server.seen).toEqual([]);
  });

  test('sends nothing more until the server has taken "initialized"', async () => {
    const order: string[] = [];
    const server = await httpServer((seen, response) => {
      if (seen.method === 'GET') {
        startEvents(response).write('event: endpoint\ndata: /m\n\n');
        return;
      }
      const isFirst = methodOf(seen) === 'notifications/initialized';
      void sleep(isFirst ? 80 : 0).then(() => {
        order.push(methodOf(seen));
        response.writeHead(202).end();
      });
    });
    const proxy = client(server.url);
    proxy.notify('notifications/initialized');
    for (const id of [1, 2]) proxy.link.send({ text: '{"method":"later"}', id });
    await proxy.until(() => order.length === 3);
    expect(order).toEqual(['notifications/initialized', 'later', 'later']);
  });

  test.each(['https://evil.example/messages', '//evil.example/m', 'javascript:alert(1)', 'http://'])(
    'E04: refuses to post to %s, which is not on its own origin',
    async (endpoint) => {
      const server = await sseServer((seen) => resultFor(seen), endpoint);
      const proxy = client(server.url, { headers: { authorization: 'Bearer s3cret' } });
      proxy.link.send({ text: '{"id":1}', id: 1 });
      const error = await endOf(proxy);
      expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
      expect(error.message).not.toMatch(/s3cret|evil/);
      expect(proxy.failures).toMatchObject([{ id: 1, error: { delivered: false } }]);
      expect(server.seen.every(({ method }) => method === 'GET')).toBe(true);
    },
  );

  test('E04: does not follow a redirect of the stream to another origin', async () => {
    const other = await httpServer(() => {});
    const server = await httpServer((_, response) => response.writeHead(307, { location: other.url }).end());
    const error = await endOf(client(server.url, { headers: { authorization: 'Bearer s3cret' } }));
    expect(error.message).toContain(other.origin);
    expect(other.seen).toEqual([]);
  });

  test('E01: ends where the connection is refused', async () => {
    const proxy = client(`http://127.0.0.1:${await deadPort()}/sse`);
    expect(await endOf(proxy)).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
  });

  test('E10: ends as LOGIN_REQUIRED where the stream wants a login', async () => {
    const server = await httpServer((_, response) => response.writeHead(401).end());
    expect(await endOf(client(server.url))).toMatchObject({ code: 'LOGIN_REQUIRED', cause: { status: 401 } });
  });

  test('ends where there is no such stream, or it names no address in time', async () => {
    const page = await httpServer((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    );
    expect((await endOf(client(page.url))).message).toContain('offers no event stream');
    const mute = await httpServer((_, response) => startEvents(response).write(': hello\n\n'));
    expect((await endOf(client(mute.url))).message).toContain('in time');
    const silent = await rawServer(() => {});
    expect((await endOf(client(silent.url))).message).toContain('in time');
  });

  test('E08: ends at once when the stream ends', async () => {
    const server = await httpServer((seen, response) => {
      if (seen.method === 'POST') response.writeHead(202).end();
      else {
        startEvents(response).write('event: endpoint\ndata: /m\n\n');
        void sleep(100).then(() => response.end());
      }
    });
    const proxy = client(server.url);
    proxy.link.send({ text: '{"id":1}', id: 1 });
    expect(await endOf(proxy)).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    expect(server.seen).toHaveLength(2);
  });

  test('E02: ends when the stream is reset', async () => {
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: /m\n\n');
      void sleep(50).then(() => socket.resetAndDestroy());
    });
    expect(await endOf(client(server.url))).toMatchObject({ code: 'DOWNSTREAM_FAILED' });
  });

  test('is not opened again when the stream ends, whatever pause the server asks for', async () => {
    const server = await httpServer((_, response) => {
      const stream = startEvents(response);
      stream.write('retry: 1\nid: 7\nevent: endpoint\ndata: /m\n\n');
      response.end();
    });
    const proxy = client(server.url);
    await endOf(proxy);
    await sleep(100);
    expect(server.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  test('takes every message that came before the end of the stream', async () => {
    const server = await httpServer((_, response) => {
      const stream = startEvents(response);
      stream.write('event: endpoint\ndata: /m\n\n');
      for (let id = 1; id <= 50; id++) stream.write(`data: {"jsonrpc":"2.0","id":${id},"result":{}}\n\n`);
      response.end();
    });
    const proxy = client(server.url);
    await endOf(proxy);
    expect(proxy.messages).toHaveLength(50);
  });

  test('is not ended by an event that the server names "error" or "open"', async () => {
    const server = await sseServer(
      (seen) => `${resultFor(seen)}\n\nevent: error\ndata: x\n\nevent: open\ndata: y`,
    );
    const proxy = client(server.url);
    await proxy.call(1);
    expect(await proxy.call(2)).toContain('"id":2');
    expect(proxy.ends).toEqual([]);
  });

  test('tells of a message that the server did not take, and lives', async () => {
    const server = await httpServer((seen, response) => {
      if (seen.method === 'GET') startEvents(response).write('event: endpoint\ndata: /m\n\n');
      else response.writeHead(429, { 'retry-after': '3' }).end();
    });
    const proxy = client(server.url);
    await expect(proxy.call(1)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      delivered: false,
      retryAfterMs: 3000,
    });
    proxy.notify('notifications/cancelled');
    await proxy.until(() => proxy.odds.length === 1);
    expect(proxy.ends).toEqual([]);
  });

  test.each([
    ['first', (text: string) => text],
    ['last', (text: string) => JSON.stringify({ result: JSON.parse(text) as unknown, id: 1 })],
  ])('E07: an answer over the limit, its id coming %s, costs its own call only', async (_, shape) => {
    const large = (seen: Seen): string => shape(resultFor(seen, { text: 'x'.repeat(500_000) }));
    const server = await sseServer((seen) => (seen.body.includes('large') ? large(seen) : resultFor(seen)));
    const proxy = client(server.url);
    await expect(proxy.call(1, 'large')).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(await proxy.call(2)).toContain('"id":2');
  });

  test('E07: a line without end is read on and ends nothing', async () => {
    let taken = (): number => 0;
    const server = await rawServer((socket) => {
      taken = endlessBody(socket, 'x'.repeat(65_536), { first: 'event: endpoint\ndata: /m\n\ndata: ' });
    });
    const proxy = client(server.url);
    await proxy.until(() => taken() > 20_000_000);
    expect(proxy.ends).toEqual([]);
  });

  test('is refused as BUSY when too many bytes wait for the stream', async () => {
    const server = await rawServer(() => {});
    const proxy = client(server.url);
    for (const id of [1, 2, 3]) proxy.link.send({ text: 'x'.repeat(60_000), id });
    await proxy.until(() => proxy.failures.length === 2);
    expect(proxy.failures.map(({ id, error }) => [id, error.code])).toEqual([
      [2, 'BUSY'],
      [3, 'BUSY'],
    ]);
  });
});
