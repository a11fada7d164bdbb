/** Remote servers that fail, seen by a client of the proxy: one fault costs one call, and the rest goes on. */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  deadPort,
  eventOf,
  httpServer,
  json,
  methodOf,
  rawServer,
  resultFor,
  type Seen,
  startEvents,
  type TestServer,
  tlsServer,
} from '../fixtures/http/servers.ts';
import { memoryOf } from '../harness/processes.ts';
import { type Entry, failureOf, type ProxyUnderTest, server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';

const MIB = 1024 * 1024;

type Fault = (response: ServerResponse, seen: Seen) => void;

const FAULTS: Readonly<Record<string, Fault>> = {
  'reset-before': (response) => response.socket?.resetAndDestroy(),
  'reset-after-head': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).flushHeaders();
    setTimeout(() => response.socket?.resetAndDestroy(), 20);
  },
  'reset-in-body': (response) => {
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
      .write('{"jsonrpc"');
    setTimeout(() => response.socket?.resetAndDestroy(), 20);
  },
  'byte-by-byte': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(timer));
  },
  bomb: (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb());
  },
  stacked: (response, seen) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip, gzip' });
    response.end(gzipSync(gzipSync(resultFor(seen))));
  },
  'line-without-end': (response) => flood(startEvents(response), 'x'.repeat(65_536), 'data: '),
  'event-without-end': (response) => flood(startEvents(response), 'data: x\n'.repeat(8192)),
  'comments-for-ever': (response) => {
    startEvents(response);
    const timer = setInterval(() => response.write(': life\n\n'), 20);
    response.on('close', () => clearInterval(timer));
  },
  'ends-early': (response) =>
    startEvents(response).end(eventOf('{"jsonrpc":"2.0","method":"notifications/x"}')),
};

let compressed: Buffer | undefined;
/** 300 MB of blanks. */
function bomb(): Buffer {
  return (compressed ??= gzipSync(Buffer.alloc(300_000_000, ' ')));
}

function flood(response: ServerResponse, piece: string, first = ''): void {
  response.write(first);
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', more);
  more();
}

/** Has one tool for each fault, and `echo`. */
function faultyServer(): Promise<TestServer> {
  return httpServer((seen, response) => {
    // Every connection is for one request: what is open belongs to what is under way.
    response.setHeader('connection', 'close');
    if (seen.method !== 'POST') return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(seen.body) as { id?: number; method: string; params?: Entry };
    if (id === undefined) return void response.writeHead(202).end();
    if (method === 'initialize')
      return json(
        response,
        resultFor(seen, {
          protocolVersion: params?.['protocolVersion'],
          capabilities: { tools: {} },
          serverInfo: { name: 'faulty', version: '1' },
        }),
      );
    if (method === 'tools/list') {
      const tools = ['echo', ...Object.keys(FAULTS)].map((name) => ({
        name,
        inputSchema: { type: 'object' },
      }));
      return json(response, resultFor(seen, { tools }));
    }
    if (method !== 'tools/call') return json(response, resultFor(seen));
    const fault = FAULTS[String(params?.['name'])];
    if (fault) return fault(response, seen);
    json(response, resultFor(seen, { content: [{ type: 'text', text: 'here' }] }));
  });
}

function runs({ seen }: TestServer, name: string): number {
  return seen.filter((one) => methodOf(one) === 'tools/call' && one.body.includes(`"${name}"`)).length;
}

/** Neither this server nor its neighbour has taken harm. */
async function goOn(proxy: ProxyUnderTest): Promise<void> {
  expect(textOf(await proxy.call('far__echo'))).toBe('here');
  expect(textOf(await proxy.call('near__echo', { n: 1 }))).toBe('{"n":1}');
}

describe('a call to a remote server', () => {
  const far = (remote: TestServer): Entry => ({
    type: 'http',
    url: remote.url,
    protocol: '2025-11-25',
    circuitBreaker: { failureThreshold: 100 },
    limits: { messageBytes: MIB },
  });

  test('E02 E03 E06 E07 E08: each fault costs its call alone, which runs once', async () => {
    const faults = [
      ['reset-before', 'OUTCOME_UNKNOWN', 'unknown'],
      ['reset-after-head', 'OUTCOME_UNKNOWN', 'unknown'],
      ['reset-in-body', 'OUTCOME_UNKNOWN', 'unknown'],
      ['byte-by-byte', 'TIMEOUT', 'unknown'],
      ['stacked', 'OUTCOME_UNKNOWN', 'unknown'],
      ['line-without-end', 'RESULT_TOO_LARGE', true],
      ['event-without-end', 'RESULT_TOO_LARGE', true],
      ['comments-for-ever', 'TIMEOUT', 'unknown'],
      ['ends-early', 'OUTCOME_UNKNOWN', 'unknown'],
    ] as const;
    const remote = await faultyServer();
    const impatient = { timeoutMs: 400 };
    const tools = { override: { 'byte-by-byte': impatient, 'comments-for-ever': impatient } };
    const proxy = await startProxy({ far: { ...far(remote), tools }, near: server() });
    const calls = faults.map(([name]) => proxy.call(`far__${name}`, {}, 15_000));
    await goOn(proxy);
    for (const [i, [name, code, delivered]] of faults.entries()) {
      const answer = (await calls[i]) ?? {};
      expect(failureOf(answer), name).toMatchObject({ code, server: 'far', delivered });
      expect(textOf(answer), name).not.toMatch(/127\.0\.0\.1|node:|\bat /);
      expect(runs(remote, name), name).toBe(1);
    }
    await goOn(proxy);
    // The stream of a call that was cancelled is kept for a moment: its server may want to end it in good order.
    await until('its connections to end', () => remote.sockets.size === 0, 10_000);
  }, 30_000);

  test('E06: a bomb of 300 MB costs its call, and less than twice the limit of memory', async () => {
    const remote = await faultyServer();
    const proxy = await startProxy({ far: far(remote), near: server() });
    await goOn(proxy);
    bomb();
    const before = memoryOf(proxy.pid);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, memoryOf(proxy.pid))), 5);
    const answer = await proxy.call('far__bomb', {}, 10_000);
    clearInterval(watch);
    expect(failureOf(answer)).toEqual({ code: 'RESULT_TOO_LARGE', server: 'far', delivered: true });
    // Beside the limit, what any answer takes: buffers on the way, and garbage.
    expect(most - before).toBeLessThan(2 + 40);
    await goOn(proxy);
  });
});

describe('a remote server that cannot be reached', () => {
  test('E01: says why, each in its own words, and the others start', async () => {
    const plain = await rawServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const entries: Record<string, [url: string, says: RegExp]> = {
      refused: [`http://127.0.0.1:${await deadPort()}/mcp?key=s3cret`, /ECONNREFUSED|refused/],
      nameless: ['http://nonexistent.invalid/mcp', /host name was not found/],
      selfSigned: [(await tlsServer('localhost')).url, /self-signed/],
      noTls: [`https://127.0.0.1:${plain.port}/mcp`, /TLS/],
    };
    const remote = (url: string): Entry => ({ type: 'http', url, connectTimeoutMs: 3000 });
    const proxy = await startProxy(
      {
        near: server(),
        ...Object.fromEntries(Object.entries(entries).map(([key, [url]]) => [key, remote(url)])),
      },
      { unready: true },
    );
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('near__echo');
    for (const [key, [, says]] of Object.entries(entries)) {
      const failed = await proxy.logged(({ server: name, why }) => name === key && why !== undefined, 10_000);
      expect(failed['why'], key).toMatch(says);
    }
    expect(textOf(await proxy.call('near__echo', { n: 1 }))).toBe('{"n":1}');
    expect(proxy.stderr + JSON.stringify(proxy.messages)).not.toContain('s3cret');
  });
});
