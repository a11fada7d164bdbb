/** Between a modern client and a modern server over HTTP: the header fields that say what the body says. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { httpServer, idOf, json, methodOf, resultFor, type Seen } from '../fixtures/http/servers.ts';
import { type HttpClientOptions, type ModernClient, modernHttpClient } from './wire/clients.ts';
import type { Wire } from './wire/conversation.ts';
import { type InProcess, inProcess } from './wire/in-process.ts';
import { raw, type Running, startRaw } from './wire/proxies.ts';

const REGION = { type: 'string', 'x-mcp-header': 'Region' };
const EXPOSE = { namespaces: 'none', metaTools: false };

describe('a server that changes the header fields that it wants, and tells nobody', () => {
  const HEADER_MISMATCH = -32020;
  const params = { name: 'where', arguments: { region: 'eu', zone: 'a' } };

  /** Wants what `wanted` says now; a call without it is refused and not acted on. */
  async function changing(): Promise<{
    readonly client: ModernClient;
    want(...wanted: string[]): void;
    /** What it lists may differ from what it wants. */
    list(...listed: string[]): void;
    readonly methods: () => string[];
    /** So many calls are answered together, when the last of them has come. */
    hold(calls: number): void;
  }> {
    const held: (() => void)[] = [];
    let holds = 0;
    let wanted: string[] = [];
    let listed: string[] = [];
    const server = await httpServer((seen, response) => {
      const method = methodOf(seen);
      const complete = (result: Wire): void =>
        json(response, resultFor(seen, { resultType: 'complete', ...result }));
      const fail = (status: number, code: number): void =>
        json(
          response,
          JSON.stringify({ jsonrpc: '2.0', id: idOf(seen), error: { code, message: 'no' } }),
          status,
        );
      if (method === 'server/discover')
        return complete({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} } });
      if (method === 'tools/list')
        return complete({ tools: [{ name: 'where', inputSchema: schemaOf(listed) }] });
      if (method !== 'tools/call') return fail(404, -32601);
      held.push(() => {
        if (wanted.some((name) => seen.headers[`mcp-param-${name}`] === undefined))
          return fail(400, HEADER_MISMATCH);
        complete({ content: [{ type: 'text', text: 'there' }] });
      });
      if (held.length < holds) return;
      holds = 0;
      for (const answer of held.splice(0)) answer();
    });
    const proxy = await inProcess({ expose: EXPOSE, mcpServers: { one: { type: 'http', url: server.url } } });
    const client = modernHttpClient(proxy.url);
    onTestFinished(async () => {
      await client.vanish();
      await proxy.close();
    });
    await client.tools(1);
    const from = server.seen.length;
    return {
      client,
      list: (...names) => (listed = names),
      want: (...names) => (wanted = names),
      hold: (calls) => (holds = calls),
      methods: () => server.seen.slice(from).map((seen: Seen) => methodOf(seen)),
    };
  }

  function schemaOf(names: readonly string[]): Wire {
    const entries = names.map((name) => [name, { type: 'string', 'x-mcp-header': name }] as const);
    return { type: 'object', properties: Object.fromEntries(entries) };
  }

  test('is asked for its list again, and called once more with what it wants', async () => {
    const { client, want, list, methods } = await changing();
    want('region');
    list('region');
    expect(await client.request('tools/call', params)).toMatchObject({ content: [{ text: 'there' }] });
    expect(methods()).toEqual(['tools/call', 'tools/list', 'tools/call']);
  });

  test('is asked for its list once for calls that are refused together', async () => {
    const { client, want, list, methods, hold } = await changing();
    want('region', 'zone');
    list('region', 'zone');
    // One that came after the list was asked for again would have to send the fields itself.
    hold(8);
    const results = await Promise.all(Array.from({ length: 8 }, () => client.request('tools/call', params)));
    expect(results).toHaveLength(8);
    expect(methods().filter((method) => method === 'tools/call').length).toBeLessThanOrEqual(16);
    expect(methods().filter((method) => method === 'tools/list').length).toBeLessThan(8);
  });

  test('is not called for ever: its second refusal is told, as a failure between it and the proxy', async () => {
    const { client, want, methods } = await changing();
    want('region');
    const { isError, content, _meta } = await client.request('tools/call', params);
    expect(isError).toBe(true);
    expect(content[0].text).toContain('"one" refused the header fields');
    expect(_meta['switchyard/error']).toMatchObject({ code: 'PROTOCOL_ERROR', delivered: false });
    expect(methods().filter((method) => method === 'tools/call')).toHaveLength(2);
  });
});

describe('`Mcp-Param-…` fields of a request', () => {
  let server: Running;
  let proxy: InProcess;
  const open: ModernClient[] = [];
  beforeAll(async () => {
    const tools = [{ name: 'where', inputSchema: { type: 'object', properties: { region: REGION } } }];
    server = await startRaw({ era: 'modern', tools });
    proxy = await inProcess({
      expose: { ...EXPOSE, namespaces: 'always' },
      mcpServers: {
        one: { type: 'http', url: server.url },
        old: raw(),
      },
    });
    await client().tools(21);
  });
  afterAll(async () => {
    for (const one of open) await one.vanish();
    await proxy.close();
    await server.stop();
  });

  function client(headers: HttpClientOptions['headers'] = {}): ModernClient {
    const made = modernHttpClient(proxy.url, { headers });
    open.push(made);
    return made;
  }

  test('that no schema names reach the server as they came, beside those that one names', async () => {
    const unknown = { 'mcp-param-tenant': 'a', 'mcp-param-x': '=?base64?w7w=?=' };
    const one = client({ ...unknown, 'mcp-param-region': 'eu' });
    const { headers } = await one.call('one__where', { region: 'eu' });
    expect(headers).toMatchObject({ ...unknown, 'mcp-param-region': 'eu', 'mcp-name': 'where' });
  });

  test('that a schema names are the proxy’s to write: none without its argument', async () => {
    const { headers } = await client({ 'mcp-param-region': 'us' }).call('one__where', {});
    expect(headers).not.toHaveProperty('mcp-param-region');
  });

  test('are all that is passed on of a client’s header fields', async () => {
    const mine = { 'x-mine': '1', cookie: 'a=b', 'mcp-params': '1', 'mcp-param': '1', 'mcp-session-id': 's' };
    const { headers } = await client(mine).call('one__where', {});
    for (const name of Object.keys(mine)) expect(headers).not.toHaveProperty(name);
  });

  test('that no schema names do no harm before a server of the legacy family', async () => {
    const result = await client({ 'mcp-param-tenant': 'a' }).call('old__echo', { a: 1 });
    expect(result['got']).toMatchObject({ name: 'echo', arguments: { a: 1 } });
  });
});
