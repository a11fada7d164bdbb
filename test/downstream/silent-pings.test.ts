/** Servers that know no ping, and say so in one way or another, live on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { methodOf } from '../fixtures/http/servers.ts';
import { type Answer, helloIn, plainServer, status } from '../fixtures/http/plain-server.ts';
import { type ProxyInProcess, proxyWith } from '../resilience/proxy-in-process.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const health = { intervalMs: 40, timeoutMs: 120 };

function clientNotifications({ log }: ProxyInProcess): number {
  return log.filter(({ message }) => message.includes('does not answer pings')).length;
}

test('a server over stdio that never answers a ping keeps its process and what it has in memory', async () => {
  const file = join(temporaryFolder('ping'), 'server.mjs');
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
     import { appendFileSync } from 'node:fs';
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, method, params } = JSON.parse(line);
       const say = (result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
       if (method === 'initialize')
         say({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } });
       else if (method === 'tools/list') { appendFileSync(process.argv[1] + '.lists', '1'); say({ tools: [{ name: 'pid', inputSchema: { type: 'object' } }] }); }
       else if (method === 'tools/call') say({ content: [{ type: 'text', text: String(process.pid) }] });
     });`,
  );
  const proxy = await proxyWith(() => ({
    mcpServers: { one: { command: process.execPath, args: [file], health } },
  }));
  await proxy.ready('one');
  const pid = await proxy.who('pid');
  await expect.poll(() => readFileSync(`${file}.lists`, 'utf8').length, { timeout: 5000 }).toBeGreaterThan(4);
  expect(await proxy.who('pid')).toBe(pid);
  expect(await proxy.status('one')).toMatchObject({ state: 'ready', restarts: 0 });
  expect(clientNotifications(proxy)).toBe(1);
});

test.each([
  ['404', status(404)],
  ['500', status(500)],
  ['202', status(202)],
  ['a page', status(200, '<html></html>', 'text/html')],
  ['nothing', () => {}],
] as [string, Answer][])(
  'a server over HTTP that answers a ping with %s keeps its connection',
  async (_how, ping) => {
    const server = await plainServer({ ping, initialize: helloIn('2025-06-18') });
    const proxy = await proxyWith(() => ({ mcpServers: { one: { url: server.url, health } } }));
    await proxy.ready('one');
    const since = (method: string): string[] => {
      const methods = server.seen.map(methodOf);
      return methods.includes(method) ? methods.slice(methods.lastIndexOf(method) + 1) : [];
    };
    const lists = (): number => since('ping').filter((method) => method.endsWith('/list')).length;
    await expect.poll(lists).toBeGreaterThan(4);
    expect(server.seen.filter((seen) => methodOf(seen) === 'initialize')).toHaveLength(1);
    expect(await proxy.status('one')).toMatchObject({ state: 'ready', restarts: 0 });
    expect(clientNotifications(proxy)).toBe(1);
  },
);
