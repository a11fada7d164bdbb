/** What a client may not do or see: others' sessions, others' tokens, secrets; and what wrong input costs. */
import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import { legacyHttpClient, modernHttpClient } from '../relay/wire/clients.ts';
import type { Wire } from '../relay/wire/conversation.ts';
import { inProcess } from '../relay/wire/in-process.ts';
import { CLI, raw, type Running, startHttpProxy, startRaw, writeConfig } from '../relay/wire/proxies.ts';

const SECRETS = {
  env: 'planted-env-7f3a',
  header: 'planted-header-91bc',
  query: 'planted-query-d2e8',
  password: 'planted-password-5c',
  argument: 'planted-argument-aa01',
  flag: 'planted-flag-77b2',
  error: 'planted-error-0d9f',
  alice: 'planted-token-alice',
  bob: 'planted-token-bob',
};
const HEADERS = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

let web: Running;
let proxy: Running;
beforeAll(async () => {
  web = await startRaw({});
  const withSecrets = new URL(web.url);
  withSecrets.searchParams.set('key', SECRETS.query);
  const gone = new URL('http://user@127.0.0.1:9/mcp');
  gone.password = SECRETS.password;
  gone.searchParams.set('key', SECRETS.query);
  proxy = await startHttpProxy({
    mcpServers: {
      web: { type: 'http', url: withSecrets.href, headers: { 'x-api-key': SECRETS.header } },
      pipe: raw({}, { env: { API_KEY: SECRETS.env } }),
      missing: { command: '/nowhere/at-all', args: [`--key=${SECRETS.flag}`] },
      gone: { type: 'http', url: gone.href, headers: { authorization: `Bearer ${SECRETS.header}` } },
      fails: {
        command: process.execPath,
        args: ['-e', `console.error(process.env.API_KEY); process.exit(3)`, `--key=${SECRETS.flag}`],
        env: { API_KEY: SECRETS.env },
      },
    },
    http: { tokens: { alice: SECRETS.alice, bob: SECRETS.bob }, allowedOrigins: ['https://good.example'] },
    expose: { namespaces: 'always', metaTools: true, listWaitMs: 2000 },
    log: { level: 'debug' },
  });
});
afterAll(async () => {
  await proxy.stop();
  await web.stop();
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(more: Wire, body?: string | Buffer, method = 'POST'): Promise<Answer> {
  const headers = { ...HEADERS, authorization: `Bearer ${SECRETS.alice}`, ...more };
  const response = await request(proxy.url, {
    method: method as 'POST',
    headers,
    ...(body !== undefined && { body }),
  });
  return { status: response.statusCode, text: await response.body.text() };
}

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

describe('what a client may leave with us', () => {
  const capabilities = { experimental: { padding: { x: 'x'.repeat(200_000) } } };
  const envelope = (capable: object): object => ({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capable,
  });
  const modern = (method: string, params: object): Promise<Answer> =>
    send(
      {
        authorization: `Bearer ${SECRETS.alice}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
      },
      JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    );

  test('F12 capabilities have a measure in both families', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'x', version: '1' } };
    const hello = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const legacy = await send({ authorization: `Bearer ${SECRETS.alice}` }, hello);
    expect(JSON.parse(legacy.text).error.code).toBe(-32602);
    const answer = await modern('server/discover', { _meta: envelope(capabilities) });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, -32602]);
  });

  test('F12 one stream cannot ask for any number of resources', async () => {
    const resourceSubscriptions = Array.from({ length: 2001 }, (_, i) => `x:${i}`);
    const notifications = { resourceSubscriptions };
    const answer = await modern('subscriptions/listen', { _meta: envelope({}), notifications });
    expect(JSON.parse(answer.text).error.code).toBe(-32602);
  });
});

describe('sessions', () => {
  test('F05 another’s session is unknown, and its owner notices nothing', async () => {
    const alice = await legacyHttpClient(proxy.url, { token: SECRETS.alice });
    const stolen = { 'mcp-session-id': alice.session, authorization: `Bearer ${SECRETS.bob}` };
    expect((await send(stolen, PING)).status).toBe(404);
    expect((await send(stolen, undefined, 'GET')).status).toBe(404);
    expect((await send(stolen, undefined, 'DELETE')).status).toBe(404);
    expect(await alice.request('ping')).toEqual({});
    await alice.leave();
  });

  test('F06 a missing or made-up session is refused while exactly one lives', async () => {
    const alice = await legacyHttpClient(proxy.url, { token: SECRETS.alice });
    expect((await send({}, PING)).status).toBe(400);
    expect((await send({ 'mcp-session-id': 'made-up' }, PING)).status).toBe(404);
    expect((await send({ 'mcp-session-id': 'made-up' }, undefined, 'GET')).status).toBe(404);
    await alice.leave();
    expect((await send({ 'mcp-session-id': alice.session }, PING)).status).toBe(404);
  });

  test('F12 ten thousand abandoned ones: as many live as may, then none, and the memory is free again', async () => {
    const small = await inProcess({ mcpServers: {}, limits: { sessions: 200 } }, { idleMs: 60_000 });
    const agent = new Agent({ connections: 4, pipelining: 8 });
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const abandon = async (count: number): Promise<void> => {
      const one = async (): Promise<void> => {
        const { body: answer } = await request(small.url, {
          method: 'POST',
          headers: HEADERS,
          body,
          dispatcher: agent,
        });
        await answer.text();
      };
      for (let done = 0; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, one));
    };
    await abandon(1000);
    expect(small.face.sessions).toBe(200);
    const before = heapUsed();
    await abandon(9000);
    expect(small.face.sessions).toBe(200);
    expect(heapUsed()).toBeLessThan(before * 1.1);
    small.clock.skip(2 * 60_000);
    expect(small.face.sessions).toBe(0);
    await agent.close();
    await small.close();
  }, 60_000);
});

describe('tokens', () => {
  test('F02 the client’s never reaches a server, whose own does', async () => {
    const alice = await legacyHttpClient(proxy.url, { token: SECRETS.alice, headers: { cookie: 'c=1' } });
    const modern = modernHttpClient(proxy.url, { token: SECRETS.bob, headers: { cookie: 'c=1' } });
    for (const client of [alice, modern]) await client.call('web__echo');
    const { body } = await request(`${web.url}/requests`);
    const text = await body.text();
    expect(text).toContain(SECRETS.header);
    expect(text).not.toContain(SECRETS.alice);
    expect(text).not.toContain(SECRETS.bob);
    expect(text).not.toContain('c=1');
    expect(text.toLowerCase()).not.toContain('"authorization"');
    await Promise.all([alice.leave(), modern.vanish()]);
  });

  test('without one nothing is served, whatever is asked', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${SECRETS.alice}`])
      expect((await send({ authorization }, PING)).status).toBe(401);
  });
});

describe('who may talk to the proxy', () => {
  test('F04 a foreign Origin and a rebound Host are refused, a program without Origin is served', async () => {
    const session = await legacyHttpClient(proxy.url, { token: SECRETS.alice });
    const mine = { 'mcp-session-id': session.session };
    expect((await send({ ...mine, origin: 'https://evil.example' }, PING)).status).toBe(403);
    expect((await send({ ...mine, origin: 'null' }, PING)).status).toBe(403);
    expect((await send({ ...mine, host: 'evil.example' }, PING)).status).toBe(403);
    expect((await send({ ...mine, origin: 'https://good.example' }, PING)).status).toBe(200);
    expect((await send(mine, PING)).status).toBe(200);
    await session.leave();
  });

  test('F04 a bind beyond loopback without tokens is refused before it listens', () => {
    const args = [CLI, 'serve', '--http', '0.0.0.0:0', '--config', writeConfig({ mcpServers: {} })];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 });
    expect(status).not.toBe(0);
    expect(stderr).not.toContain('listening');
    expect(stderr).toContain('http.tokens');
  });
});

describe('G03 messages that cannot be used', () => {
  const MODERN = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
  const bodies: [string, string | Buffer, number, number][] = [
    ['invalid JSON', '{"jsonrpc":"2.0","id":1,', 400, -32700],
    ['nothing', '', 400, -32700],
    ['a number', '7', 400, -32600],
    ['no JSON-RPC', '{"id":1,"method":"ping"}', 400, -32600],
    ['no method', '{"jsonrpc":"2.0","id":1}', 400, -32600],
    ['a batch', `[${PING}]`, 400, -32600],
    ['an empty batch', '[]', 400, -32600],
    [
      'too deep',
      `{"jsonrpc":"2.0","id":1,"method":"x","params":${'{"a":'.repeat(400)}1${'}'.repeat(400)}}`,
      400,
      -32600,
    ],
    [
      'invalid UTF-8',
      Buffer.concat([
        Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
      400,
      -32700,
    ],
  ];

  test.each(bodies)('%s', async (_what, body, status, code) => {
    const session = await legacyHttpClient(proxy.url, { token: SECRETS.alice, stream: false });
    for (const headers of [{ 'mcp-session-id': session.session }, MODERN, {}]) {
      const answer = await send(headers, body);
      expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    }
    expect(await session.request('ping')).toEqual({});
    await session.leave();
  });

  test('a byte order mark before good JSON is no reason to refuse it', async () => {
    const session = await legacyHttpClient(proxy.url, { token: SECRETS.alice, stream: false });
    const answer = await send({ 'mcp-session-id': session.session }, `\uFEFF${PING}`);
    expect([200, 400]).toContain(answer.status);
    await session.leave();
  });

  test('a wrong content type', async () => {
    expect((await send({ 'content-type': 'text/plain' }, PING)).status).toBe(415);
  });

  test('an answer and a notification that nobody waits for are accepted and forgotten', async () => {
    const session = await legacyHttpClient(proxy.url, { token: SECRETS.alice, stream: false });
    const headers = { 'mcp-session-id': session.session };
    expect((await send(headers, '{"jsonrpc":"2.0","id":99,"result":{}}')).status).toBe(202);
    expect((await send(headers, '{"jsonrpc":"2.0","method":"notifications/made-up"}')).status).toBe(202);
    await session.leave();
  });
});

describe('secrets', () => {
  test('G07 none that was planted shows in logs, errors, results or the status', async () => {
    const alice = await legacyHttpClient(proxy.url, { token: SECRETS.alice });
    const shown: unknown[] = [await alice.ask('tools/list')];
    shown.push(await alice.ask('tools/call', { name: 'proxy_status', arguments: {} }));
    for (const name of ['gone__echo', 'fails__echo', 'missing__echo', 'nowhere__echo'])
      shown.push(await alice.ask('tools/call', { name, arguments: {} }));
    for (const server of ['web', 'pipe']) {
      // What comes back is the client's own; what is logged of it is not.
      await alice.ask('tools/call', { name: `${server}__echo`, arguments: { password: SECRETS.argument } });
      const error = { code: -32000, message: SECRETS.error };
      await alice.ask('tools/call', { name: `${server}__answer`, arguments: { error } });
      alice.send({
        id: `h${server}`,
        method: 'tools/call',
        params: { name: `${server}__hang`, arguments: { key: SECRETS.argument } },
      });
      alice.notify('notifications/cancelled', { requestId: `h${server}` });
    }
    await send({}, `{"jsonrpc":"2.0","id":1,"method":"${SECRETS.argument}`);
    shown.push(await send({ authorization: 'Bearer wrong' }, PING));
    await alice.leave();
    const all = `${JSON.stringify(shown)}\n${proxy.output()}`;
    expect(all).toContain('gone');
    for (const [what, secret] of Object.entries(SECRETS))
      expect([what, all.includes(secret)]).toEqual([what, false]);
  });
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
