/** What a client's first greeting and first lists hold, since many clients never ask again. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { type Entry, OWN_TOOLS, type ProxyUnderTest, server, startProxy } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const MODERN = 'io.modelcontextprotocol/';

/** Waits longer than any test does: an answer that comes at all has waited for nothing. */
const PATIENT: Entry = { expose: { listWaitMs: 120_000 } };

async function greetAs(proxy: ProxyUnderTest, name: string): Promise<string> {
  const { result } = await proxy.request(
    'initialize',
    { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1' } },
    10_000,
  );
  proxy.notify('notifications/initialized');
  return String(result?.['instructions']);
}

const fresh = (servers: Record<string, Entry>, config: Entry = {}): Promise<ProxyUnderTest> =>
  startProxy(servers, { unready: true, config });

const modernClient = (name: string): Entry => ({
  [`${MODERN}protocolVersion`]: '2026-07-28',
  [`${MODERN}clientCapabilities`]: {},
  [`${MODERN}clientInfo`]: { name, version: '1' },
});

const ready = (proxy: ProxyUnderTest): unknown[] =>
  proxy.log
    .filter(({ msg }) => msg === 'downstream server is ready')
    .map((record) => record['server'])
    .sort();

const listed = (list: unknown): string[] =>
  (list as { name: string }[]).map(({ name }) => name).filter((name) => !OWN_TOOLS.has(name));

describe('the first list of a first start', () => {
  test('U95 has the tools of a server that is far slower than the others', async () => {
    const proxy = await fresh({ quick: server(), slow: server({ initDelayMs: 2500, names: ['echo'] }) });
    await greetAs(proxy, 'langchain');
    expect(await proxy.toolNames()).toContain('slow__echo');
  });

  test('has those of a server that greets at once and takes its time to list', async () => {
    const proxy = await fresh({ quick: server(), slow: server({ listDelayMs: 1200, names: ['echo'] }) });
    await greetAs(proxy, 'langchain');
    expect(await proxy.toolNames()).toContain('slow__echo');
  });

  test('goes out without it once listWaitMs is over, counted from the greeting', async () => {
    const config = { expose: { listWaitMs: 1000 } };
    const proxy = await fresh(
      { quick: server(), slow: server({ initDelayMs: 6000, names: ['echo'] }) },
      config,
    );
    await until('the children', () => proxy.descendants.length === 2);
    const since = performance.now();
    await greetAs(proxy, 'langchain');
    expect(await proxy.toolNames()).not.toContain('slow__echo');
    expect(performance.now() - since).toBeGreaterThan(950);
  });

  test.each(['prompts/list', 'resources/list', 'resources/templates/list'])(
    'waits where it is %s, and nothing was asked before',
    async (method) => {
      const proxy = await fresh({ quick: server(), slow: server({ initDelayMs: 1500 }) });
      await proxy.request(method, { _meta: modernClient('somebody') }, 8000);
      expect(ready(proxy)).toEqual(['quick', 'slow']);
    },
  );

  test('waits for a client of the modern family, whose discovery is answered soon', async () => {
    const proxy = await fresh({ quick: server(), slow: server({ initDelayMs: 2000, names: ['echo'] }) });
    const _meta = modernClient('ai-sdk-mcp-client');
    const discovered = await proxy.request('server/discover', { _meta });
    expect(ready(proxy)).not.toContain('slow');
    expect(discovered.result?.['instructions']).toContain('quick, slow');
    const { result } = await proxy.request('tools/list', { _meta }, 8000);
    expect(listed(result?.['tools'])).toContain('slow__echo');
  });

  test('waits for clients over HTTP, each by itself', async () => {
    const proxy = await startProxy(
      { quick: server(), slow: server({ initDelayMs: 2500, names: ['echo'] }) },
      { http: true, unready: true },
    );
    const clients = await Promise.all([httpClient(proxy).greet(), httpClient(proxy).greet()]);
    for (const client of clients) {
      const { result } = await client.request('tools/list');
      expect(listed(result?.['tools'])).toContain('slow__echo');
    }
  });

  test('does not wait for one that fails', async () => {
    const broken = server({ exitAtStart: { code: 1, say: 'no' } });
    const proxy = await fresh({ quick: server(), broken }, PATIENT);
    await greetAs(proxy, 'langchain');
    expect(await proxy.toolNames()).toContain('quick__echo');
  });

  test('F8 is not preceded by any notice, and what comes later is told once', async () => {
    const config = { expose: { listWaitMs: 700 } };
    const late = [1500, 1700, 1900, 2100];
    const servers = Object.fromEntries(
      late.map((ms) => [`s${ms}`, server({ initDelayMs: ms, names: ['echo'] })]),
    );
    const proxy = await fresh({ quick: server(), ...servers }, config);
    await greetAs(proxy, 'mcp-use');
    await proxy.toolNames();
    expect(proxy.clientNotifications('notifications/tools/list_changed')).toEqual([]);
    await proxy.allReady(5);
    await until('the last', async () => (await proxy.toolNames()).includes('s2100__echo'));
    await until('a notice', () => proxy.clientNotifications('notifications/tools/list_changed').length > 0);
    expect(proxy.clientNotifications('notifications/tools/list_changed').length).toBeLessThanOrEqual(2);
  });
});

describe('the greeting of a first start', () => {
  test('F3 has the instructions of a slow server, and F1 names all in its first line', async () => {
    const proxy = await fresh({
      quick: server({ instructions: 'Be quick.' }),
      slow: server({ initDelayMs: 1500, instructions: 'Be slow.' }),
    });
    const instructions = await greetAs(proxy, 'claude-code');
    expect(instructions.split('\n')[0]).toBe('Tools of 2 servers: quick, slow; names are server__tool.');
    expect(instructions).toContain('Be quick.');
    expect(instructions).toContain('Be slow.');
  });

  test('waits no longer than a client that says nothing of itself is sure to wait', async () => {
    const proxy = await fresh({
      quick: server({ instructions: 'Be quick.' }),
      mute: server({ never: true }),
    });
    const instructions = await greetAs(proxy, 'nobody-knows-it');
    expect(instructions).toContain('Be quick.');
    expect(instructions.split('\n')[0]).toContain('quick, mute');
  });
});

describe('the next start', () => {
  const start = (
    servers: Record<string, Entry>,
    folder: string,
    config: Entry = {},
  ): Promise<ProxyUnderTest> => startProxy(servers, { unready: true, folder, mark: folder, config });

  test('does not wait for a server that was waited for in vain, until it has told something', async () => {
    const folder = temporaryFolder('case');
    const hang = join(folder, 'hang');
    writeFileSync(hang, 'yes');
    const servers = { quick: server(), mute: server({ neverIf: hang, names: ['echo'] }) };
    const first = await start(servers, folder, { expose: { listWaitMs: 2500 } });
    await greetAs(first, 'langchain');
    expect(await first.toolNames()).not.toContain('mute__echo');
    expect(await first.stop()).toBe(0);
    expect(readdirSync(join(folder, 'state', 'snapshot')).some((name) => name.endsWith('.hung'))).toBe(true);

    const second = await start(servers, folder, PATIENT);
    await greetAs(second, 'langchain');
    expect(await second.toolNames()).toContain('quick__echo');
    expect(await second.stop()).toBe(0);

    writeFileSync(hang, '');
    const third = await start(servers, folder);
    await greetAs(third, 'langchain');
    await third.toolNames();
    await until('it is listed', async () => (await third.toolNames()).includes('mute__echo'));
    await until('it is no longer held to hang', () =>
      readdirSync(join(folder, 'state', 'snapshot')).every((name) => !name.endsWith('.hung')),
    );
  });

  test('knows the tools of a server that was still coming up when the client had left', async () => {
    const folder = temporaryFolder('case');
    const servers = { quick: server(), slow: server({ initDelayMs: 1200, names: ['echo'] }) };
    const first = await start(servers, folder, { expose: { listWaitMs: 600 } });
    await greetAs(first, 'codex-mcp-client');
    await first.toolNames();
    expect(await first.stop()).toBe(0);
    const second = await start(servers, folder, { expose: { listWaitMs: 0 } });
    await greetAs(second, 'codex-mcp-client');
    expect(await second.toolNames()).toContain('slow__echo');
  });

  test('a signal ends it at once, whatever is coming up', async () => {
    const folder = temporaryFolder('case');
    const proxy = await start({ mute: server({ never: true }) }, folder, { expose: { listWaitMs: 0 } });
    await greetAs(proxy, 'codex-mcp-client');
    await until('the child', () => proxy.descendants.length === 1);
    proxy.child.stdin?.end();
    proxy.child.kill('SIGTERM');
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(existsSync(join(folder, 'state'))).toBe(true);
  });
});
