import { expect, test } from 'vitest';

import { withoutSelfReferences } from '../../../src/cli/serve/self-reference.ts';
import { machine } from '../../config/machine.ts';

async function leftOut(host: string, port: number, urls: readonly string[]): Promise<string[]> {
  const { load, write } = machine();
  const entries = urls.map((url, index) => [`s${index}`, { url }]);
  const text = JSON.stringify({ mcpServers: Object.fromEntries(entries) });
  const config = withoutSelfReferences(await load(write('switchyard.json', text)), { host, port });
  const off = urls.filter((_url, index) => config.servers.get(`s${index}`)?.disabled);
  expect(config.warnings).toHaveLength(off.length);
  return off;
}

const own = ['http://127.0.0.1:8080/mcp', 'http://localhost:8080/mcp', 'http://[::1]:8080/mcp'];
const others = [
  'http://127.0.0.1:8081/mcp',
  'http://127.0.0.1:8080/other',
  'http://docs.example:8080/mcp',
  'http://127.evil.example:8080/mcp',
  'https://127.0.0.1:8080/mcp',
  'http://127.0.0.1/mcp',
];

test.each(['127.0.0.1', '::1', 'localhost', '0.0.0.0'])(
  'served at %s, its own URL is left out',
  async (host) => {
    expect(await leftOut(host, 8080, [...own, ...others])).toEqual(own);
  },
);

test('port 80 needs no writing', async () => {
  expect(await leftOut('127.0.0.1', 80, ['http://127.0.0.1/mcp'])).toEqual(['http://127.0.0.1/mcp']);
});

test('another address of this machine counts where it is the one that is served', async () => {
  const url = 'http://192.0.2.2:8080/mcp';
  expect(await leftOut('192.0.2.2', 8080, [url])).toEqual([url]);
});
