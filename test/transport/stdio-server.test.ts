import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { wholeText } from '../../src/core/abridged.ts';
import { openStdioServer } from '../../src/transport/stdio-server.ts';
import type { StdioServer } from '../../src/transport/stdio-server.ts';

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

function face(stdout: Writable, queueBytes = 1e6): Face {
  const stdin = new PassThrough();
  const lines: string[] = [];
  const ends: string[] = [];
  const server = openStdioServer({
    stdin,
    stdout,
    limits: { messageBytes: 1e6, queueBytes },
    onLine: (line) => lines.push(wholeText(line)),
    onOversized: () => {},
    onEnd: (reason) => ends.push(reason),
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

  test('ends once, with a reason, when more waits than the client may leave unread', async () => {
    const { server, ends } = face(new Writable({ write() {} }), 1000);
    for (let i = 0; i < 100; i++) server.send('x'.repeat(100));
    expect(ends).toEqual([]);
    await new Promise(setImmediate);
    expect(ends).toEqual(['the client does not read its answers (limits.unreadBytes)']);
    expect(server.waitingBytes).toBeLessThan(1200);
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

  test('is not blocked by a client that does not read', async () => {
    const child = start(String(4 * 1024 * 1024));
    child.stdin.write('flood\n');
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    expect(String(said)).toContain('end: the client does not read its answers (limits.unreadBytes)\n');
    child.kill('SIGKILL');
  });
});
