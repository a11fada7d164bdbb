/** Modern servers that answer `initialize` in ways that nobody expects, on transports where it goes first. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startEvents } from '../fixtures/http/servers.ts';
import { plainServer, SAID } from '../fixtures/http/plain-server.ts';
import { legacyHttpClient } from './wire/clients.ts';
import type { Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

/** Of the modern family: what it answers to a message, with `odd` in place of an answer to `initialize`. */
function answerTo(text: string, odd: Wire, said: Wire = SAID): string {
  const { id, method } = JSON.parse(text) as { id?: number; method: string };
  if (id === undefined) return '';
  const hello = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
  const tools = [{ name: 'echo', inputSchema: { type: 'object' } }];
  const results: Wire = { 'server/discover': hello, 'tools/list': { tools }, 'tools/call': said };
  if (method === 'initialize' && odd.silent === true) return '';
  if (method === 'initialize') return JSON.stringify({ jsonrpc: '2.0', id, ...odd });
  if (!(method in results))
    return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } });
  return JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...results[method] } });
}

async function tcp(odd: Wire): Promise<Wire> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', (line) => {
      const text = answerTo(line, odd);
      if (text !== '') socket.write(`${text}\n`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function websocket(odd: Wire): Promise<Wire> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const text = answerTo(data.toString(), odd);
      if (text !== '') socket.send(text);
    });
  });
  await once(server, 'listening');
  onTestFinished(() => server.close());
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

async function sse(odd: Wire): Promise<Wire> {
  let stream: { write(text: string): void } | undefined;
  const server = await plainServer({
    GET: (_seen, response) => {
      stream = startEvents(response);
      stream.write('event: endpoint\ndata: /messages\n\n');
    },
    'server/discover': (seen, response) => post(seen.body, response),
    POST: (seen, response) => post(seen.body, response),
  });
  const post = (body: string, response: { writeHead(code: number): { end(): unknown } }): void => {
    response.writeHead(202).end();
    const text = answerTo(body, odd);
    if (text !== '') stream?.write(`data: ${text}\n\n`);
  };
  return { type: 'sse', url: server.url };
}

function stdio(odd: Wire): Promise<Wire> {
  const file = join(temporaryFolder('odd'), 'server.mjs');
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
     const answerTo = ${answerTo.toString().replace(/said = [^,)]+/, 'said')};
     createInterface({ input: process.stdin }).on('line', (line) => {
       const text = answerTo(line, ${JSON.stringify(odd)}, ${JSON.stringify(SAID)});
       if (text !== '') process.stdout.write(text + '\\n');
     });`,
  );
  return Promise.resolve({ command: process.execPath, args: [file] });
}

async function call(entry: Wire): Promise<unknown> {
  const proxy = await inProcess({
    expose: { namespaces: 'none', metaTools: false },
    mcpServers: { one: entry },
  });
  onTestFinished(() => proxy.close());
  const client = await legacyHttpClient(proxy.url, { stream: false });
  try {
    return await client.call('echo');
  } finally {
    await client.leave();
  }
}

const ODD: [string, Wire][] = [
  ['-32600', { error: { code: -32600, message: 'Invalid Request' } }],
  ['-32602', { error: { code: -32602, message: 'Invalid params' } }],
  ['-32603', { error: { code: -32603, message: 'Internal error' } }],
  ['-32000 and no reason', { error: { code: -32000, message: '' } }],
  ['an empty result', { result: {} }],
  ['a revision that is not of its family', { result: { protocolVersion: '2026-07-28' } }],
  ['neither result nor error', {}],
];

describe.each([
  ['stdio', stdio],
  ['TCP', tcp],
  ['a WebSocket', websocket],
  ['SSE', sse],
] as const)('a modern server over %s that answers `initialize` with', (_carrier, start) => {
  test.each(ODD)('%s is asked in the way of its family', async (_how, odd) => {
    expect(await call(await start(odd))).toMatchObject(SAID);
  });
});

test.each([
  ['TCP', tcp],
  ['a WebSocket', websocket],
  ['SSE', sse],
] as const)(
  'a modern server over %s that does not answer `initialize` at all is asked in its way',
  async (_, start) => {
    const entry = { ...(await start({ silent: true })), connectTimeoutMs: 1500 };
    expect(await call(entry)).toMatchObject(SAID);
  },
);
