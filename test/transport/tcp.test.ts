import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Link } from '../../src/transport/link.ts';
import { openTcp } from '../../src/transport/tcp.ts';
import type { TcpOptions } from '../../src/transport/tcp.ts';
import { LinkProbe, request } from './link-probe.ts';

const MIB = 1024 * 1024;
const servers: Server[] = [];
const links: Link[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  for (const server of servers.splice(0)) server.close();
});

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function open(changes: Partial<TcpOptions>): { readonly link: Link; readonly probe: LinkProbe } {
  const probe = new LinkProbe();
  const link = openTcp({
    describe: 'db',
    host: '127.0.0.1',
    port: 1,
    limits: { messageBytes: MIB, queueBytes: 4 * MIB },
    connectTimeoutMs: 5000,
    ...changes,
  })(probe);
  links.push(link);
  return { link, probe };
}

describe('a server over TCP', () => {
  test('gets what was sent before the connection stood, and its answers come back', async () => {
    const port = await listen((socket) => socket.pipe(socket));
    const { link, probe } = open({ port });
    for (let id = 0; id < 50; id++) link.send(request(id, 'echo'));
    await probe.until(() => probe.messages.length === 50);
    expect(probe.messages[7]).toBe(request(7, 'echo').text);
    await link.close();
    expect(probe.ends).toEqual([undefined]);
  });

  test('A09 that answers with too much fails only that call', async () => {
    const port = await listen((socket) => {
      socket.write(`{"result":"${'x'.repeat(2 * MIB)}","id":1}\n{"result":0,"id":2}\n`);
    });
    const { probe } = open({ port });
    expect(await probe.answer(2)).toBe(0);
    expect(probe.failures.get(1)).toMatchObject({ code: 'RESULT_TOO_LARGE', server: 'db' });
  });

  test('A11 that does not read has further requests refused', async () => {
    const port = await listen((socket) => socket.pause());
    const { link, probe } = open({ port });
    for (let id = 0; id < 1000; id++) link.send(request(id, 'echo', 'x'.repeat(64 * 1024)));
    await probe.until(() => probe.failures.has(999));
    expect(probe.failures.get(999)).toMatchObject({ code: 'BUSY', delivered: false });
    expect(probe.ends).toEqual([]);
  });

  test.each<[what: string, options: Partial<TcpOptions>, message: RegExp]>([
    ['refuses', { port: 1 }, /^"db" could not be reached: the connection was refused/],
    ['is not known', { host: 'no-such-host.invalid' }, /^"db" could not be reached: its host name/],
    ['has no such port', { port: 70_000 }, /^"db" could not be reached/],
  ])('that %s is unavailable, and surely got nothing', async (_, options, message) => {
    const { link, probe } = open(options);
    link.send(request(1, 'echo'));
    const error = await probe.end();
    expect(error).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false, server: 'db' });
    expect(error?.message).toMatch(message);
  });

  test.each<[how: string, leave: (socket: Socket) => void]>([
    ['resets the connection', (socket) => socket.resetAndDestroy()],
    ['closes the connection', (socket) => socket.end()],
  ])('that %s has failed, and may have acted', async (_, leave) => {
    const port = await listen((socket) => socket.once('data', () => leave(socket)));
    const { link, probe } = open({ port });
    link.send(request(1, 'echo'));
    expect(await probe.end()).toMatchObject({
      code: 'DOWNSTREAM_FAILED',
      delivered: 'unknown',
      server: 'db',
    });
    await link.close();
    expect(probe.ends).toHaveLength(1);
  });

  test('is given up when no connection comes about in time', async () => {
    const turns: (() => void)[] = [];
    const clock = {
      now: () => 0,
      after(_: number, task: () => void) {
        turns.push(task);
        return () => {};
      },
    };
    const { probe } = open({ port: await listen(() => {}), clock });
    turns[0]?.();
    expect((await probe.end())?.message).toMatch(/no connection came about in time/);
  });
});
