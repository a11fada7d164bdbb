/** Resident memory under what never ends or grows large. The figures need a quiet machine. */
import type net from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openChildProcess } from '../../src/transport/child-process/child-process.ts';
import { openHttpClient } from '../../src/transport/http-client/client.ts';
import { openSse } from '../../src/transport/sse/client.ts';
import { recorder, type Recorder } from '../fixtures/http/recorder.ts';
import { endlessBody } from '../fixtures/http/endless-body.ts';
import { httpServer, idOf, json, rawServer, resultFor } from '../fixtures/http/servers.ts';
import { memoryOf } from '../harness/processes.ts';
import { server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { LinkProbe, request } from '../transport/link-probe.ts';

const MIB = 1024 * 1024;
const limits = { messageBytes: 1_000_000, queueBytes: 10_000_000 };

/** @returns how much this process has grown since, in MiB. */
function grown(): () => number {
  const before = process.memoryUsage.rss();
  return () => (process.memoryUsage.rss() - before) / MIB;
}

function httpClient(url: string, era: 'legacy' | 'modern' = 'legacy'): Recorder {
  return recorder(openHttpClient({ url, describe: 'files', era, connectTimeoutMs: 500, limits }));
}

describe('an HTTP client', () => {
  test('E06: takes little memory for a bomb of 300 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(300_000_000, ' '));
    const remote = await httpServer((seen, response) => {
      if (idOf(seen) === 2) return json(response, resultFor(seen));
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
    });
    const proxy = httpClient(remote.url);
    await proxy.call(2);
    const more = grown();
    await expect(proxy.call(1)).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(more()).toBeLessThan(60);
  });

  test.each([
    ['a JSON body', 'application/json', ' '.repeat(65_536), ''],
    ['an event stream in one line', 'text/event-stream', 'x'.repeat(65_536), 'data: '],
    ['an event of many lines', 'text/event-stream', 'data: x\n'.repeat(8192), ''],
    ['a comment in one line', 'text/event-stream', ':'.repeat(65_536), ''],
  ])('E07: takes little memory for an answer without end: %s', async (_, type, piece, first) => {
    const remote = await rawServer((socket) => void endlessBody(socket, piece, { type, first }));
    const proxy = httpClient(remote.url);
    const more = grown();
    await expect(proxy.call(1)).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(more()).toBeLessThan(60);
  });

  test('E07: takes no memory for a stream of comments', async () => {
    let sent = (): number => 0;
    const remote = await rawServer((socket: net.Socket) => {
      sent = endlessBody(socket, ': life\n'.repeat(9000));
    });
    const proxy = httpClient(remote.url, 'modern');
    const more = grown();
    proxy.link.send({ text: '{}', id: 1 });
    await proxy.until(() => sent() > 300 * MIB, 30_000);
    expect(more()).toBeLessThan(60);
    proxy.link.abandon?.(1);
  });
});

test('E07: an SSE client takes no memory for a line without end', async () => {
  let sent = (): number => 0;
  const remote = await rawServer((socket) => {
    sent = endlessBody(socket, 'x'.repeat(65_536), { first: 'event: endpoint\ndata: /m\n\ndata: ' });
  });
  const more = grown();
  const open = openSse({ url: remote.url, describe: 'old', connectTimeoutMs: 500, limits });
  const proxy = recorder(open);
  await proxy.until(() => sent() > 300 * MIB, 30_000);
  expect(more()).toBeLessThan(60);
});

test('A11 requests to a child process that does not read take no more than the limit', async () => {
  const probe = new LinkProbe();
  const link = openChildProcess({
    describe: 'github',
    command: process.execPath,
    args: [fileURLToPath(new URL('../fixtures/children/deaf.mjs', import.meta.url))],
    env: { PATH: process.env['PATH'] ?? '' },
    stopGraceMs: 1000,
    limits: { messageBytes: 10 * MIB, queueBytes: 8 * MIB, stderrBytes: 16 * 1024, stderrLinesPerSecond: 50 },
  })(probe);
  onTestFinished(() => link.close());
  await probe.notice('ready');
  const more = grown();
  for (let id = 0; id < 5000; id++) {
    link.send(request(id, 'echo', 'x'.repeat(64 * 1024)));
    if (id % 100 === 0) await new Promise(setImmediate);
  }
  await probe.until(() => probe.failures.has(4999));
  expect(more()).toBeLessThan(150);
});

test('C08 a flood of 100,000 log messages leaves the proxy as large as before', async () => {
  const proxy = await startProxy({ a: server(), b: server() });
  const before = memoryOf(proxy.pid);
  expect(textOf(await proxy.call('a__logFlood', { count: 100_000 }, 20_000))).toBe('done');
  await until('the word of what was left out', () =>
    proxy
      .clientNotifications('notifications/message')
      .some(({ params }) => params?.['logger'] === 'switchyard'),
  );
  expect(memoryOf(proxy.pid) - before).toBeLessThan(80);
});
