/** Servers that refuse a revision instead of choosing another one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { idOf, json, methodOf, type Seen, type TestServer } from '../fixtures/http/servers.ts';
import {
  type Answer,
  greetingsOf,
  helloIn,
  plainServer,
  SAID,
  status,
} from '../fixtures/http/plain-server.ts';
import { proxyWith } from '../resilience/proxy-in-process.ts';
import { legacyHttpClient, spawnStdio } from './wire/clients.ts';
import type { Wire } from './wire/conversation.ts';
import { inProcess } from './wire/in-process.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

type Refusal = (asked: string) => Answer;

const rpc = (code: number, message: string, data?: unknown, http = 200): Refusal => {
  return () => (seen, response) =>
    json(response, JSON.stringify({ jsonrpc: '2.0', id: idOf(seen), error: { code, message, data } }), http);
};

function askedIn(seen: Seen): string {
  return (JSON.parse(seen.body) as { params: { protocolVersion: string } }).params.protocolVersion;
}

/** Takes `only` and nothing else. */
function particular(only: string, refusal: Refusal): Promise<TestServer> {
  return plainServer({
    initialize(seen, response) {
      const asked = askedIn(seen);
      (asked === only ? helloIn(only) : refusal(asked))(seen, response);
    },
  });
}

async function call(entry: Wire, stateDir = temporaryFolder('version')): Promise<unknown> {
  const proxy = await inProcess({
    stateDir,
    expose: { namespaces: 'none', metaTools: false },
    mcpServers: { one: entry },
  });
  const client = await legacyHttpClient(proxy.url, { stream: false });
  try {
    return await client.call('echo');
  } finally {
    await client.leave();
    await proxy.close();
  }
}

const OLDER = ['2025-06-18', '2025-03-26', '2024-11-05'];
const NO = 'Unsupported protocol version';

describe('a server over HTTP that takes one revision only', () => {
  test.each([
    ['2025-06-18', '-32602 with a list', rpc(-32602, NO, { supported: ['2025-06-18'], requested: 'x' }), 1],
    ['2025-03-26', '-32602 with a list', rpc(-32602, NO, { supported: ['2025-03-26'] }), 1],
    ['2024-11-05', '-32602 without a list', rpc(-32602, NO), 3],
    ['2025-06-18', '-32602 that says nothing', rpc(-32602, 'Invalid params'), 1],
    ['2025-03-26', '-32600 with a list in its text', rpc(-32600, `${NO} (2025-03-26)`), 1],
    ['2025-03-26', '-32603 about a version', rpc(-32603, 'version mismatch'), 2],
    ['2025-06-18', '-32022 with a list', rpc(-32022, NO, { supported: ['2025-06-18'] }, 400), 1],
    [
      '2025-06-18',
      '400 with a list in text',
      (asked) => status(400, `${NO}: ${asked}. Known: 2025-06-18`),
      1,
    ],
    ['2025-03-26', '400 about the version', (asked) => status(400, `Bad protocol version ${asked}`), 2],
    ['2024-11-05', '422 that names what was asked', (asked) => status(422, `"${asked}" is not allowed`), 3],
    ['2025-06-18', '500 with the version', (asked) => status(500, `KeyError: '${asked}'`), 1],
    ['2024-10-07', '-32602 with a list', rpc(-32602, NO, { supported: ['2024-10-07'] }), 1],
  ] as [string, string, Refusal, number][])(
    '%s, and refuses others with %s, is used, and asked so at once later',
    async (only, _how, refusal, tries) => {
      const server = await particular(only, refusal);
      const stateDir = temporaryFolder('version');
      expect(await call({ url: server.url }, stateDir)).toMatchObject(SAID);
      const expected = ['server/discover', '2025-11-25', ...(tries === 1 ? [only] : OLDER.slice(0, tries))];
      expect(greetingsOf(server)).toEqual(expected);
      server.seen.length = 0;
      expect(await call({ url: server.url }, stateDir)).toMatchObject(SAID);
      expect(greetingsOf(server)).toEqual([only]);
    },
  );

  test('and later another one is used all the same', async () => {
    let only = '2025-03-26';
    const server = await plainServer({
      initialize(seen, response) {
        (askedIn(seen) === only ? helloIn(only) : status(400, 'Wrong version'))(seen, response);
      },
    });
    const stateDir = temporaryFolder('version');
    await call({ url: server.url }, stateDir);
    only = '2025-11-25';
    server.seen.length = 0;
    expect(await call({ url: server.url }, stateDir)).toMatchObject(SAID);
    expect(greetingsOf(server)).toEqual(['2025-03-26', '2025-11-25']);
  });

  test('that is none of ours is given up, with what it said', async () => {
    const server = await particular('2023-01-01', rpc(-32602, NO, { supported: ['2023-01-01'] }));
    const proxy = await proxyWith(() => ({
      mcpServers: { one: { url: server.url, restart: { enabled: false } } },
    }));
    await expect.poll(async () => (await proxy.status('one'))['lastFailure']).toBeDefined();
    expect((await proxy.status('one'))['lastFailure']).toMatchObject({
      what: expect.stringMatching(/Unsupported protocol version.*"protocol"/) as string,
    });
    expect(greetingsOf(server)).toEqual(['server/discover', '2025-11-25']);
  });

  test('that the config names is asked for nothing else', async () => {
    const server = await particular('2025-03-26', rpc(-32602, NO));
    const entry = { url: server.url, protocol: '2025-06-18', restart: { enabled: false } };
    await call(entry).catch(() => {});
    expect(greetingsOf(server)).toEqual(['2025-06-18']);
  });

  test('2024-10-07 by its own choice is used', async () => {
    const server = await plainServer({ initialize: helloIn('2024-10-07') });
    expect(await call({ url: server.url })).toMatchObject(SAID);
    const later = server.seen.find((seen) => methodOf(seen) === 'tools/call');
    expect(later?.headers['mcp-protocol-version']).toBe('2024-10-07');
  });
});

describe('a server over stdio that takes one revision only', () => {
  const script = (refuse: string): string => `
    const { createInterface } = await import('node:readline');
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    const asked = [];
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line);
      if (id === undefined) return;
      if (method === 'initialize') {
        const version = params.protocolVersion;
        asked.push(version);
        if (version !== process.argv[2]) { ${refuse}; return; }
        return say({ id, result: { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
      }
      if (method === 'tools/list') return say({ id, result: { tools: [{ name: 'asked', inputSchema: { type: 'object' } }] } });
      if (method === 'tools/call') return say({ id, result: { content: [{ type: 'text', text: asked.join() }] } });
      say({ id, error: { code: -32601, message: 'Method not found' } });
    });`;
  const refusal = "say({ id, error: { code: -32602, message: 'Unsupported protocol version' } })";

  async function askedOf(only: string, refuse: string, version: string): Promise<string> {
    const folder = temporaryFolder('version');
    const file = join(folder, 'server.mjs');
    writeFileSync(file, script(refuse));
    const client = spawnStdio({
      stateDir: join(folder, 'state'),
      expose: { namespaces: 'none', metaTools: false },
      mcpServers: { one: { command: process.execPath, args: [file, only] } },
    });
    const clientInfo = { name: 'test', version: '1' };
    await client.request('initialize', { protocolVersion: version, capabilities: {}, clientInfo });
    client.notify('notifications/initialized');
    const result = await client.call('asked');
    await client.close();
    return (result['content'] as { text: string }[])[0]?.text ?? '';
  }

  test('is asked for our client’s own next', async () => {
    expect(await askedOf('2025-03-26', refusal, '2025-03-26')).toBe('2025-11-25,2025-03-26');
  });

  test('is started again where it ends with its refusal', async () => {
    expect(
      await askedOf('2025-06-18', `${refusal}; process.exitCode = 1; process.stdin.destroy()`, '2025-11-25'),
    ).toBe('2025-06-18');
  });
});
