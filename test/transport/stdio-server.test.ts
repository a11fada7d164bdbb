import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { wholeText } from '../../src/json/elided.ts';
import { openStdioServer } from '../../src/transport/stdio-server.ts';
import type { StdioServer } from '../../src/transport/stdio-server.ts';
import { HandClock } from '../harness/clock.ts';

const FACE = fileURLToPath(new URL('../fixtures/children/stdio-face.mjs', import.meta.url));

function start(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', FACE, ...args]);
}

interface Face {
  readonly server: StdioServer;
  readonly stdin: PassThrough;
  readonly lines: string[];
  readonly ends: string[];
}

function face(stdout: Writable, queueBytes = 1e6, clock?: HandClock): Face {
  const stdin = new PassThrough();
  const lines: string[] = [];
  const ends: string[] = [];
  const server = openStdioServer({
    stdin,
    stdout,
    limits: { messageBytes: 1e6, queueBytes },
    onLine: (line) => lines.push(wholeText(line)),
    onOversized: () => {},
    instead: (id) => `instead of ${id}`,
    onUnread: () => ends.push('unread'),
    onInputEnd: (reason) => ends.push(reason),
    onGone: (reason) => ends.push(reason),
    clock,
  });
  return { server, stdin, lines, ends };
}

describe('the stdio server', () => {
  test('joins what is sent in one turn into one write', async () => {
    const writes: string[] = [];
    const stdout = new Writable({
      write(chunk, _, done) {
        writes.push(String(chunk));
        done();
      },
    });
    const { server } = face(stdout);
    server.send('a');
    server.send('b');
    await server.close();
    expect(writes.filter(Boolean)).toEqual(['a\nb\n']);
  });

  test('gives nothing more once it is closed', async () => {
    const { server, stdin, lines, ends } = face(new PassThrough());
    stdin.write('one\n');
    await new Promise(setImmediate);
    await server.close();
    stdin.write('two\n');
    stdin.end();
    await new Promise(setImmediate);
    expect(lines).toEqual(['one']);
    expect(ends).toEqual([]);
  });

  describe('while more waits than the client may leave unread', () => {
    const answer = (id: number, bytes: number): string =>
      `{"jsonrpc":"2.0","id":${id},"result":"${'x'.repeat(bytes)}"}`;

    /** Takes bytes when it is told to. */
    function reader(): { stdout: Writable; taken: string[]; takeOne: () => void } {
      const taken: string[] = [];
      let waiting: (() => void) | undefined;
      const stdout = new Writable({
        write(chunk, _, done) {
          waiting = () => {
            taken.push(String(chunk));
            done();
          };
        },
      });
      const takeOne = (): void => {
        const take = waiting;
        waiting = undefined;
        take?.();
      };
      return { stdout, taken, takeOne };
    }

    test('takes in nothing further, and goes on when there is room again', async () => {
      const { stdout, takeOne } = reader();
      const { server, stdin, lines } = face(stdout, 20_000, new HandClock());
      for (let id = 1; id <= 3; id++) server.send(answer(id, 18_000));
      stdin.write('one\n');
      await new Promise(setImmediate);
      expect(lines).toEqual([]);
      while (server.waitingBytes > 0) {
        takeOne();
        await new Promise(setImmediate);
      }
      expect(lines).toEqual(['one']);
    });

    test('answers otherwise what finds no room, one by one, and leaves out notices', async () => {
      const { stdout, taken, takeOne } = reader();
      const { server, ends } = face(stdout, 10_000, new HandClock());
      for (let id = 1; id <= 12; id++) server.send(answer(id, 9000));
      server.send(`{"jsonrpc":"2.0","method":"x","params":"${'x'.repeat(9000)}"}`);
      server.send(answer(13, 10));
      while (server.waitingBytes > 0) {
        takeOne();
        await new Promise(setImmediate);
      }
      const all = taken.join('').split('\n').filter(Boolean);
      expect(all.map((line) => /^instead of \d+|"id":\d+/.exec(line)?.[0])).toEqual([
        ...[1, 2, 3, 4, 5].map((id) => `"id":${id}`),
        ...[6, 7, 8, 9, 10, 11, 12].map((id) => `instead of ${id}`),
        '"id":13',
      ]);
      expect(ends).toEqual([]);
    });

    test('a client counts as one that does not read only when it took nothing for a while, and is not ended then', async () => {
      const { stdout, takeOne } = reader();
      const clock = new HandClock();
      const { server, stdin, lines, ends } = face(stdout, 1000, clock);
      for (let id = 1; id < 6; id++) {
        server.send(answer(id, 900));
        await new Promise(setImmediate);
      }
      stdin.write('one\n');
      for (let i = 0; i < 3; i++) {
        clock.passNow(4000);
        expect([server.isUnread, ends]).toEqual([false, []]);
        takeOne();
        await new Promise(setImmediate);
        if (i === 0) server.send(answer(9, 900));
      }
      server.send(answer(10, 900));
      server.send(answer(11, 900));
      clock.passNow(10_000);
      expect([server.isUnread, ends]).toEqual([true, ['unread']]);
      // What it says is seen again: it may be that it leaves.
      await new Promise(setImmediate);
      expect(lines).toEqual(['one']);
      stdin.end();
      await new Promise(setImmediate);
      expect(ends).toEqual(['unread', 'the client closed our input']);
    });

    test('holds a bounded number of bytes for a client that never reads', async () => {
      const { stdout } = reader();
      const clock = new HandClock();
      const { server } = face(stdout, 1000, clock);
      for (let id = 0; id < 100_000; id++) server.send(answer(id, 500));
      clock.passNow(10_000);
      for (let id = 0; id < 100_000; id++) server.send(answer(id, 500));
      expect(server.waitingBytes).toBeLessThan(1_200_000);
    });
  });

  test('does not wait for ever for a client that does not read', async () => {
    const { server } = face(new Writable({ write() {} }));
    server.send('x');
    await server.close();
  });
});

describe('the stdio server in a process', () => {
  test('answers what came before the input ended, then the process ends by itself', async () => {
    const child = start();
    const out = text(child.stdout);
    const err = text(child.stderr);
    child.stdin.end('{"id":1}\n{"id":2}\n');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await out).toBe('{"id":1}\n{"id":2}\nafter the end\n');
    expect(await err).toBe('end: the client closed our input\nclosed\n');
  });

  test('A09 tells the id of a request that is too large, and goes on', async () => {
    const child = start();
    const out = text(child.stdout);
    const err = text(child.stderr);
    child.stdin.end(`{"id":"r1","method":"tools/call","params":"${'x'.repeat(2e6)}"}\n{"id":2}\n`);
    expect(await out).toBe('{"id":2}\nafter the end\n');
    expect(await err).toContain('oversized 2000045 r1 true\n');
  });

  test('A16 survives that the client closes our output, and shuts down cleanly', async () => {
    const child = start();
    const err = text(child.stderr);
    child.stdin.on('error', () => {});
    child.stdin.write('hello\n');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stdin.write('flood\n');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await err).toBe('end: the client closed our output\nclosed\n');
  });

  test('is not blocked by a client that does not read, and goes on when it does', async () => {
    const child = start(String(4 * 1024 * 1024));
    child.stdin.write('flood\n');
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    expect(String(said)).toBe('unread\n');
    let heard = '';
    child.stdout.on('data', (chunk: Buffer) => (heard = (heard + String(chunk)).slice(-20)));
    child.stdin.write('still here\n');
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('still here\n');
    child.kill('SIGKILL');
  }, 20_000);
});
