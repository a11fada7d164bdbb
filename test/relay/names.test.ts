/** Several servers behind one: under which names and addresses clients find what they offer. */
import { describe, expect, test } from 'vitest';
import { legacyHttpClient, modernHttpClient, type StdioClient, stdioClient } from './wire/clients.ts';
import { told, type Wire } from './wire/conversation.ts';
import { raw, startHttpProxy } from './wire/proxies.ts';

const OBJECT = { type: 'object' };
const MINE = ['echo', 'answer', 'seen', 'emit', 'ask', 'progress', 'log', 'hang', 'list', 'whoami'];

async function withClient<T>(config: Wire, use: (client: StdioClient) => Promise<T>): Promise<T> {
  const client = await stdioClient(config);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function toolNames(client: StdioClient, count: number = MINE.length): Promise<string[]> {
  return (await client.tools(count)).map(({ name }) => name as string);
}

describe('namespaces', () => {
  const one = { mcpServers: { one: raw() } };
  const two = { mcpServers: { one: raw(), two: raw({}, { namespace: 'zwei' }) } };
  const expose = (namespaces?: string): Wire => ({ metaTools: false, ...(namespaces && { namespaces }) });

  test('auto: one server’s tools keep their names, two servers’ get a prefix', async () => {
    await withClient({ ...one, expose: expose() }, async (client) =>
      expect(await toolNames(client)).toEqual(MINE),
    );
    await withClient({ ...two, expose: expose('auto') }, async (client) =>
      expect(await toolNames(client, 2 * MINE.length)).toEqual([
        ...MINE.map((name) => `one__${name}`),
        ...MINE.map((name) => `zwei__${name}`),
      ]),
    );
  });

  test('always and none: with a prefix for one, without for two, each name leading to one server', async () => {
    await withClient({ ...one, expose: expose('always') }, async (client) =>
      expect(await toolNames(client)).toEqual(MINE.map((name) => `one__${name}`)),
    );
    await withClient({ ...two, expose: expose('none') }, async (client) => {
      const names = await toolNames(client, 2 * MINE.length);
      // Both have all of them, and neither has the better right.
      expect(names.filter((name) => MINE.includes(name))).toEqual([]);
      expect(new Set(names).size).toBe(2 * MINE.length);
      const others = names.filter((name) => name.startsWith('whoami'));
      const pids = await Promise.all(others.map(async (name) => told(await client.call(name))));
      expect(new Set(pids).size).toBe(2);
    });
  });
});

describe('tools by config', () => {
  test('are included, excluded, renamed and described anew, and called by their own names', async () => {
    const tools = {
      include: ['*'],
      exclude: ['h*', 'emit'],
      rename: { echo: 'say', whoami: 'pid' },
      override: { echo: { description: 'Says it.', annotations: { readOnlyHint: true } } },
    };
    const config = {
      mcpServers: { one: raw({}, { tools }) },
      expose: { namespaces: 'none', metaTools: false, origin: true },
    };
    await withClient(config, async (client) => {
      const listed = await client.tools(8);
      const names = listed.map(({ name }) => name as string);
      expect(names).toEqual(['say', 'answer', 'seen', 'ask', 'progress', 'log', 'list', 'pid']);
      expect(listed[0]).toEqual({
        name: 'say',
        title: 'one: say',
        description: 'Says it.',
        annotations: { readOnlyHint: true },
        inputSchema: OBJECT,
        _meta: { 'switchyard/server': 'one', 'switchyard/originalName': 'echo' },
      });
      expect((await client.call('say'))['got'].name).toBe('echo');
      for (const name of ['echo', 'hang', 'emit']) {
        const { error } = await client.ask('tools/call', { name, arguments: {} });
        expect(error.code).toBe(-32602);
      }
    });
  });
});

describe('pages', () => {
  test('expose.pageSize gives clients pages, which together are everything once', async () => {
    const expose = { namespaces: 'none', metaTools: false, pageSize: 3 };
    await withClient({ mcpServers: { one: raw() }, expose }, async (client) => {
      await client.tools(3);
      const names: string[] = [];
      const sizes: number[] = [];
      let cursor: string | undefined;
      do {
        const { tools, nextCursor } = await client.request(
          'tools/list',
          cursor === undefined ? {} : { cursor },
        );
        sizes.push((tools as unknown[]).length);
        names.push(...(tools as { name: string }[]).map(({ name }) => name));
        cursor = nextCursor as string | undefined;
      } while (cursor !== undefined);
      expect(sizes).toEqual([3, 3, 3, 1]);
      expect(names).toEqual(MINE);
      const wrong = await client.ask('tools/list', { cursor: 'made-up' });
      expect(wrong['error'].code).toBe(-32602);
    });
  });
});

describe('what the servers say of themselves', () => {
  const servers = {
    one: raw({
      instructions: 'Use one.',
      capabilities: { tools: {}, extensions: { 'a.example/x': { v: 1 } }, experimental: { e: {} } },
    }),
    two: raw({
      instructions: 'Use two.',
      capabilities: { prompts: {}, extensions: { 'b.example/y': {} }, logging: {} },
    }),
  };

  test('reaches clients of both families: instructions under each name, the union of what they can', async () => {
    const proxy = await startHttpProxy({ mcpServers: servers });
    const modern = modernHttpClient(proxy.url);
    const ofModern = (): Promise<Wire> => modern.request('server/discover');
    // Who comes later than the servers is told of all.
    await expect.poll(async () => (await ofModern())['instructions']).toMatch(/Use one\.[\s\S]*Use two\./);
    const legacy = await legacyHttpClient(proxy.url);
    const ofLegacy = (await legacy.until(({ id }) => id === 'init'))['result'] as Wire;
    expect(ofLegacy['instructions']).toMatch(/one[\s\S]*Use one\.[\s\S]*two[\s\S]*Use two\./);
    for (const { capabilities } of [ofLegacy, await ofModern()]) {
      expect(capabilities).toMatchObject({ tools: {}, prompts: {}, logging: {}, experimental: { e: {} } });
      expect(capabilities.extensions).toEqual({ 'a.example/x': { v: 1 }, 'b.example/y': {} });
    }
    await Promise.all([legacy.leave(), modern.vanish()]);
    await proxy.stop();
  });
});

describe('one URI that two servers claim', () => {
  const uri = 'ui://widget';
  const options = {
    resources: [{ uri, name: 'w' }],
    tools: [{ name: 'app', inputSchema: OBJECT, _meta: { ui: { resourceUri: uri } } }],
  };
  const config = {
    mcpServers: { one: raw(options), two: raw(options) },
    expose: { namespaces: 'always', metaTools: false },
  };

  test('means each its own everywhere: lists, reads, links, embedded resources, updates, _meta.ui', async () => {
    await withClient(config, async (client) => {
      const tools = await client.tools(2 * MINE.length + 2);
      const { resources } = await client.request('resources/list');
      const [first, second] = (resources as { uri: string }[]).map((one) => one.uri);
      expect(first).toBe(uri);
      expect(second).not.toBe(uri);

      const links = tools
        .filter(({ name }) => (name as string).endsWith('__app'))
        .map(({ _meta }) => _meta.ui.resourceUri as string);
      expect(links).toEqual([first, second]);

      const content = [
        { type: 'resource_link', uri, name: 'w' },
        { type: 'resource', resource: { uri, text: 'x' } },
      ];
      for (const [server, seen] of [
        ['one', first],
        ['two', second],
      ] as const) {
        const result = await client.call(`${server}__answer`, { result: { content } });
        expect([result['content'][0].uri, result['content'][1].resource.uri]).toEqual([seen, seen]);
        const read = await client.request('resources/read', { uri: seen });
        expect(read['contents'][0]).toMatchObject({ uri: seen, text: `content of ${uri}` });
        const reads = told(await client.call(`${server}__seen`, { method: 'resources/read' })) as {
          message: Wire;
        }[];
        expect(reads.map(({ message }) => message['params'].uri as string)).toEqual([uri]);
      }

      await client.request('resources/subscribe', { uri: second });
      const params = { uri };
      const update = { jsonrpc: '2.0', method: 'notifications/resources/updated', params };
      await client.call('one__emit', { messages: [update] });
      await client.call('two__emit', { messages: [update] });
      await client.request('ping');
      await client.notification('notifications/resources/updated');
      expect(client.all('notifications/resources/updated').map((one) => one['params'].uri as string)).toEqual(
        [second],
      );
    });
  });
});
