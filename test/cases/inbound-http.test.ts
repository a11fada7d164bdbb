import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpClient, messagesIn, post } from '../harness/http-client.ts';
import { memoryOf } from '../harness/processes.ts';
import { type ProxyOptions, type ProxyUnderTest, server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';

const MIB = 1024 * 1024;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

function portOf(proxy: ProxyUnderTest): number {
  return Number(new URL(proxy.url).port);
}

async function open(proxy: ProxyUnderTest): Promise<Socket> {
  const socket = connect(portOf(proxy), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes as they are. @returns all that came back until the connection was closed, or until it fits. */
async function exchange(
  proxy: ProxyUnderTest,
  bytes: string | Buffer,
  fits: RegExp,
  withinMs = 5000,
): Promise<string> {
  const socket = await open(proxy);
  let got = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.on('close', () => (closed = true));
  socket.write(bytes);
  await until(
    `${fits}`,
    () => closed || fits.test(got),
    withinMs,
    () => got,
  );
  socket.destroy();
  return got;
}

const head = (headers: string): string =>
  `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n${headers}`;
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

let reads: 'own' | 'node' = 'own';

/** The proxy over HTTP, read and written by what the case is about. */
function serve(servers: Parameters<typeof startProxy>[0], options: ProxyOptions): Promise<ProxyUnderTest> {
  return startProxy(servers, { ...options, config: { ...options.config, http: { server: reads } } });
}

async function stillServes(proxy: ProxyUnderTest): Promise<void> {
  const client = await httpClient(proxy).greet();
  expect(textOf(await client.call('echo', { n: 1 }))).toBe('{"n":1}');
}

describe.each(['own', 'node'] as const)('http.server: "%s"', (reader) => {
  beforeEach(() => void (reads = reader));

  describe('clients that are slow to ask', () => {
    test('G01 with 500 connections that never finish their request do not keep others from being served', async () => {
      const proxy = await serve({ a: server() }, { http: true });
      const opened = await Promise.all(Array.from({ length: 500 }, () => open(proxy)));
      opened.forEach((socket, i) =>
        socket.write(
          i % 2 === 0
            ? 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '
            : `${head('Content-Length: 1000\r\n\r\n')}{"json`,
        ),
      );
      await stillServes(proxy);
      for (const socket of opened) socket.write('x');
      await stillServes(proxy);
      for (const socket of opened) socket.destroy();
    });
  });

  describe('requests that are too large', () => {
    test('G02 in their headers or body are refused with the right status, and cost nobody else', async () => {
      const proxy = await serve({ a: server() }, { http: true, config: { limits: { requestBytes: MIB } } });
      const status = /^HTTP\/1\.1 (\d+)/;
      const statusOf = async (bytes: string | Buffer): Promise<number> =>
        Number(status.exec(await exchange(proxy, bytes, status))?.[1]);
      expect(await statusOf(head(`X-Large: ${'x'.repeat(100_000)}\r\n\r\n`))).toBe(431);
      const many = Array.from({ length: 4000 }, (_, i) => `X-${i}: y\r\n`).join('');
      expect(await statusOf(head(`${many}\r\n`))).toBe(431);
      expect(await statusOf(head(`Content-Length: ${50 * MIB}\r\n\r\n`))).toBe(413);
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      expect(await statusOf(head(`Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}`))).toBe(413);
      await stillServes(proxy);
    });
  });

  describe('bodies that are no request', () => {
    test('G03 get the right status and code, and the session lives', async () => {
      const proxy = await serve({ a: server() }, { http: true });
      const client = await httpClient(proxy).greet();
      const session = { 'mcp-session-id': client.session ?? '' };
      const answerTo = async (
        body: string | Buffer,
        headers: Record<string, string> = {},
      ): Promise<[number, number | undefined]> => {
        const answer = await post(proxy.url, body, { ...session, ...headers });
        const isJson = answer.headers['content-type']?.includes('json') === true;
        return [answer.status, isJson ? messagesIn(answer)[0]?.error?.code : undefined];
      };
      expect(await answerTo('{"jsonrpc":"2.0",')).toEqual([400, -32700]);
      expect(await answerTo('')).toEqual([400, -32700]);
      expect(await answerTo('"text"')).toEqual([400, -32600]);
      expect(await answerTo(`[${PING}]`)).toEqual([400, -32600]);
      expect(await answerTo(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))).toEqual([
        400,
        expect.any(Number),
      ]);
      expect((await answerTo(PING, { 'content-type': 'text/plain' }))[0]).toBe(415);
      expect((await answerTo(PING, { 'mcp-protocol-version': '1999-01-01' }))[0]).toBe(400);
      expect((await answerTo(PING, { 'mcp-session-id': 'made-up' }))[0]).toBe(404);
      expect(await answerTo(`\uFEFF${PING}`)).toEqual([200, undefined]);
      expect(textOf(await client.call('echo', { n: 1 }))).toBe('{"n":1}');
    });
  });

  describe('requests whose end is in doubt', () => {
    test.each([
      ['two lengths that differ', `Content-Length: 5\r\nContent-Length: ${PING.length}\r\n\r\n${PING}`],
      [
        'a length and chunks',
        `Content-Length: ${PING.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      ],
      ['a coding that is not known', `Transfer-Encoding: xchunked\r\n\r\n${PING}`],
      ['a length that is none', `Content-Length: +4\r\n\r\n${PING}`],
      [
        'a header that is folded',
        `Content-Length: 0\r\nX-A: b\r\n c: d\r\nTransfer-Encoding : chunked\r\n\r\n`,
      ],
    ])('G04 by %s are refused, and what follows is not read', async (_, rest) => {
      const proxy = await serve({ a: server() }, { http: true });
      const smuggled = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
      const got = await exchange(proxy, head(rest) + smuggled, /HTTP\/1\.1 4\d\d/);
      expect(got).toMatch(/^HTTP\/1\.1 4\d\d/);
      expect(got.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      await stillServes(proxy);
    });

    test('G04 but of which several stand in one piece are answered in order', async () => {
      const proxy = await serve({ a: server() }, { http: true });
      const one = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
      const got = await exchange(proxy, one + one + one, /(?:ok\n[^]*){3}/);
      expect(got.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    });
  });

  describe('a client that leaves in the middle of a call', () => {
    test.each([false, true])(
      'G05 has it cancelled at the server, and its place freed (modern: %o)',
      async (modern) => {
        const proxy = await serve({ a: server() }, { http: true });
        const other = await httpClient(proxy).greet();
        const client = modern ? httpClient(proxy, { modern }) : await httpClient(proxy).greet();
        const leave = client.callAndLeave('hang');
        const inFlight = async (): Promise<unknown> => (await other.status('a'))['inFlight'];
        await until('the call', async () => (await inFlight()) === 1);
        leave();
        await until('the place to be free', async () => (await inFlight()) === 0, 1000);
        expect(textOf(await other.call('echo', { n: 1 }))).toBe('{"n":1}');
      },
    );
  });

  describe('a client that reads its answer slowly', () => {
    test('G06 costs bounded memory and no one else anything; when it leaves, all is let go', async () => {
      const limits = { messageBytes: 80 * MIB };
      const env = { NODE_OPTIONS: '--max-old-space-size=300' };
      const proxy = await serve({ a: server({}, { limits }) }, { http: true, env });
      const client = await httpClient(proxy).greet();
      const before = memoryOf(proxy.pid);
      const params = { name: 'large', arguments: { bytes: 50 * MIB, idFirst: true } };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': client.session ?? '',
      };
      const slow = httpRequest(proxy.url, { method: 'POST', agent: false, headers });
      slow.on('error', () => {});
      slow.end(body);
      const [response] = (await once(slow, 'response')) as [NodeJS.ReadableStream];
      response.pause();
      await stillServes(proxy);
      expect(memoryOf(proxy.pid) - before).toBeLessThan(500);
      slow.destroy();
      await stillServes(proxy);
    }, 20_000);
  });

  test('decides who reads a request', async () => {
    const proxy = await serve({ a: server() }, { http: true });
    const answer = await exchange(proxy, 'BREW /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', /"error"/);
    // Node knows no method of this name; our own reader leaves the names of methods to those who handle them.
    expect(answer).toMatch(reader === 'own' ? /^HTTP\/1\.1 405 / : /^HTTP\/1\.1 400 /);
    await stillServes(proxy);
  });
});
