/** Before a real client of the TypeScript SDK: one server's odd declarations must not take all tools away. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UNUSABLE, USABLE } from '../catalog/schemas/schemas.ts';
import { until } from '../harness/until.ts';
import type { Wire } from './wire/conversation.ts';
import { CLI, writeConfig } from './wire/proxies.ts';

const SERVER = fileURLToPath(new URL('../fixtures/servers/listing.mjs', import.meta.url));
const OBJECT = { type: 'object' };

function server(options: Wire): Wire {
  return { command: process.execPath, args: [SERVER, JSON.stringify(options)] };
}

interface Connected {
  readonly client: Client;
  readonly log: () => string;
  close(): Promise<void>;
}

async function connected(config: string): Promise<Connected> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, 'serve', '--config', config],
    stderr: 'pipe',
  });
  let log = '';
  transport.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const client = new Client({ name: 'test', version: '1' });
  const close = async (): Promise<void> => client.close();
  onTestFinished(close);
  await client.connect(transport);
  return { client, log: () => log, close };
}

type Listed = Awaited<ReturnType<Client['listTools']>>;

async function untilListed(client: Client, isSo: (listed: Listed) => boolean): Promise<Listed> {
  let listed = await client.listTools();
  await until('the list', async () => isSo((listed = await client.listTools())), 20_000);
  return listed;
}

describe('a tool whose outputSchema a client cannot use', () => {
  const odd = Object.entries(UNUSABLE).map(([what, outputSchema], i) => ({
    name: `odd${i}`,
    description: what,
    inputSchema: OBJECT,
    outputSchema,
  }));
  const fit = Object.values(USABLE).map((outputSchema, i) => ({
    name: `fit${i}`,
    inputSchema: OBJECT,
    outputSchema,
  }));

  test('stays without it, answers as before, and costs no other tool or server anything', async () => {
    const config = writeConfig({
      mcpServers: { bad: server({ tools: [...odd, ...fit] }), fine: server({ tools: fit }) },
      expose: { namespaces: 'always', metaTools: false },
      log: { level: 'warn' },
    });
    const first = await connected(config);
    // Nobody waits for what has to be tried: the tools are there at once, such schemas as soon as they are judged.
    expect((await first.client.listTools()).tools).toHaveLength(odd.length + 2 * fit.length);
    const { tools } = await untilListed(first.client, ({ tools: all }) =>
      all.every(({ name, outputSchema }) => outputSchema || name.includes('odd')),
    );
    expect(tools).toHaveLength(odd.length + 2 * fit.length);
    for (const { name, outputSchema } of tools) {
      const own = fit[Number(/__fit(\d+)$/.exec(name)?.[1] ?? NaN)];
      expect(outputSchema, name).toEqual(own?.outputSchema);
    }
    const called = await first.client.callTool({ name: 'bad__odd0', arguments: { s: { deep: [1] } } });
    expect(called['structuredContent']).toEqual({ s: { deep: [1] } });
    // The log has a pipe of its own, which may be behind the answers.
    for (const { name } of odd)
      await expect
        .poll(() => first.log().split(`"${name}"`).length - 1, { message: name, timeout: 5000 })
        .toBe(1);
    await first.close();

    // What was found out is remembered with the listing: no client of a later start sees them either.
    const second = await connected(config);
    const again = await second.client.listTools();
    expect(again.tools).toEqual(tools);
  }, 60_000);
});

test('a capability of a shape that a client rejects costs its server that capability, and nobody the greeting', async () => {
  const capabilities = {
    tools: { listChanged: 'yes', extra: 1 },
    resources: { subscribe: 'yes', listChanged: null },
    logging: true,
    completions: [],
    experimental: { odd: true, fit: { a: 1 }, none: null },
    extensions: { 'io.example/odd': 'on', 'io.example/fit': {} },
    tasks: { list: true, cancel: {}, requests: { tools: { call: 1 } } },
  };
  const config = writeConfig({
    mcpServers: {
      odd: server({ tools: [{ name: 'a', inputSchema: OBJECT }], capabilities }),
      fine: server({ tools: [{ name: 'b', inputSchema: OBJECT }] }),
    },
  });
  const first = await connected(config);
  expect((await first.client.listTools()).tools.map(({ name }) => name)).toEqual(['a', 'b']);
  await first.close();
  // From the second start on the greeting has them all.
  const { client } = await connected(config);
  expect(client.getServerCapabilities()).toMatchObject({
    tools: { listChanged: true },
    experimental: { fit: { a: 1 } },
    tasks: { cancel: {} },
  });
  expect((await client.listTools()).tools).toHaveLength(2);
}, 60_000);
