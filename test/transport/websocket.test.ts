import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import type { Link } from '../../src/transport/link.ts';
import { openWebSocket } from '../../src/transport/websocket.ts';
import type { WebSocketOptions } from '../../src/transport/websocket.ts';
import { LinkProbe, request } from './link-probe.ts';

const MIB = 1024 * 1024;
const servers: WebSocketServer[] = [];
const httpServers: Server[] = [];
const links: Link[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
  for (const server of httpServers.splice(0)) server.close();
});

type Serve = (socket: WebSocket, headers: Readonly<Record<string, unknown>>) => void;

async function listen(serve: Serve, options: ServerOptions = {}): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  servers.push(server);
  server.on('connection', (socket, { headers }) => serve(socket, headers));
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

function open(
  url: string,
  changes: Partial<WebSocketOptions> = {},
): { readonly link: Link; readonly probe: LinkProbe } {
  const probe = new LinkProbe();
  const limits = { messageBytes: MIB, queueBytes: 4 * MIB };
  const link = openWebSocket({ describe: 'chat', url, limits, connectTimeoutMs: 5000, ...changes })(probe);
  links.push(link);
  return { link, probe };
}

/** The TCP connection below, for what ws itself would not do. */
function raw(socket: WebSocket): Duplex {
  return (socket as unknown as { _socket: Duplex })._socket;
}

describe('a server over a WebSocket', () => {
  test('gets what was sent before the connection stood, under the subprotocol and headers asked for', async () => {
    const seen: unknown[] = [];
    const url = await listen((socket, headers) => {
      seen.push(socket.protocol, headers['authorization'], headers['sec-websocket-extensions']);
      socket.on('message', (data) => socket.send(data as Buffer, { binary: false }));
    });
    const { link, probe } = open(url, { headers: { Authorization: 'Bearer abc' } });
    for (let id = 0; id < 20; id++) link.send(request(id, 'echo'));
    await probe.until(() => probe.messages.length === 20);
    expect(probe.messages[3]).toBe(request(3, 'echo').text);
    expect(seen).toEqual(['mcp', 'Bearer abc', undefined]);
    await link.close();
    expect(probe.ends).toEqual([undefined]);
  });

  test('E12 that answers too much costs only the call it answers', async () => {
    const url = await listen((socket) => {
      for (const bytes of [2 * MIB, 3])
        socket.send(`{"jsonrpc":"2.0","id":${bytes},"result":"${'x'.repeat(bytes)}"}`);
    });
    const { probe } = open(url);
    expect(await probe.answer(3)).toBe('xxx');
    expect(probe.failures.get(2 * MIB)).toMatchObject({
      code: 'RESULT_TOO_LARGE',
      delivered: true,
      server: 'chat',
    });
    expect(probe.ends).toEqual([]);
  });

  test('E12 that sends many times too much ends the connection, and the error says why', async () => {
    const url = await listen((socket) => socket.send(`{"id":1,"result":"${'x'.repeat(5 * MIB)}"}`));
    const error = await open(url).probe.end();
    expect(error).toMatchObject({ code: 'RESULT_TOO_LARGE', delivered: 'unknown', server: 'chat' });
  });

  test('E12 cannot send a deflate bomb, since compression is never agreed on', async () => {
    const url = await listen(
      (socket) => {
        const bomb = deflateRawSync(Buffer.alloc(50 * MIB));
        const head = Buffer.from([0xc1, 126, 0, 0]);
        head.writeUInt16BE(Math.min(bomb.length, 65_535), 2);
        raw(socket).write(Buffer.concat([head, bomb.subarray(0, 65_535)]));
      },
      { perMessageDeflate: true },
    );
    const error = await open(url).probe.end();
    expect(error?.message).toBe('"chat" broke the WebSocket protocol (WS_ERR_UNEXPECTED_RSV_1).');
  });

  test('E12 that floods us with pings and reads no pong costs no memory', async () => {
    const PINGS = 150_000;
    let pongs = 0;
    let resume: () => void = () => {};
    const url = await listen((socket) => {
      raw(socket).pause();
      for (let i = 0; i < PINGS; i++) socket.ping('x'.repeat(100));
      socket.send('{"method":"flooded"}');
      socket.on('pong', () => pongs++);
      socket.on('message', () => socket.close(4000));
      resume = () => raw(socket).resume();
    });
    const { link, probe } = open(url);
    await probe.notice('flooded');
    resume();
    link.send({ text: '{"method":"enough"}' });
    await probe.end();
    // What was not let out while nobody read was not kept either.
    expect(pongs).toBeGreaterThan(0);
    expect(pongs).toBeLessThan(PINGS * 0.9);
  });

  test('E12 that is half-open is noticed by its missing pong', async () => {
    const url = await listen(() => {}, { autoPong: false });
    const error = await open(url, { pingMs: 50, pongMs: 100 }).probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown' });
    expect(error?.message).toContain('no sign of life');
  });

  test('lives on while it answers pings', async () => {
    let pings = 0;
    let third: () => void = () => {};
    const thirdPing = new Promise<void>((resolve) => (third = resolve));
    const url = await listen((socket) => socket.on('ping', () => ++pings === 3 && third()));
    const { probe } = open(url, { pingMs: 10, pongMs: 100 });
    await thirdPing;
    expect(probe.ends).toEqual([]);
  });

  test('that does not read has further requests refused', async () => {
    const url = await listen((socket) => raw(socket).pause());
    const { link, probe } = open(url);
    for (let id = 0; id < 1000; id++) link.send(request(id, 'echo', 'x'.repeat(64 * 1024)));
    await probe.until(() => probe.failures.has(999));
    expect(probe.failures.get(999)).toMatchObject({ code: 'BUSY', delivered: false });
  });

  test.each<[what: string, leave: (socket: WebSocket) => void, message: string]>([
    ['closes', (socket) => socket.close(1001), '"chat" closed the connection (code 1001).'],
    ['vanishes', (socket) => socket.terminate(), '"chat" closed the connection (code 1006).'],
  ])('that %s has failed, and may have acted', async (_, leave, message) => {
    const url = await listen((socket) => socket.once('message', () => leave(socket)));
    const { link, probe } = open(url);
    link.send(request(1, 'echo'));
    const error = await probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED', delivered: 'unknown', message });
    await link.close();
    expect(probe.ends).toHaveLength(1);
  });

  test('that wants a login says so', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    httpServers.push(server);
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'));
    await once(server, 'listening');
    const error = await open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`).probe.end();
    expect(error).toMatchObject({ code: 'LOGIN_REQUIRED', delivered: false });
  });

  test.each(['ws://127.0.0.1:1/', 'ws://no-such-host.invalid/', 'no address', 'ws://127.0.0.1:1/#fragment'])(
    'at %s is unavailable, and surely got nothing',
    async (url) => {
      const { link, probe } = open(url);
      link.send(request(1, 'echo'));
      expect(probe.ends).toEqual([]);
      const error = await probe.end();
      expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false, server: 'chat' });
      await link.close();
      expect(probe.ends).toHaveLength(1);
    },
  );

  test('can be closed before the connection stands', async () => {
    const url = await listen(() => {});
    const { link, probe } = open(url);
    await link.close();
    expect(probe.ends).toEqual([undefined]);
  });
});
