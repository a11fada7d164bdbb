import { execFile } from 'node:child_process';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ProxyError } from '../../../src/core/errors.ts';
import { openHttpClient, type HttpClientOptions } from '../../../src/transport/http-client/client.ts';
import { endlessBody } from '../../fixtures/http/endless-body.ts';
import { recorder, type Recorder } from '../../fixtures/http/recorder.ts';
import {
  deadPort,
  eventOf,
  httpServer,
  idOf,
  json,
  rawServer,
  resultFor,
  startEvents,
  tlsServer,
} from '../../fixtures/http/servers.ts';

const MESSAGE_BYTES = 1_000_000;

function client(url: string, options: Partial<HttpClientOptions> = {}): Recorder {
  return recorder(
    openHttpClient({
      url,
      describe: 'files',
      era: 'legacy',
      connectTimeoutMs: 500,
      limits: { messageBytes: MESSAGE_BYTES, queueBytes: 10_000_000 },
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

describe('E01: a server that cannot be reached', () => {
  test('E01: refuses the connection', async () => {
    const error = await failureOf(client(`http://127.0.0.1:${await deadPort()}/mcp?key=s3cret`).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false, server: 'files' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).not.toContain('s3cret');
  });

  test('E01: refuses the connection, and every one of many waiting calls is told', async () => {
    const proxy = client(`http://127.0.0.1:${await deadPort()}/mcp`);
    for (let id = 1; id <= 300; id++) proxy.link.send({ text: '{}', id });
    await proxy.until(() => proxy.failures.length === 300);
    expect(proxy.failures.every(({ error }) => error.delivered === false)).toBe(true);
  });

  test('E01: has a name that is not found', async () => {
    const error = await failureOf(client('http://nonexistent.invalid/mcp').call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
    expect(error.message).toContain('host name was not found');
  });

  test('E01: has a certificate that it signed itself', async () => {
    const { url } = await tlsServer('localhost');
    const error = await failureOf(client(url).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
    expect(error.message).toContain('self-signed');
  });

  test('E01: has a certificate that is trusted, but for another host', async () => {
    const { url, certFile } = await tlsServer('elsewhere.example');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('../../fixtures/http/one-call.ts', import.meta.url)), url],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certFile } },
    );
    const error = JSON.parse(stdout) as ProxyError;
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
    expect(error.message).toContain('for another host');
  }, 20_000);

  test('has a certificate that is trusted: it is called', async () => {
    const { url, certFile } = await tlsServer('localhost', (_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"jsonrpc":"2.0","id":1,"result":{"over":"TLS"}}');
    });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('../../fixtures/http/one-call.ts', import.meta.url)), url],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certFile } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ result: { over: 'TLS' } });
  }, 20_000);

  test('E01: speaks no TLS where TLS is expected', async () => {
    const server = await rawServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await failureOf(client(`https://127.0.0.1:${server.port}/mcp`).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
    expect(error.message).toContain('TLS');
  });

  test('speaks something else than HTTP', async () => {
    const server = await rawServer((socket) => void socket.end('220 mail.example ESMTP\r\n\r\n'));
    const error = await failureOf(client(`http://127.0.0.1:${server.port}/mcp`).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    expect(error.message).toContain('something that is no HTTP: no status line');
  });

  test('E01: accepts no connection in time', async () => {
    // An address that is kept for documentation: packets to it get lost, or no route is known.
    const error = await failureOf(client('http://192.0.2.1/mcp', { connectTimeoutMs: 300 }).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
  });

  test.each(['ftp://127.0.0.1/', 'nonsense'])('has an address, %s, that is none for HTTP', async (url) => {
    const proxy = client(url);
    expect(proxy.ends, 'told in a later turn').toEqual([]);
    await proxy.until(() => proxy.ends.length === 1);
    expect(proxy.ends[0]).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
  });
});

describe('E02: a connection that is reset', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
  test.each([
    ['before the head of the answer', ''],
    ['after the head', head],
    ['in the middle of the body', `${head}{"jsonrpc"`],
    ['in the middle of an event', 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"jso'],
  ])('E02: fails the call within a second, and the request is not sent again: %s', async (_, bytes) => {
    let connections = 0;
    const server = await rawServer((socket) => {
      connections++;
      if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => void sleep(30).then(() => socket.resetAndDestroy()));
    });
    const error = await failureOf(client(server.url).call(1));
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    await sleep(100);
    expect(connections).toBe(1);
  });

  test('E02: fails each of many calls, those that waited for a connection included', async () => {
    const server = await rawServer((socket) => void sleep(20).then(() => socket.resetAndDestroy()));
    const proxy = client(server.url);
    for (let id = 1; id <= 150; id++) proxy.link.send({ text: '{}', id });
    await proxy.until(() => proxy.failures.length === 150);
    expect(new Set(proxy.failures.map(({ id }) => id)).size).toBe(150);
  });

  test('E02: ends an answer that says nothing of its length, which is then no whole answer', async () => {
    const server = await rawServer(
      (socket) =>
        void socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"jsonrpc":"2.0","id":1,'),
    );
    expect(await failureOf(client(server.url).call(1))).toMatchObject({ delivered: 'unknown' });
  });
});

describe('E03: a body that comes byte by byte', () => {
  test.each(['modern', 'legacy'] as const)(
    'E03: is over for good when the %s link is closed',
    async (era) => {
      const server = await httpServer((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      });
      const proxy = client(server.url, { era });
      proxy.link.send({ text: '{"id":1}', id: 1 });
      await proxy.until(() => server.seen.length === 1);
      await proxy.link.close();
      await proxy.until(() => server.sockets.size === 0);
      expect(proxy.ends).toEqual([undefined]);
      expect(proxy.failures).toEqual([]);
    },
  );

  test('E03: gives its connection back when the request is given up', async () => {
    let ended = 0;
    const server = await httpServer((_, response) => {
      response.on('close', () => ended++);
      response.writeHead(200, { 'content-type': 'application/json' }).write(' ');
    });
    const proxy = client(server.url, { era: 'modern' });
    for (let id = 1; id <= 64; id++) proxy.link.send({ text: '{}', id });
    await proxy.until(() => server.seen.length === 64);
    for (let id = 1; id <= 64; id++) proxy.link.abandon?.(id);
    await proxy.until(() => ended === 64);
    proxy.link.send({ text: '{}', id: 65 });
    await proxy.until(() => server.seen.length === 65);
  });

  test('messages that must get through do not wait for calls that hang', async () => {
    const server = await httpServer(() => {});
    const proxy = client(server.url);
    for (let id = 1; id <= 100; id++) proxy.link.send({ text: '{}', id });
    await proxy.until(() => server.seen.length === 64);
    proxy.notify('notifications/cancelled');
    await proxy.until(() => server.seen.length === 65);
    expect(server.seen.at(-1)?.body).toContain('cancelled');
  });
});

describe('E06: a compressed answer', () => {
  test('E06: is read, though none was asked for', async () => {
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const) {
      const server = await httpServer((seen, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
        response.end(compress(resultFor(seen, { encoding })));
      });
      expect(await client(server.url).call(1)).toContain(encoding);
    }
  });

  test('E06: is read event by event', async () => {
    const server = await httpServer((seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(eventOf('{"method":"a"}'));
      gzip.flush(() => void sleep(50).then(() => gzip.end(eventOf(resultFor(seen)))));
    });
    const proxy = client(server.url);
    await proxy.call(1);
    expect(proxy.messages).toHaveLength(2);
  });

  test('E06: that is a bomb costs its call, and no other call', async () => {
    const bomb = gzipSync(Buffer.alloc(300_000_000, ' '));
    const server = await httpServer((seen, response) => {
      if (idOf(seen) === 2) return json(response, resultFor(seen));
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
    });
    const proxy = client(server.url);
    await proxy.call(2);
    const error = await failureOf(proxy.call(1));
    expect(error).toMatchObject({ code: 'RESULT_TOO_LARGE', delivered: true });
  });

  test.each(['gzip, gzip', 'zstd', 'nonsense'])('E06: as %s is refused', async (encoding) => {
    const server = await httpServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
      response.end(gzipSync(gzipSync('{}')));
    });
    const error = await failureOf(client(server.url).call(1));
    expect(error.message).toContain('content encoding');
  });

  test('E06: that is broken fails its call', async () => {
    const server = await httpServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end('not gzip at all');
    });
    expect(await failureOf(client(server.url).call(1))).toMatchObject({ delivered: 'unknown' });
  });
});

describe('E07: an answer without end', () => {
  const endless: Record<string, (socket: net.Socket) => void> = {
    'a JSON body': (socket) => endlessBody(socket, ' '.repeat(65_536), { type: 'application/json' }),
    'an event stream in one line': (socket) => endlessBody(socket, 'x'.repeat(65_536), { first: 'data: ' }),
    'an event of many lines': (socket) => endlessBody(socket, 'data: x\n'.repeat(8192)),
    'a comment in one line': (socket) => endlessBody(socket, ':'.repeat(65_536)),
  };
  test.each(Object.keys(endless))('E07: fails its call and ends the connection: %s', async (kind) => {
    const server = await rawServer((socket) => endless[kind]?.(socket));
    const proxy = client(server.url);
    const error = await failureOf(proxy.call(1));
    expect(error).toMatchObject({ code: 'RESULT_TOO_LARGE', delivered: true });
    expect(error.message).toContain(String(MESSAGE_BYTES));
  });

  test('E07: whose length says so is not even read', async () => {
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2000000000\r\n\r\n');
    });
    expect(await failureOf(client(server.url).call(1))).toMatchObject({ code: 'RESULT_TOO_LARGE' });
  });

  test('E07: of comments only is read on, and a request given up ends it', async () => {
    let closed = false;
    let taken = (): number => 0;
    const server = await rawServer((socket) => {
      taken = endlessBody(socket, ': life\n'.repeat(9000));
      socket.on('close', () => (closed = true));
    });
    const proxy = client(server.url, { era: 'modern' });
    proxy.link.send({ text: '{}', id: 1 });
    await proxy.until(() => taken() > 20 * MESSAGE_BYTES);
    expect(proxy.failures).toEqual([]);
    proxy.link.abandon?.(1);
    await proxy.until(() => closed);
    expect(proxy.messages).toEqual([]);
  });

  test('E07: that goes on behind the answer is ended for it', async () => {
    let closed = false;
    const server = await httpServer((seen, response) => {
      startEvents(response).write(eventOf(resultFor(seen)));
      response.on('close', () => (closed = true));
    });
    const turned: (() => void)[] = [];
    const clock = {
      now: () => performance.now(),
      after: (_: number, task: () => void) => {
        turned.push(task);
        return () => {};
      },
    };
    const proxy = client(server.url, { clock });
    await proxy.call(1);
    expect(closed).toBe(false);
    for (const task of turned) task();
    await proxy.until(() => closed);
    expect(proxy.failures).toEqual([]);
  });
});
