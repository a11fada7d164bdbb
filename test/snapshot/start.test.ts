import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  OWN_TOOLS,
  type Entry,
  failureOf,
  type ProxyOptions,
  type ProxyUnderTest,
  server,
  startProxy as start,
  textOf,
} from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

/** With the same folder, the servers' entries are the same to the letter. */
function startProxy(
  servers: Record<string, Entry>,
  options: ProxyOptions & { folder: string },
): Promise<ProxyUnderTest> {
  return start(servers, { mark: options.folder, ...options });
}

/** Runs a proxy once, so that it remembers. */
async function remember(
  folder: string,
  servers: Record<string, Entry>,
  capabilities: Entry = {},
): Promise<void> {
  const proxy = await startProxy(servers, { folder, capabilities });
  await proxy.toolNames();
  expect(await proxy.stop()).toBe(0);
}

describe('a start from the snapshot', () => {
  test('answers initialize and the whole list before any server is started', async () => {
    const folder = temporaryFolder('case');
    const servers = { a: server({ names: ['one'] }), b: server({ names: ['two'] }) };
    await remember(folder, servers);
    const proxy = await startProxy(servers, { folder, unready: true });
    const identity = await proxy.greet();
    expect(identity.result?.['capabilities']).toEqual({ tools: { listChanged: true } });
    expect(await proxy.toolNames()).toEqual(['a__one', 'b__two']);
    expect(proxy.log.filter(({ msg }) => msg === 'downstream server is ready')).toEqual([]);
    await proxy.allReady(2);
    expect(proxy.clientNotifications('notifications/tools/list_changed')).toEqual([]);
  });

  test('a call on a server that is coming up waits for it', async () => {
    const folder = temporaryFolder('case');
    const names = ['echo'];
    await remember(folder, { a: server({ names }), b: server({ names }) });
    const proxy = await startProxy({ a: server({ names }), b: server({ names }) }, { folder, unready: true });
    await proxy.greet();
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('a call that waits ends at once when the client gives it up, and the server never sees it', async () => {
    const folder = temporaryFolder('case');
    const journal = join(folder, 'journal');
    const servers = { a: server({ names: ['echo'], journal }), b: server() };
    await remember(folder, servers);
    writeFileSync(journal, '');
    const proxy = await startProxy(servers, { folder, unready: true });
    await proxy.greet();
    const id = proxy.askTool('a__echo');
    proxy.notify('notifications/cancelled', { requestId: id, reason: 'no longer wanted' });
    proxy.ledger.excuse(id);
    await proxy.allReady(2);
    const status = await proxy.status('a');
    expect(status).toMatchObject({ state: 'ready', inFlight: 0 });
    expect(readFileSync(journal, 'utf8')).not.toContain('tools/call');
  });

  test('a listing that differs swaps the catalog with one notice; a listing that does not sends none', async () => {
    const folder = temporaryFolder('case');
    const list = join(folder, 'names.json');
    writeFileSync(list, JSON.stringify(['one']));
    const servers = { a: server({ namesFrom: list }), b: server({ names: ['two'] }) };
    await remember(folder, servers);
    writeFileSync(list, JSON.stringify(['one', 'three']));
    const proxy = await startProxy(servers, { folder, unready: true });
    await proxy.greet();
    expect(await proxy.toolNames()).toEqual(['a__one', 'b__two']);
    await until('the notice', () => proxy.clientNotifications('notifications/tools/list_changed').length > 0);
    expect(await proxy.toolNames()).toEqual(['a__one', 'a__three', 'b__two']);
    await proxy.allReady(2);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(proxy.clientNotifications('notifications/tools/list_changed')).toHaveLength(1);
  });

  test('a client that can do something else is shown what another was told until the right list is there', async () => {
    const folder = temporaryFolder('case');
    const servers = {
      a: server({ names: ['plain'], namesForRoots: ['rooted'] }),
      b: server({ names: ['two'] }),
    };
    await remember(folder, servers);
    const proxy = await startProxy(servers, { folder, unready: true, capabilities: { roots: {} } });
    await proxy.greet({ roots: {} });
    expect(await proxy.toolNames()).toEqual(['a__plain', 'b__two']);
    await until('the notice', () => proxy.clientNotifications('notifications/tools/list_changed').length > 0);
    expect(await proxy.toolNames()).toEqual(['a__rooted', 'b__two']);
    expect(await proxy.stop()).toBe(0);
    expect(readdirSync(join(folder, 'state', 'snapshot'))).toHaveLength(4);
  });

  test('one server of three that never answers makes no difference', async () => {
    const folder = temporaryFolder('case');
    const hang = join(folder, 'hang');
    writeFileSync(hang, '');
    const servers = {
      a: server(),
      b: server({ names: ['two'], neverIf: hang }, { connectTimeoutMs: 600 }),
      c: server(),
    };
    await remember(folder, servers);
    writeFileSync(hang, 'yes');
    const proxy = await startProxy(servers, { folder, unready: true });
    const since = performance.now();
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('b__two');
    expect(textOf(await proxy.call('c__echo', { n: 1 }))).toBe('{"n":1}');
    expect(performance.now() - since).toBeLessThan(2500);
    const answer = await proxy.call('b__two');
    expect(textOf(answer)).toContain('did not answer the handshake within 600 ms');
    expect(failureOf(answer)).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE', delivered: false });
  });

  test('over HTTP the list is there as soon as the port is', async () => {
    const folder = temporaryFolder('case');
    const servers = { a: server({ names: ['one'] }), b: server({ names: ['two'] }) };
    const first = await startProxy(servers, { folder, http: true });
    await first.logged(({ msg }) => msg === 'downstream server is ready');
    await until('both to be ready', async () => (await fetch(first.url.replace('/mcp', '/readyz'))).ok);
    await until('the snapshot', () => readdirSync(join(folder, 'state', 'snapshot')).length === 2);
    expect(await first.stop()).toBe(0);
    const proxy = await startProxy(servers, { folder, http: true, unready: true });
    const url = await proxy.listening();
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
    };
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    });
    const names = ((await response.json()) as { result: { tools: { name: string }[] } }).result.tools.map(
      ({ name }) => name,
    );
    expect(names.filter((name) => !OWN_TOOLS.has(name))).toEqual(['a__one', 'b__two']);
    expect(proxy.log.filter(({ msg }) => msg === 'downstream server is ready')).toEqual([]);
  });
});
