/** Proxies that name each other by URL. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Entry, OWN_TOOLS, type ProxyUnderTest, server, startProxy } from '../harness/proxy.ts';
import { httpClient } from '../harness/http-client.ts';
import { until } from '../harness/until.ts';

const HTTP = { http: true, unready: true, config: { expose: { namespaces: 'always' } } } as const;

/** Changes the config file of a proxy that runs, and has it read. */
function addServer(proxy: ProxyUnderTest, key: string, entry: Entry): void {
  const file = join(proxy.folder, 'switchyard.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: Record<string, Entry> };
  config.mcpServers[key] = entry;
  writeFileSync(file, JSON.stringify(config));
  proxy.child.kill('SIGHUP');
}

const at = (proxy: ProxyUnderTest): Entry => ({ type: 'http', url: proxy.url });

async function toolsOf(proxy: ProxyUnderTest): Promise<string[]> {
  const { result } = await (await httpClient(proxy).greet()).request('tools/list');
  return (result?.['tools'] as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !OWN_TOOLS.has(name) && !/__(?:proxy_status|\w+_workflow|workflow_runs)$/.test(name));
}

async function failureOf(proxy: ProxyUnderTest, key: string): Promise<string> {
  const { lastFailure } = await (await httpClient(proxy).greet()).status(key);
  return (lastFailure as { what?: string } | undefined)?.what ?? '';
}

describe('a circle of proxies', () => {
  test.each([2, 3])(
    'of %d is refused where it closes; what leads into it goes on working',
    async (length) => {
      const tool = server({ names: ['echo'] });
      // Each of them names the one before it; the first is told of the last when all run.
      const proxies = [await startProxy({ tool }, HTTP)];
      for (let i = 1; i < length; i++) {
        const before = proxies.at(-1) as ProxyUnderTest;
        proxies.push(await startProxy({ next: at(before) }, HTTP));
      }
      const [first, last] = [proxies[0] as ProxyUnderTest, proxies.at(-1) as ProxyUnderTest];
      const through = `${'next__'.repeat(length - 1)}tool__echo`;
      await until('the tool behind all of them', async () => (await toolsOf(last)).includes(through));
      addServer(first, 'back', at(last));
      await until('the refusal', async () =>
        (await failureOf(first, 'back')).includes('leads back to this proxy'),
      );
      expect(await toolsOf(first)).toEqual(['tool__echo']);
      expect(await toolsOf(last)).toEqual([through]);
    },
    30_000,
  );
});
