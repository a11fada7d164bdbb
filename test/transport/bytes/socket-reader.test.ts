import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { readFrom, socketReader } from '../../../src/transport/bytes/socket-reader.ts';
import { until } from '../../harness/until.ts';

const open: { destroy(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

/** A server, and the next socket that it accepts. */
async function listening(): Promise<{ port: number; accepted: Promise<Socket> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection').then(([socket]) => {
    open.push(socket as Socket);
    return socket as Socket;
  });
  open.push({ destroy: () => server.close() });
  return { port: (server.address() as AddressInfo).port, accepted };
}

/** When nothing more of what was written leaves, although not all has left. */
async function heldUp(sender: Socket): Promise<void> {
  let before = -1;
  await until('the sender to be held up', async () => {
    const left = before;
    before = sender.bytesWritten - sender.writableLength;
    // Long enough for a reader that does not wait to read some.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return left > 0 && left === sender.bytesWritten - sender.writableLength && sender.writableLength > 0;
  });
}

const lengthOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0);
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a socket that reads into one buffer with all others', () => {
  test('gives its bytes away for good, whatever others read meanwhile', async () => {
    const { port, accepted } = await listening();
    const second = await listening();
    const [mine, others]: Buffer[][] = [[], []];
    const one = connect({ port, host: '127.0.0.1', onread: socketReader((chunk) => void mine?.push(chunk)) });
    const two = connect({
      port: second.port,
      host: '127.0.0.1',
      onread: socketReader((chunk) => void others?.push(chunk)),
    });
    open.push(one, two);
    const [peer, other] = await Promise.all([accepted, second.accepted]);
    for (let i = 0; i < 20; i++) {
      peer.write(`mine ${i};`);
      await until('mine', () => Buffer.concat(mine ?? []).includes(`mine ${i};`));
      other.write('x'.repeat(5000));
      await until('the others', () => lengthOf(others ?? []) === 5000 * (i + 1));
    }
    const expected = Array.from({ length: 20 }, (_, i) => `mine ${i};`).join('');
    expect(Buffer.concat(mine ?? []).toString()).toBe(expected);
    expect(Buffer.concat(others ?? []).toString()).toBe('x'.repeat(100_000));
  });

  test.each([1, 4095, 4096, 65_535, 65_536, 65_537, 5_000_000])(
    'loses and mixes up nothing of %d bytes',
    async (bytes) => {
      const { port, accepted } = await listening();
      const chunks: Buffer[] = [];
      const socket = connect({
        port,
        host: '127.0.0.1',
        onread: socketReader((chunk) => void chunks.push(chunk)),
      });
      open.push(socket);
      const sent = randomBytes(bytes);
      (await accepted).end(sent);
      await once(socket, 'end');
      expect(digest(Buffer.concat(chunks))).toBe(digest(sent));
    },
  );

  test('waits while it is paused', async () => {
    const { port, accepted } = await listening();
    const chunks: Buffer[] = [];
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: socketReader((chunk) => void chunks.push(chunk)),
    });
    open.push(socket);
    const peer = await accepted;
    peer.write('a');
    await until('the first', () => chunks.length === 1);
    socket.pause();
    const sent = randomBytes(8_000_000);
    peer.write(sent);
    await heldUp(peer);
    expect(lengthOf(chunks)).toBe(1);
    socket.resume();
    await until('the rest', () => lengthOf(chunks) === 1 + sent.length);
    expect(digest(Buffer.concat(chunks).subarray(1))).toBe(digest(sent));
  });
});

describe('a socket that somebody else has made', () => {
  test('hands over what comes in order, however often it is paused', async () => {
    const { port, accepted } = await listening();
    const client = connect({ port, host: '127.0.0.1' });
    open.push(client);
    const socket = await accepted;
    const chunks: Buffer[] = [];
    readFrom(socket, (chunk) => {
      chunks.push(chunk);
      if (chunks.length % 3 !== 0) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    const sent = randomBytes(3_000_000);
    for (let at = 0; at < sent.length; at += 10_007) {
      client.write(sent.subarray(at, at + 10_007));
      if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    client.end();
    await once(socket, 'end');
    expect(digest(Buffer.concat(chunks))).toBe(digest(sent));
  });

  test('holds its sender up while it is paused', async () => {
    const { port, accepted } = await listening();
    const client = connect({ port, host: '127.0.0.1' });
    open.push(client);
    const socket = await accepted;
    let taken = 0;
    readFrom(socket, (chunk) => (taken += chunk.length));
    client.write('a');
    await until('the first', () => taken === 1);
    socket.pause();
    client.write(Buffer.alloc(8_000_000));
    await heldUp(client);
    expect(taken).toBe(1);
    expect(socket.readableLength).toBeGreaterThan(0);
    socket.resume();
    await until('the rest', () => taken === 8_000_001);
  });

  test('also takes what comes by way of its stream', async () => {
    const { port, accepted } = await listening();
    open.push(connect({ port, host: '127.0.0.1' }));
    const socket = await accepted;
    const chunks: Buffer[] = [];
    readFrom(socket, (chunk) => void chunks.push(chunk));
    socket.emit('data', Buffer.from('as data'));
    expect(String(chunks[0])).toBe('as data');
  });

  test('may be any other stream as well', async () => {
    const stream = new PassThrough();
    const chunks: Buffer[] = [];
    readFrom(stream, (chunk) => void chunks.push(chunk));
    stream.end('as any stream');
    await once(stream, 'end');
    expect(Buffer.concat(chunks).toString()).toBe('as any stream');
  });
});
