/** Clients of every revision before the modern family, in front of servers of every revision. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { legacyHttpClient, spawnStdio, stdioClient, type StdioClient } from './wire/clients.ts';
import { type Conversation, told, type Wire } from './wire/conversation.ts';
import { raw, type Running, startHttpProxy, startRaw } from './wire/proxies.ts';

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
const LATEST = '2025-11-25';
const MODERN = '2026-07-28';
const TOOLS_PER_SERVER = 10;

const ENDS = ['stdio', 'http'] as const;
/** Every way to a server with every revision that it may choose. */
const SERVERS = ENDS.flatMap((carrier) => [...REVISIONS, MODERN].map((revision) => `${carrier}-${revision}`));

const BATCH = [
  { id: 'batch ping', method: 'ping' },
  { id: 'batch 1', method: 'tools/call', params: { name: 'stdio-2024-11-05__echo', arguments: { a: 1 } } },
  { method: 'notifications/roots/list_changed' },
  {
    id: 'batch 2',
    method: 'tools/call',
    params: { name: `http-${MODERN}__progress`, arguments: { steps: 1 }, _meta: { progressToken: 'b' } },
  },
  { id: 'batch 3', method: 'tools/call', params: { name: 'no such tool' } },
];

type BatchCheck = readonly [says: string, check: (client: Conversation) => Promise<void>];

const ANSWERED: BatchCheck = [
  'answered message by message, errors apart',
  async (client) => {
    const from = client.messages.length;
    client.sendBatch(BATCH);
    const answers = await Promise.all(
      ['ping', 1, 2, 3].map((id) =>
        client.until((one) => one['id'] === `batch ${id}` && !('method' in one), from),
      ),
    );
    expect(answers[0]?.['result']).toEqual({});
    expect(answers[1]?.['result'].got).toMatchObject({ name: 'echo', arguments: { a: 1 } });
    expect(answers[2]?.['result'].content).toHaveLength(1);
    expect(answers[3]?.['error'].code).toBe(-32602);
    const came = client.messages.slice(from);
    const progress = came.filter(({ method }) => method === 'notifications/progress');
    expect(progress.map(({ params }) => [params.progressToken, params.progress] as unknown)).toEqual([
      ['b', 1],
    ]);
    expect(came.filter(({ id }) => id !== undefined)).toHaveLength(4);
  },
];

const REFUSED: BatchCheck = [
  'refused as a whole, as its revision has none',
  async (client) => {
    const from = client.messages.length;
    client.sendBatch(BATCH);
    expect((await client.until((one) => one['id'] === null, from))['error'].code).toBe(-32600);
    expect(await client.request('ping')).toEqual({});
    expect(client.messages.slice(from)).toHaveLength(2);
  },
];

const remote = new Map<string, Running>();
let config: Wire;
let proxy: Running;
/** Where the servers do not matter. */
let oneServer: Wire;

function urlOf(revision: string): string {
  return remote.get(revision)?.url ?? '';
}

beforeAll(async () => {
  const optionsOf = (revision: string): Wire =>
    revision === MODERN ? { era: 'modern' } : { version: revision };
  await Promise.all(
    [...REVISIONS, MODERN].map(async (revision) => remote.set(revision, await startRaw(optionsOf(revision)))),
  );
  const mcpServers: Wire = Object.fromEntries<Wire>(
    [...REVISIONS, MODERN].flatMap((revision) => [
      [`stdio-${revision}`, raw(optionsOf(revision))],
      [`http-${revision}`, { type: 'http', url: urlOf(revision) }],
    ]),
  );
  config = { mcpServers, expose: { namespaces: 'always', metaTools: false } };
  oneServer = { mcpServers: { one: { type: 'http', url: urlOf(LATEST) } } };
  proxy = await startHttpProxy(config);
});
afterAll(async () => {
  await proxy.stop();
  for (const server of remote.values()) await server.stop();
});

interface Connected {
  readonly client: Conversation;
  close(): Promise<unknown>;
}

async function connect(
  carrier: (typeof ENDS)[number],
  version: string,
  servers = config,
): Promise<Connected> {
  if (carrier === 'stdio') {
    const client = await stdioClient(servers, {}, version);
    return { client, close: () => client.close() };
  }
  const client = await legacyHttpClient(proxy.url, { version });
  return { client, close: () => client.leave() };
}

describe.each(ENDS)('over %s', (carrier) => {
  describe.each(REVISIONS)('a client of %s', (revision) => {
    let connected: Connected;
    let client: Conversation;
    beforeAll(async () => {
      connected = await connect(carrier, revision);
      ({ client } = connected);
      await client.tools(SERVERS.length * TOOLS_PER_SERVER);
    });
    afterAll(() => connected.close());

    test('is answered its own revision, and its ping', async () => {
      const hello = client.messages.find(({ id }) => id === 'init');
      expect(hello?.['result'].protocolVersion).toBe(revision);
      expect(await client.request('ping')).toEqual({});
    });

    test('sees the tools of all servers', async () => {
      const tools = await client.tools(SERVERS.length * TOOLS_PER_SERVER);
      const names = tools.map(({ name }) => name as string);
      expect(names).toEqual(expect.arrayContaining(SERVERS.map((server) => `${server}__echo`)));
    });

    test.each(SERVERS)('calls %s, in the form that this server knows', async (server) => {
      const result = await client.call(`${server}__echo`, { a: [1, 'b'] });
      expect(result).toMatchObject({ got: { name: 'echo', arguments: { a: [1, 'b'] } } });
      expect(result).not.toHaveProperty('resultType');
      const { _meta = {} } = result['got'] as { _meta?: Wire };
      expect(_meta['io.modelcontextprotocol/protocolVersion']).toBe(
        server.endsWith(MODERN) ? MODERN : undefined,
      );
    });

    test.each(SERVERS)(
      'hears of the progress of %s under its own token, before the answer',
      async (server) => {
        for (const progressToken of ['7', 7]) {
          const from = client.messages.length;
          await client.call(`${server}__progress`, { steps: 2 }, { progressToken });
          const came = client.messages.slice(from);
          const told = came.slice(0, -1).filter(({ method }) => method === 'notifications/progress');
          expect(told.map(({ params }) => [params.progressToken, params.progress] as unknown)).toEqual([
            [progressToken, 1],
            [progressToken, 2],
          ]);
        }
      },
    );

    test.each(SERVERS)('cancels a call of %s, which hears of it in its own way', async (server) => {
      const seen = async (method: string, count: number): Promise<Wire[]> =>
        (told(await client.call(`${server}__seen`, { method, count })) as { message: Wire }[]).map(
          ({ message }) => message,
        );
      const before = (await seen('tools/call', 1)).length;
      const id = `hangs in ${server}`;
      client.send({ id, method: 'tools/call', params: { name: `${server}__hang` } });
      const calls = await seen('tools/call', before + 2);
      const its = calls.findLast(({ params }) => (params as Wire)['name'] === 'hang');
      const word = server === `http-${MODERN}` ? 'gone' : 'notifications/cancelled';
      const heard = (await seen(word, 0)).length;
      client.notify('notifications/cancelled', { requestId: id });
      expect((await seen(word, heard + 1)).at(-1)?.['params'].requestId).toBe(its?.['id']);
      if (carrier === 'stdio') expect(client.messages.some((one) => one['id'] === id)).toBe(false);
    });

    const [says, check] = revision === '2025-03-26' ? ANSWERED : REFUSED;
    test(`has its batch ${says}`, () => check(client));
  });

  test.each(['2099-12-31', MODERN])(
    'a client that asks for %j in `initialize` is offered the latest revision that has it',
    async (version) => {
      const { client, close } = await connect(carrier, version, oneServer);
      const hello = client.messages.find(({ id }) => id === 'init');
      expect(hello?.['result'].protocolVersion).toBe(LATEST);
      expect(await client.request('ping')).toEqual({});
      await close();
    },
  );
});

test.each(REVISIONS)(
  'a server over HTTP that chose %s is told so in every later request',
  async (revision) => {
    const response = await fetch(`${urlOf(revision)}/requests`);
    const requests = (await response.json()) as { headers: Record<string, string> }[];
    const inSession = requests.filter(({ headers }) => headers['mcp-session-id'] !== undefined);
    expect(inSession.length).toBeGreaterThan(10);
    expect(new Set(inSession.map(({ headers }) => headers['mcp-protocol-version']))).toEqual(
      new Set([revision]),
    );
  },
);

test('a client over stdio that sends a batch before `initialize` is refused, and can begin', async () => {
  const client: StdioClient = spawnStdio(oneServer);
  client.sendBatch([{ id: 1, method: 'ping' }]);
  expect((await client.until((one) => one['id'] === null))['error'].code).toBe(-32600);
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  expect((await client.request('initialize', params))['protocolVersion']).toBe('2025-03-26');
  await client.close();
});

describe('in a session over HTTP', () => {
  const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
  let session: string;
  let leave: () => Promise<void>;
  beforeAll(async () => {
    const client = await legacyHttpClient(proxy.url, { version: '2025-03-26', stream: false });
    ({ session } = client);
    leave = () => client.leave();
  });
  afterAll(() => leave());

  async function send(method: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
    return fetch(proxy.url, {
      method,
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': session,
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  test.each([undefined, ...REVISIONS])(
    'a request whose MCP-Protocol-Version is %s is taken',
    async (version) => {
      const response = await send(
        'POST',
        version === undefined ? {} : { 'mcp-protocol-version': version },
        PING,
      );
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    },
  );

  test.each(['POST', 'GET', 'DELETE'])(
    'a %s that names a version that nobody knows is refused with 400, and the session goes on',
    async (method) => {
      for (const version of ['1999-01-01', 'latest', '2025-11-25, 2025-06-18']) {
        const body = method === 'POST' ? PING : undefined;
        const response = await send(method, { 'mcp-protocol-version': version }, body);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({
          error: { data: { supported: [...REVISIONS].reverse() } },
        });
      }
      expect((await send('POST', {}, PING)).status).toBe(200);
    },
  );

  test('the modern version stands for a request without a session: 400 without its envelope, 405 for GET', async () => {
    const headers = { 'mcp-protocol-version': MODERN };
    expect((await send('POST', headers, PING)).status).toBe(400);
    expect((await send('GET', headers)).status).toBe(405);
    expect((await send('DELETE', headers)).status).toBe(405);
    expect((await send('POST', {}, PING)).status).toBe(200);
  });

  test('a batch without a request in it is taken with 202', async () => {
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99 } };
    const response = await send('POST', {}, [cancelled, { jsonrpc: '2.0', id: 5, result: {} }]);
    expect([response.status, await response.text()]).toEqual([202, '']);
  });

  test('`initialize` is negotiated in its body, whatever its header says', async () => {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    const response = await fetch(proxy.url, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '1999-01-01',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    expect(await response.json()).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
  });
});
