import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { ProxyError } from '../../../src/core/errors.ts';
import { HandClock } from '../../harness/clock.ts';
import {
  HttpStatusError,
  openHttpClient,
  type HttpClientOptions,
} from '../../../src/transport/http-client/client.ts';
import { recorder, type Recorder } from '../../fixtures/http/recorder.ts';
import {
  eventOf,
  httpServer,
  idOf,
  json,
  methodOf,
  resultFor,
  startEvents,
  type Behaviour,
  type TestServer,
} from '../../fixtures/http/servers.ts';

function client(url: string, options: Partial<HttpClientOptions> = {}): Recorder {
  return recorder(
    openHttpClient({
      url,
      describe: 'files',
      era: 'legacy',
      connectTimeoutMs: 1000,
      limits: { messageBytes: 1_000_000, queueBytes: 1_000_000 },
      ...options,
    }),
  );
}

function failureOf(promise: Promise<unknown>): Promise<ProxyError> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as ProxyError,
  );
}

/** A legacy server with a session; what comes after the handshake is `behave`'s. */
function withSession(behave: Behaviour, endsSessions = true): Promise<TestServer> {
  return httpServer((seen, response, nth) => {
    if (methodOf(seen) === 'initialize') {
      response.setHeader('mcp-session-id', 'session-1');
      json(response, resultFor(seen));
    } else if (methodOf(seen) === 'notifications/initialized') response.writeHead(202).end();
    else if (seen.method === 'DELETE' && endsSessions) response.writeHead(200).end();
    else behave(seen, response, nth);
  });
}

async function handshake(proxy: Recorder): Promise<void> {
  await proxy.call(1, 'initialize');
  proxy.link.agreed?.('2025-11-25');
  proxy.notify('notifications/initialized');
}

describe('a request', () => {
  test('is answered by a JSON body, which is passed on to the letter', async () => {
    const text = '{"jsonrpc":"2.0","id":7,"result":{"9":1,"1":12345678901234567890}}';
    const server = await httpServer((_, response) => json(response, text));
    const proxy = client(server.url);
    expect(await proxy.call(7)).toBe(text);
    expect(proxy.messages).toEqual([{ text, origin: 7 }]);
    const [seen] = server.seen;
    expect(seen).toMatchObject({ method: 'POST', path: '/mcp' });
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
    });
    expect(seen?.headers).not.toHaveProperty('mcp-protocol-version');
    expect(seen?.headers).not.toHaveProperty('mcp-method');
  });

  test('is answered by an event stream, whose messages all name the request they came for', async () => {
    const server = await httpServer((seen, response) => {
      startEvents(response);
      response.write(
        ': hello\r\n\r\nevent: message\r\ndata: {"jsonrpc":"2.0",\r\ndata: "method":"a"}\r\n\r\n',
      );
      response.write('event: other\ndata: {}\n\n');
      response.end(
        eventOf(JSON.stringify({ result: { text: 'ü'.repeat(5) }, jsonrpc: '2.0', id: idOf(seen) })),
      );
    });
    const proxy = client(server.url);
    await proxy.call(3);
    expect(proxy.messages).toEqual([
      { text: '{"jsonrpc":"2.0",\n"method":"a"}', origin: 3 },
      { text: '{"result":{"text":"üüüüü"},"jsonrpc":"2.0","id":3}', origin: 3 },
    ]);
    await sleep(20);
    expect(proxy.failures).toEqual([]);
  });

  test('may be answered by a batch, in JSON or in an event', async () => {
    const server = await httpServer((seen, response, nth) => {
      const batch = `[{"jsonrpc":"2.0","method":"note"}, ${resultFor(seen)}]`;
      if (nth === 1) json(response, batch);
      else startEvents(response).end(eventOf(batch));
    });
    const proxy = client(server.url);
    for (const id of [1, 2]) expect(await proxy.call(id)).toBe(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
    expect(proxy.messages).toHaveLength(4);
    expect(proxy.failures).toEqual([]);
  });

  test('fails at once where the body answers something else, or nothing', async () => {
    const server = await httpServer((_, response, nth) => {
      if (nth === 1) json(response, '{"jsonrpc":"2.0","id":99,"result":{}}');
      else if (nth === 2) json(response, '');
      else if (nth === 3) response.writeHead(202).end();
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    });
    const proxy = client(server.url);
    for (const [id, says] of [
      [1, 'does not answer the request'],
      [2, 'empty body'],
      [3, 'no answer'],
      [4, '"text/html"'],
    ] as const) {
      const error = await failureOf(proxy.call(id));
      expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown', server: 'files' });
      expect(error.message).toContain(says);
    }
  });

  test('carries the configured header fields, but none that belong to the protocol', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    const headers = {
      Authorization: 'Bearer s3cret',
      'X-Key': 'k',
      Accept: 'a/b',
      'Mcp-Name': 'n',
      'Content-Length': '1',
    };
    const proxy = client(server.url, { headers });
    await proxy.call(1);
    const [seen] = server.seen;
    expect(seen?.headers).toMatchObject({ authorization: 'Bearer s3cret', 'x-key': 'k' });
    expect(seen?.headers.accept).not.toContain('a/b');
    expect(seen?.headers).not.toHaveProperty('mcp-name');
  });

  test('takes its header fields anew where they change', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    let headers = { authorization: 'one' };
    const proxy = client(server.url, { headers: () => headers });
    await proxy.call(1);
    headers = { authorization: 'two' };
    await proxy.call(2);
    expect(server.seen.map((seen) => seen.headers.authorization)).toEqual(['one', 'two']);
  });

  test('fails, with nothing sent, where a header field cannot be sent', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    const proxy = client(server.url, { headers: { authorization: 'Bearer s3cret\nx' } });
    const failed = failureOf(proxy.call(1));
    expect(proxy.failures, 'told in a later turn').toEqual([]);
    expect(await failed).toMatchObject({ delivered: false });
    expect((await failed).message).not.toContain('s3cret');
    expect(server.seen).toEqual([]);
  });

  test('goes to a user and password in the address as a Basic login, and the errors do not tell them', async () => {
    const server = await httpServer((_, response) => response.writeHead(500).end());
    const proxy = client(server.url.replace('//', '//ann:s3cret@') + '?key=s3cret');
    const error = await failureOf(proxy.call(1));
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${btoa('ann:s3cret')}`);
    expect(error.message).not.toMatch(/s3cret|mcp/);
  });

  test.each([
    ['bob:50%off', 'bob:50%off'],
    ['%', '%:'],
    ['bob:%E0%A4%A%40', 'bob:%E0%A4%A@'],
  ])('sends a user and password with a stray percent sign as they stand: %s', async (userInfo, pair) => {
    const server = await httpServer((_, response) => response.writeHead(403).end('no'));
    const proxy = client(server.url.replace('//', `//${userInfo}@`));
    await failureOf(proxy.call(1));
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${btoa(pair)}`);
  });

  test('does not tell what a server repeats of the request, whichever part it is', async () => {
    const secrets = ['c00kie', 'p4rtof', 'b4sicpw', 'urlp4ss', 'qu3ry1', btoa('ann:urlp4ss')];
    const server = await httpServer((_, response) =>
      response.writeHead(403).end(`not for ${secrets.join(' ')} in europe`),
    );
    const headers = {
      cookie: 'sid=c00kie; b=2',
      'x-login': 'user=ann; token=p4rtof',
      'x-basic': `Basic ${btoa('joe:b4sicpw')}`,
    };
    const url = `${server.url.replace('//', '//ann:urlp4ss@')}?region=europe&api_key=qu3ry1`;
    const { message } = await failureOf(client(url, { headers }).call(1));
    expect(message).toContain(`not for ${secrets.map(() => '[redacted]').join(' ')} in europe`);
  });

  test('is refused as BUSY when too many bytes wait already', async () => {
    const server = await httpServer(() => {});
    const proxy = client(server.url, { limits: { messageBytes: 1000, queueBytes: 2000 } });
    const send = (id: number): void => proxy.link.send({ text: `"${'x'.repeat(900)}"`, id });
    for (let id = 1; id <= 70; id++) {
      send(id);
      if (id <= 64) await proxy.until(() => server.seen.length === id);
    }
    await proxy.until(() => proxy.failures.length === 4);
    expect(proxy.failures.map(({ id }) => id)).toEqual([67, 68, 69, 70]);
    expect(proxy.failures[0]?.error).toMatchObject({ code: 'BUSY', delivered: false });
  });
});

describe('a modern link', () => {
  test('names revision and method from the first request on, and knows no session', async () => {
    const server = await httpServer((seen, response) => {
      response.setHeader('mcp-session-id', 'no');
      json(response, resultFor(seen));
    });
    const proxy = client(server.url, { era: 'modern' });
    proxy.link.send({
      text: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}',
      id: 1,
      method: 'tools/call',
      headers: [['Mcp-Name', 'read']],
    });
    await proxy.until(() => proxy.messages.length === 1);
    await proxy.call(2, 'initialize');
    await proxy.link.close();
    expect(server.seen[0]?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'read',
    });
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'POST']);
    expect(server.seen[1]?.headers).not.toHaveProperty('mcp-session-id');
  });

  test('gives a request up by ending its stream, and hears nothing more of it', async () => {
    let ended = false;
    const server = await httpServer((_, response) => {
      response.on('close', () => (ended = true));
      startEvents(response).write(eventOf('{"method":"a"}'));
    });
    const proxy = client(server.url, { era: 'modern' });
    proxy.link.send({ text: '{"id":1}', id: 1, method: 'tools/call' });
    await proxy.until(() => proxy.messages.length === 1);
    expect(proxy.link.abandon?.(1)).toBe(true);
    await proxy.until(() => ended);
    expect(proxy.failures).toEqual([]);
    expect(proxy.ends).toEqual([]);
  });

  test('gives up what waits for a connection without ever sending it', async () => {
    const server = await httpServer((seen, response) => json(response, resultFor(seen)));
    const proxy = client(server.url, { era: 'modern' });
    proxy.link.send({ text: '{"id":1}', id: 1, method: 'tools/call' });
    expect(proxy.link.abandon?.(1)).toBe(true);
    await proxy.call(2);
    expect(server.seen.map(idOf)).toEqual([2]);
  });

  test('does not take up a stream that broke off, whatever ids its events had', async () => {
    const server = await httpServer((_, response) =>
      startEvents(response).end(eventOf('{"method":"a"}', '1')),
    );
    const proxy = client(server.url, { era: 'modern' });
    expect(await failureOf(proxy.call(1))).toMatchObject({ delivered: 'unknown' });
    expect(server.seen).toHaveLength(1);
  });
});

describe('a legacy session', () => {
  test('is named by every request after initialize, with the agreed revision, and ended by DELETE', async () => {
    const server = await withSession((seen, response) => {
      if (seen.method === 'POST') json(response, resultFor(seen));
      else response.writeHead(405).end();
    });
    const proxy = client(server.url);
    await handshake(proxy);
    await proxy.call(2);
    await proxy.link.close();
    await proxy.link.close();
    const [first, ...later] = server.seen;
    expect(first?.headers).not.toHaveProperty('mcp-session-id');
    for (const seen of later)
      expect(seen.headers).toMatchObject({
        'mcp-session-id': 'session-1',
        'mcp-protocol-version': '2025-11-25',
      });
    expect(later.map(({ method }) => method).toSorted()).toEqual(['DELETE', 'GET', 'POST', 'POST']);
    expect(proxy.ends).toEqual([undefined]);
    await proxy.until(() => server.sockets.size === 0);
  });

  test('closes after a second though the server never answers the DELETE', async () => {
    const server = await withSession(() => {}, false);
    const clock = new HandClock();
    const proxy = client(server.url, { clock });
    await handshake(proxy);
    const closed = proxy.link.close();
    await proxy.until(() => server.seen.some(({ method }) => method === 'DELETE'));
    await clock.pass(1000);
    await closed;
    expect(proxy.ends).toEqual([undefined]);
  });

  test('sends nothing more until the server has taken "initialized"', async () => {
    let taken = false;
    const server = await httpServer((seen, response) => {
      if (methodOf(seen) === 'notifications/initialized')
        void sleep(80).then(() => {
          taken = true;
          response.writeHead(202).end();
        });
      else json(response, resultFor(seen, { taken }));
    });
    const proxy = client(server.url);
    proxy.notify('notifications/initialized');
    expect(await proxy.call(2)).toContain('"taken":true');
  });

  test('brings what belongs to no request by a stream of its own, which is opened again', async () => {
    let gets = 0;
    const server = await withSession((seen, response) => {
      if (seen.method !== 'GET') return;
      gets++;
      startEvents(response);
      if (gets === 1) response.end(`retry: 0\n${eventOf('{"method":"first"}', 'e1')}`);
      else response.write(eventOf('{"method":"second"}', 'e2'));
    });
    const proxy = client(server.url);
    await handshake(proxy);
    await proxy.until(() => proxy.messages.length === 3);
    expect(proxy.messages.slice(1)).toEqual([
      { text: '{"method":"first"}', origin: undefined },
      { text: '{"method":"second"}', origin: undefined },
    ]);
    const [one, two] = server.seen.filter(({ method }) => method === 'GET');
    expect(two?.headers['last-event-id']).toBe('e1');
    // E07: a server's "retry: 0" does not make a storm.
    expect((two?.at ?? 0) - (one?.at ?? 0)).toBeGreaterThan(990);
  });

  test('does without that stream where the server has none', async () => {
    const server = await withSession((seen, response) => {
      if (seen.method === 'GET') response.writeHead(405).end();
      else json(response, resultFor(seen));
    });
    const clock = new HandClock();
    const proxy = client(server.url, { clock });
    const asked = (): number => server.seen.filter(({ method }) => method === 'GET').length;
    await handshake(proxy);
    await proxy.until(() => asked() === 1);
    await proxy.call(2);
    await clock.pass(60_000);
    await proxy.call(3);
    expect(asked()).toBe(1);
  });

  test('E09: a 404 says that the request was not taken, and ends the link', async () => {
    const server = await withSession((_, response) =>
      json(
        response,
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}',
        404,
      ),
    );
    const proxy = client(server.url);
    await handshake(proxy);
    expect(await failureOf(proxy.call(2))).toMatchObject({
      code: 'DOWNSTREAM_UNAVAILABLE',
      delivered: false,
    });
    await proxy.until(() => proxy.ends.length === 1);
    expect(proxy.ends[0]?.message).toContain('session lost');
    proxy.link.send({ text: '{"id":3}', id: 3 });
    await sleep(20);
    expect(
      proxy.failures.map(({ id }) => id),
      'nothing comes after the end',
    ).toEqual([2]);
    await proxy.link.close();
    expect(proxy.ends).toHaveLength(1);
    expect(server.seen.some(({ method }) => method === 'DELETE')).toBe(false);
  }, 10_000);

  test('E09: all calls under way when the session is lost are told that they were not taken', async () => {
    const server = await withSession(
      (_, response) => void sleep(30).then(() => response.writeHead(404).end()),
    );
    const proxy = client(server.url);
    await handshake(proxy);
    const errors = await Promise.all([2, 3, 4].map((id) => failureOf(proxy.call(id))));
    expect(errors.map(({ delivered }) => delivered)).toEqual([false, false, false]);
    await proxy.until(() => proxy.ends.length === 1);
  });

  test('E09: the 400 of servers built from early examples means the same', async () => {
    const text =
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":2}';
    const server = await withSession((_, response) => json(response, text, 400));
    const proxy = client(server.url);
    await handshake(proxy);
    expect(await failureOf(proxy.call(2))).toMatchObject({ delivered: false });
    await proxy.until(() => proxy.ends.length === 1);
  });

  test('keeps the stream of a request that is given up: the caller has to send a cancellation', async () => {
    const server = await withSession((_, response) => startEvents(response).write(eventOf('{"method":"a"}')));
    const proxy = client(server.url);
    await handshake(proxy);
    proxy.link.send({ text: '{"id":5}', id: 5, method: 'tools/call' });
    await proxy.until(() => proxy.messages.some(({ origin }) => origin === 5));
    expect(proxy.link.abandon?.(5)).toBe(false);
    await sleep(50);
    expect(server.sockets.size).toBeGreaterThan(0);
    await proxy.link.close();
    await proxy.until(() => server.sockets.size === 0);
  });
});

describe('an event stream that breaks off', () => {
  test('E08: fails its request at once where it had no ids', async () => {
    const server = await httpServer((_, response) => startEvents(response).end(eventOf('{"method":"a"}')));
    // Its clock stands still: a pause would never end.
    const proxy = client(server.url, { clock: new HandClock() });
    expect(await failureOf(proxy.call(1))).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
  });

  test('is taken up behind its last event, after the pause that the server asks for', async () => {
    const server = await httpServer((_, response, nth) => {
      startEvents(response);
      if (nth === 1) response.end('id: p1\nretry: 300\ndata:\n\n');
      else if (nth === 2) response.end(eventOf('{"method":"half"}', 'p2'));
      else response.end(eventOf('{"jsonrpc":"2.0","id":1,"result":{}}', 'p3'));
    });
    const proxy = client(server.url, { headers: { authorization: 'Bearer t' } });
    await proxy.call(1);
    expect(proxy.messages.map(({ origin }) => origin)).toEqual([1, 1]);
    const [, two, three] = server.seen;
    expect(two).toMatchObject({ method: 'GET' });
    expect(two?.headers).toMatchObject({
      'last-event-id': 'p1',
      accept: 'text/event-stream',
      authorization: 'Bearer t',
    });
    expect(three?.headers).toMatchObject({ 'last-event-id': 'p2' });
    expect((two?.at ?? 0) - (server.seen[0]?.at ?? 0)).toBeGreaterThan(290);
  });

  test('fails its request where it cannot be taken up', async () => {
    const server = await httpServer((_, response, nth) => {
      if (nth === 1) startEvents(response).end('id: p1\nretry: 0\ndata:\n\n');
      else response.writeHead(405).end();
    });
    const proxy = client(server.url);
    const error = await failureOf(proxy.call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    expect(error.message).toContain('405');
  });

  test('E07: is not taken up for ever by a server that ends it each time', async () => {
    const server = await httpServer((_, response, nth) => {
      startEvents(response).end(nth === 1 ? 'id: p1\nretry: 0\ndata:\n\n' : undefined);
    });
    const proxy = client(server.url);
    proxy.link.send({ text: '{"id":1}', id: 1, method: 'tools/call' });
    await proxy.until(() => proxy.failures.length === 1, 8000);
    expect(server.seen).toHaveLength(6);
    expect(proxy.failures[0]?.error).toMatchObject({ delivered: 'unknown' });
  }, 10_000);
});

describe('an HTTP error', () => {
  async function errorFor(
    status: number,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<ProxyError> {
    const server = await httpServer((_, response) => response.writeHead(status, headers).end(body));
    return failureOf(client(server.url).call(1));
  }

  test('E10: 401 asks for a login, and keeps the challenge for the code that logs in', async () => {
    const error = await errorFor(
      401,
      { 'www-authenticate': 'Bearer scope="a"' },
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no"}}',
    );
    expect(error).toMatchObject({ code: 'LOGIN_REQUIRED', delivered: false });
    expect(error.cause).toBeInstanceOf(HttpStatusError);
    expect(error.cause).toMatchObject({ status: 401, wwwAuthenticate: 'Bearer scope="a"' });
  });

  test('E10: 429 and 503 pass on how long to wait, and that nothing was done', async () => {
    expect(await errorFor(429, { 'retry-after': '7' })).toMatchObject({
      code: 'RATE_LIMITED',
      delivered: false,
      retryAfterMs: 7000,
    });
    const date = new Date(Date.now() + 60_000).toUTCString();
    const unavailable = await errorFor(503, { 'retry-after': date });
    expect(unavailable).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
    expect(unavailable.retryAfterMs).toBeGreaterThan(55_000);
    expect((await errorFor(429, { 'retry-after': 'soon' })).retryAfterMs).toBeUndefined();
  });

  test('says which status it was, and whether the request may have been acted upon', async () => {
    const outcomes = [];
    for (const status of [400, 403, 404, 413, 500, 502]) {
      const error = await errorFor(status, {}, 'nope');
      expect(error.message).toContain(String(status));
      expect(error.cause).toMatchObject({ status, bodyText: 'nope' });
      outcomes.push([status, error.code, error.delivered]);
    }
    expect(outcomes).toEqual([
      [400, 'DOWNSTREAM_FAILED', true],
      [403, 'DOWNSTREAM_FAILED', false],
      [404, 'DOWNSTREAM_FAILED', true],
      [413, 'DOWNSTREAM_FAILED', false],
      [500, 'DOWNSTREAM_FAILED', 'unknown'],
      [502, 'DOWNSTREAM_FAILED', 'unknown'],
    ]);
  });

  test('with a JSON-RPC error in its body is that error, under the id of the request', async () => {
    const bodies = [
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"v","data":{"supported":["2026-07-28"]}}}',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"h"}}',
      '{"jsonrpc":"2.0","error":{"code":-32601,"message":"m"}}',
    ];
    for (const [status, body] of [
      [400, bodies[0]],
      [400, bodies[1]],
      [404, bodies[2]],
    ] as const) {
      const server = await httpServer((_, response) => json(response, body ?? '', status));
      const answer = JSON.parse(await client(server.url, { era: 'modern' }).call(1)) as {
        id: number;
        error: unknown;
      };
      expect(answer.id).toBe(1);
      expect(answer.error).toEqual((JSON.parse(body ?? '') as { error: unknown }).error);
    }
  });

  test('is told without waiting for a body that does not end', async () => {
    const server = await httpServer((_, response) =>
      response.writeHead(503, { 'retry-after': '1' }).write('x'),
    );
    const error = await failureOf(client(server.url).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', retryAfterMs: 1000 });
  });

  test('keeps only the beginning of a large body', async () => {
    const error = await errorFor(500, {}, 'x'.repeat(10_000_000));
    expect((error.cause as HttpStatusError).bodyText.length).toBeLessThan(200_000);
  });
});

describe('a redirect', () => {
  test('E04: to another origin is not followed, and that origin sees nothing', async () => {
    const other = await httpServer((seen, response) => json(response, resultFor(seen)));
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await httpServer((_, response) =>
        response.writeHead(status, { location: `${other.origin}/steal?x=s3cret` }).end(),
      );
      const proxy = client(server.url, {
        headers: { authorization: 'Bearer s3cret', 'x-api-key': 's3cret' },
      });
      const error = await failureOf(proxy.call(1));
      expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: false });
      expect(error.message).toContain(other.origin);
      expect(error.message).not.toMatch(/s3cret|steal/);
    }
    expect(other.seen).toEqual([]);
    expect(other.sockets.size).toBe(0);
  });

  test('on the same origin is followed with the same method, body and header fields', async () => {
    const server = await httpServer((seen, response) => {
      if (seen.path === '/mcp') response.writeHead(307, { location: '/mcp/' }).end('moved');
      else json(response, resultFor(seen));
    });
    const proxy = client(server.url, { headers: { authorization: 'Bearer t' } });
    await proxy.call(1);
    expect(server.seen[1]).toMatchObject({ method: 'POST', path: '/mcp/', body: server.seen[0]?.body });
    expect(server.seen[1]?.headers.authorization).toBe('Bearer t');
  });

  test('is followed three times and no more', async () => {
    const server = await httpServer((_, response) => response.writeHead(308, { location: '/mcp' }).end());
    expect(await failureOf(client(server.url).call(1))).toMatchObject({
      code: 'DOWNSTREAM_FAILED',
      delivered: false,
    });
    expect(server.seen).toHaveLength(4);
  });
});
