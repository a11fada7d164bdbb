import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type Entry, failureOf, type ProxyUnderTest, server, startProxy, textOf } from '../harness/proxy.ts';

const params = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'piped', version: '1' },
};

/** All that a client says, in one piece, and then the end of its input. */
function pipeIn(
  proxy: ProxyUnderTest,
  tool: string,
  args: Entry = {},
): { list: number | string; call: number | string } {
  proxy.ask('initialize', params);
  proxy.notify('notifications/initialized');
  const list = proxy.ask('tools/list');
  const call = proxy.askTool(tool, args);
  proxy.child.stdin?.end();
  return { list, call };
}

const ended = async (proxy: ProxyUnderTest): Promise<void> => {
  expect(await proxy.exitedWithin(4000)).toBe(0);
};

describe.each([[[]], [['serve', '--attach']]])('the end of input (%s)', (args) => {
  test('comes after what was asked, which is answered while servers come up and calls take a moment', async () => {
    const config = { idleExitMs: 1 };
    const proxy = await startProxy({ a: server({ initDelayMs: 200 }) }, { unready: true, args, config });
    const { list, call } = pipeIn(proxy, 'sleep', { ms: 100 });
    const { result } = await proxy.answer(list, 8000);
    expect(JSON.stringify(result)).toContain('"sleep"');
    expect(textOf(await proxy.answer(call, 8000))).toBe('slept');
    await ended(proxy);
  });
});

describe('what cannot be answered in time after the end of input', () => {
  test('is answered with an error that says so: a list of nothing would be taken for the truth', async () => {
    const proxy = await startProxy({ a: server({ initDelayMs: 60_000 }) }, { unready: true });
    const { list, call } = pipeIn(proxy, 'echo');
    const { error } = await proxy.answer(list);
    expect(error?.message).toContain('the proxy stops');
    const answer = await proxy.answer(call);
    expect(failureOf(answer)?.['code']).toBe('CANCELLED');
    expect(textOf(answer)).toContain('the proxy stops');
    await ended(proxy);
  });

  test('a modern client is told likewise', async () => {
    const proxy = await startProxy({ a: server({ initDelayMs: 60_000 }) }, { unready: true });
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'piped', version: '1' },
    };
    const list = proxy.ask('tools/list', { _meta });
    proxy.child.stdin?.end();
    const { result, error } = await proxy.answer(list);
    expect(result).toBeUndefined();
    expect(error?.message).toContain('the proxy stops');
    await ended(proxy);
  });

  test('nor is a list told at SIGTERM that only says that we are ending', async () => {
    const proxy = await startProxy({ a: server({ initDelayMs: 60_000 }) }, { unready: true });
    await proxy.greet();
    const list = proxy.ask('tools/list');
    await proxy.request('ping');
    proxy.child.kill('SIGTERM');
    expect((await proxy.answer(list)).error?.message).toContain('the proxy stops');
    await ended(proxy);
  });
});

describe('a greeting that waits for servers when the proxy stops', () => {
  const patient = { name: 'claude-code', version: '1' };

  test('is answered with an error that says so', async () => {
    const proxy = await startProxy({ a: server({ initDelayMs: 60_000 }) }, { unready: true });
    const greeting = proxy.ask('initialize', { ...params, clientInfo: patient });
    proxy.child.stdin?.end();
    expect((await proxy.answer(greeting)).error?.message).toContain('the proxy stops');
    await ended(proxy);
  });

  test.each(['server/discover', 'subscriptions/listen'])('so is %s', async (method) => {
    const proxy = await startProxy({ a: server({ initDelayMs: 60_000 }) }, { unready: true });
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'mcp', version: '1' },
    };
    const greeting = proxy.ask(method, { _meta, notifications: { toolsListChanged: true } });
    proxy.child.stdin?.end();
    expect((await proxy.answer(greeting)).error?.message).toContain('the proxy stops');
    await ended(proxy);
  });
});

test('what is there is not told as if it were all: a list that lacks a server waits, and is then an error', async () => {
  const servers = { quick: server(), slow: server({ initDelayMs: 60_000 }) };
  const proxy = await startProxy(servers, { unready: true });
  const { list, call } = pipeIn(proxy, 'quick__echo', { text: 'x' });
  expect(failureOf(await proxy.answer(list))?.['code']).toBe('CANCELLED');
  expect(textOf(await proxy.answer(call))).toContain('x');
  await ended(proxy);
});

test('an HTTP client that ends its side of the connection is answered', async () => {
  const proxy = await startProxy({ a: server() }, { http: true });
  const { hostname, port } = new URL(proxy.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'sleep',
      arguments: { ms: 200 },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'piped', version: '1' },
      },
    },
  });
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += String(chunk)));
  const fields = [
    'POST /mcp HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    'mcp-name: sleep',
    `content-length: ${body.length}`,
  ];
  socket.end(`${fields.join('\r\n')}\r\n\r\n${body}`);
  await once(socket, 'end');
  expect(heard).toContain('slept');
});
