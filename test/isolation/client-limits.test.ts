/** The limits of the whole proxy that clients meet: each set to little, and what its next taker is told. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpClient, post } from '../harness/http-client.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { legacyHttpClient, modernHttpClient, type ModernClient, stdioClient } from '../relay/wire/clients.ts';
import { inProcess } from '../relay/wire/in-process.ts';
import { raw, startRaw } from '../relay/wire/proxies.ts';

const KIB = 1024;
const HELLO = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'late', version: '1' } },
});

describe('over HTTP', () => {
  test('sessions: where none is idle the next is refused with 503, and served when one has left', async () => {
    const proxy = await startProxy({}, { http: true, config: { limits: { sessions: 2 } } });
    const [one, two] = [await legacyHttpClient(proxy.url), await legacyHttpClient(proxy.url)];
    const refused = await post(proxy.url, HELLO);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ id: 1, error: { code: -32000 } });
    expect(refused.body).toContain('2 are open, and none of them is idle (limits.sessions)');
    expect(await one.request('ping')).toEqual({});
    await one.leave();
    expect((await post(proxy.url, HELLO)).status).toBe(200);
    // That one has no stream: it makes room for the next.
    expect((await post(proxy.url, HELLO)).status).toBe(200);
    await two.leave();
  });

  test('connections: one too many is closed at once, and the log says by which limit', async () => {
    const proxy = await startProxy({}, { http: true, config: { limits: { connections: 2 } } });
    const { hostname, port } = new URL(proxy.url);
    const open = async (): Promise<Socket> => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      return socket.on('error', () => {});
    };
    const sockets = [await open(), await open()];
    const [first] = sockets;
    const late = (await open()).resume();
    await until('the third to be closed', () => late.closed);
    await proxy.logged(({ msg }) => String(msg).includes('limits.connections'));
    first?.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(String(await once(first as Socket, 'data'))).toContain('200 OK');
    for (const socket of sockets) socket.destroy();
  });

  test('clients: where each of them waits for something the next is BUSY, and served when one has left', async () => {
    const proxy = await inProcess({ mcpServers: {} }, { limits: { clients: 2 } });
    // One name and no tokens: their capabilities tell them apart.
    const [one, two, three] = ['a', 'b', 'c'].map((key) =>
      modernHttpClient(proxy.url, { capabilities: { experimental: { [key]: {} } } }),
    ) as [ModernClient, ModernClient, ModernClient];
    for (const client of [one, two]) await listening(client);
    await expect(three.request('tools/list')).rejects.toThrow(
      '2 clients are at work, and none of them is idle',
    );
    expect(await one.request('tools/list')).toHaveProperty('tools');
    one.abandon('stream');
    await until('a place', () =>
      three.request('tools/list').then(
        () => true,
        () => false,
      ),
    );
    await Promise.all([one, two, three].map((client) => client.vanish()));
    await proxy.close();
  });

  test('streams: of one client', async () => {
    const proxy = await inProcess({ mcpServers: {} }, { limits: { streams: 2 } });
    const [one, other] = [{}, { experimental: {} }].map((capabilities) =>
      modernHttpClient(proxy.url, { capabilities }),
    ) as [ModernClient, ModernClient];
    for (const id of ['first', 'second']) await listening(one, id);
    await expect(one.request('subscriptions/listen', NEWS)).rejects.toThrow(
      'No more than 2 subscription streams of one client',
    );
    await listening(other);
    await Promise.all([one, other].map((client) => client.vanish()));
    await proxy.close();
  });

  test('calls: of all modern clients, of which one too many is BUSY', async () => {
    const proxy = await inProcess({ mcpServers: { a: server() } }, { limits: { calls: 2 } });
    const [one, other] = [{}, { experimental: {} }].map((capabilities) =>
      modernHttpClient(proxy.url, { capabilities }),
    ) as [ModernClient, ModernClient];
    const sleeping = [one, other, one].map((client) => client.call('sleep', { ms: 1500 }));
    const answers = (await Promise.all(sleeping)).map((result) => ({ result }));
    const failures = answers.filter((answer) => failureOf(answer));
    expect(failures.map(failureOf)).toMatchObject([{ code: 'BUSY', delivered: false }]);
    expect(failures.map(textOf).join()).toContain('2 calls of modern clients are under way');
    expect(textOf({ result: await other.call('echo', { n: 1 }) })).toBe('{"n":1}');
    await Promise.all([one, other].map((client) => client.vanish()));
    await proxy.close();
  });
});

describe('what is kept for a session', () => {
  test('of what came while the stream was not open the log says how much did not fit', async () => {
    const resources = [{ uri: 'test://a', name: 'a' }];
    const web = await startRaw({ resources });
    const proxy = await inProcess(
      { mcpServers: { one: { type: 'http', url: web.url } } },
      { limits: { keptBytes: KIB } },
    );
    const [client, witness] = [
      await legacyHttpClient(proxy.url, { stream: false }),
      await legacyHttpClient(proxy.url),
    ];
    for (const one of [client, witness]) {
      await one.request('resources/list');
      await one.request('resources/subscribe', { uri: 'test://a' });
    }
    const messages = [0, 1, 2].map((n) => ({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'test://a', n, padding: 'x'.repeat(KIB) },
    }));
    await client.call('emit', { messages });
    // Hears of everything in the same turn, and so tells when all of it has come.
    await witness.until(({ params }) => params?.n === 2);
    const headers = { accept: 'text/event-stream', 'mcp-session-id': client.session };
    const stream = await fetch(proxy.url, { headers });
    const dropped = await until('the log', () =>
      proxy.log.find(({ message }) => message.startsWith('dropped')),
    );
    expect(dropped.facts).toMatchObject({ messages: 2 });
    await stream.body?.cancel();
    await Promise.all([client.leave(), witness.leave()]);
    await proxy.close();
    await web.stop();
  });
});

describe('depth and values of a client’s message', () => {
  test.each([
    ['depth', { a: [[[[[[0]]]]]] }, 'nested deeper than 8 levels (limits.depth)'],
    ['values', { a: Array.from({ length: 500_001 }, () => 0) }, 'more than 500000 values in one message'],
  ])('%s: what is beyond it costs that message, over stdio and HTTP', async (_limit, args, why) => {
    const config = { limits: { depth: 8 } };
    const stdio = await startProxy({ a: server() }, { config });
    expect(textOf(await stdio.call('echo', args))).toContain(why);
    expect(textOf(await stdio.call('echo', { n: 1 }))).toBe('{"n":1}');
    const http = await startProxy({ a: server() }, { config, http: true });
    for (const modern of [false, true]) {
      const client = httpClient(http, { modern });
      if (!modern) await client.greet();
      expect(textOf(await client.call('echo', args))).toContain(why);
      expect(textOf(await client.call('echo', { n: 1 }))).toBe('{"n":1}');
    }
  });
});

describe('subscriptions', () => {
  test('are counted by resource, and giving one up makes room', async () => {
    const resources = ['a', 'b', 'c'].map((name) => ({ uri: `test://${name}`, name }));
    const client = await stdioClient({
      mcpServers: { one: raw({ resources }) },
      limits: { subscriptions: 2 },
    });
    await client.request('resources/list');
    const subscribe = (name: string): Promise<unknown> =>
      client.request('resources/subscribe', { uri: `test://${name}` });
    for (const name of ['a', 'b', 'a']) await subscribe(name);
    await expect(subscribe('c')).rejects.toThrow(
      'No more than 2 subscriptions of one client (limits.subscriptions)',
    );
    await client.request('resources/unsubscribe', { uri: 'test://b' });
    await subscribe('c');
    expect(await client.close()).toBe(0);
  });
});

describe('unreadBytes', () => {
  const config = { limits: { unreadBytes: 100 * KIB } };
  const servers = { a: server(), b: server(), c: server(), d: server() };

  test('more than that at a time is for a client that reads no reason to be ended: each call has its answer', async () => {
    const proxy = await startProxy(servers, { config });
    for (let round = 0; round < 3; round++) {
      const ids = Object.keys(servers).map((name) => proxy.askTool(`${name}__large`, { bytes: 5000 * KIB }));
      for (const id of ids) {
        const answer = await proxy.answer(id, 10_000);
        const { code } = failureOf(answer) ?? {};
        if (code === undefined) expect(textOf(answer).length).toBeGreaterThan(2900 * KIB);
        else
          expect([code, textOf(answer)]).toEqual([
            'RESULT_TOO_LARGE',
            expect.stringContaining('unreadBytes'),
          ]);
      }
    }
    expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('a client that rests, and then reads on, has been waited for', async () => {
    const proxy = await startProxy(servers, { config });
    proxy.child.stdout?.pause();
    const ids = Array.from({ length: 8 }, () => proxy.askTool('a__large', { bytes: 1000 * KIB }));
    await proxy.logged(
      ({ msg }) => msg === 'the client does not read its answers (limits.unreadBytes)',
      10_000,
    );
    const late = proxy.askTool('a__echo', { n: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(proxy.gone).toBe(false);
    proxy.child.stdout?.resume();
    for (const id of ids) await proxy.answer(id);
    expect(failureOf(await proxy.answer(late))).toMatchObject({ code: 'BUSY', delivered: false });
    await until('room', async () => failureOf(await proxy.call('a__echo', { n: 2 })) === undefined);
  });

  test('a client that never reads is not ended, and ends us as ever by leaving', async () => {
    const proxy = await startProxy(servers, { config });
    proxy.child.stdout?.pause();
    for (let i = 0; i < 8; i++) proxy.askTool('a__large', { bytes: 1000 * KIB });
    proxy.ledger.excuseOpen();
    await proxy.logged(
      ({ msg }) => msg === 'the client does not read its answers (limits.unreadBytes)',
      10_000,
    );
    proxy.child.stdin?.end();
    expect(await proxy.exitedWithin(4000)).toBe(0);
    proxy.child.stdout?.destroy();
  });
});

describe('unreadBytes over HTTP', () => {
  test('a stream whose client leaves more unread is cut, and its session lives on', async () => {
    const resources = [{ uri: 'test://a', name: 'a' }];
    const proxy = await startProxy(
      { one: raw({ resources }) },
      { http: true, config: { limits: { unreadBytes: 100 * KIB } } },
    );
    const client = await legacyHttpClient(proxy.url, { stream: false });
    await client.request('resources/list');
    await client.request('resources/subscribe', { uri: 'test://a' });
    const { hostname, port } = new URL(proxy.url);
    const deaf = connect(Number(port), hostname);
    deaf.on('error', () => {});
    const fields = `host: localhost\r\naccept: text/event-stream\r\nmcp-session-id: ${client.session}`;
    deaf.write(`GET /mcp HTTP/1.1\r\n${fields}\r\n\r\n`);
    await once(deaf, 'readable');
    const messages = Array.from({ length: 10 }, () => ({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'test://a', padding: 'x'.repeat(200 * KIB) },
    }));
    const cut = (): boolean => proxy.log.some(({ msg }) => String(msg).includes('limits.unreadBytes'));
    // The system takes some megabytes before anything waits with us.
    for (let i = 0; i < 20 && !cut(); i++) await client.call('emit', { messages });
    await until('it to be cut', cut, 12_000);
    expect(await client.request('ping')).toEqual({});
    deaf.destroy();
    await client.leave();
  });
});

describe('cacheBytes', () => {
  test('is what all cached results may take: of what is too large for it the server is asked again', async () => {
    for (const [cacheBytes, asked] of [
      ['1MiB', 1],
      ['8KiB', 2],
    ] as const) {
      const journal = join(temporaryFolder('case'), 'journal');
      const entry = { cache: { mode: 'named', tools: ['echo'], ttlMs: '1m' } };
      const proxy = await startProxy(
        { a: server({ journal }, entry) },
        { config: { limits: { cacheBytes } } },
      );
      const args = { padding: 'x'.repeat(4 * KIB) };
      for (let i = 0; i < 2; i++) expect(textOf(await proxy.call('echo', args))).toBe(JSON.stringify(args));
      const calls = existsSync(journal) ? readFileSync(journal, 'utf8').match(/tools\/call/g) : [];
      expect(calls, cacheBytes).toHaveLength(asked);
    }
  });
});

describe('servers that reconnect', () => {
  test('come back so many at a time: with one, each starts when the one before is there', async () => {
    const delay = 300;
    const names = ['a', 'b', 'c'];
    const mcpServers = Object.fromEntries(names.map((name) => [name, server({ initDelayMs: delay })]));
    const began: number[] = [];
    const expose = { namespaces: 'always' };
    const proxy = await inProcess({ mcpServers, expose }, { limits: { reconnects: 1 } });
    const ready = (): number =>
      proxy.log.filter(({ message }) => message === 'downstream server is ready').length;
    const client = modernHttpClient(proxy.url);
    await until('their tools', async () => {
      const text = JSON.stringify(await client.request('tools/list'));
      return names.every((name) => text.includes(`"${name}__kill"`));
    });
    await Promise.all(names.map((name) => client.call(`${name}__kill`)));
    for (let count = 4; count <= 6; count++) {
      await until(`ready ${count} times`, () => ready() >= count, 10_000);
      began.push(performance.now());
    }
    const [first = 0, second = 0, third = 0] = began;
    expect(second - first).toBeGreaterThanOrEqual(delay / 2);
    expect(third - second).toBeGreaterThanOrEqual(delay / 2);
    await client.vanish();
    await proxy.close();
  });
});

const NEWS = { notifications: { toolsListChanged: true } };

/** Opens a stream of news, and waits until it is open. */
async function listening(client: ModernClient, id = 'stream'): Promise<void> {
  const acknowledged = (): number =>
    client.messages.filter(({ method }) => method === 'notifications/subscriptions/acknowledged').length;
  const before = acknowledged();
  client.send({ id, method: 'subscriptions/listen', params: NEWS });
  await until('the stream', () => acknowledged() > before);
}
