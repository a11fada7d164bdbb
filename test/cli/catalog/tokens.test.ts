/** `switchyard tokens`: what definitions cost, and whether it is too much. */
import { expect, test, vi } from 'vitest';
import { writeConfig } from '../../relay/wire/proxies.ts';
import { manyServers, manyTools } from '../../context/many-tools.ts';
import { runCli } from '../run-cli.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Told {
  readonly mode: string;
  readonly tokens: number;
  readonly modes: Readonly<Record<'all' | 'slim' | 'search', number>>;
  readonly servers: readonly { readonly server: string; readonly tools: number }[];
  readonly tools: readonly { readonly tool: string; readonly class: string }[];
}

const tools = manyTools()
  .slice(0, 60)
  .map(({ name, annotations }) => ({
    server: 'one',
    name,
    annotations,
    description: `Does ${name}. ${'It says much about it. '.repeat(20)}`,
    inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  }));

function configWith(list: string): string {
  return writeConfig({ mcpServers: manyServers({ tools }), expose: { namespaces: 'always', list } });
}

test('each way to list costs less than the one before, and each tool has its class', async () => {
  const { code, stdout } = await runCli(['tokens', '--json', '--config', configWith('slim')]);
  const { mode, tokens, modes, servers, tools: costs } = JSON.parse(stdout) as Told;
  expect({ code, mode, servers: servers.map(({ server, tools: count }) => [server, count]) }).toEqual({
    code: 0,
    mode: 'slim',
    servers: [['one', 60]],
  });
  expect(tokens).toBe(modes.slim);
  expect(modes.slim).toBeLessThan(modes.all / 2);
  expect(modes.search).toBeLessThan(modes.slim);
  expect(costs.find(({ tool }) => tool === `one__${tools[0]?.name}`)?.class).toBe('read');
});

test.each([
  ['over it', 'opencode', '100', 1],
  ['within it', 'opencode', '100000', 0],
])(
  'a budget ends the command with 1 where a client gets more (%s)',
  async (_what, client, budget, wanted) => {
    const args = ['tokens', '--client', client, '--budget', budget, '--config', configWith('all')];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(wanted);
    expect(stdout).toContain('opencode gets "all"');
    expect(stderr.includes('Over the budget')).toBe(wanted === 1);
  },
);

test('a budget that is no number is refused', async () => {
  const { code, stderr } = await runCli(['tokens', '--budget', 'many']);
  expect({ code, said: stderr.includes('--budget is a number of tokens') }).toEqual({ code: 2, said: true });
});
