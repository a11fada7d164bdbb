/** The config key `imports`: clients' servers served beside our own. */
import { describe, expect, test } from 'vitest';
import { complaint, machine } from './machine.ts';

const entry = (name: string): object => ({ command: 'npx', args: [name] });

describe('imports', () => {
  test('serves what the named clients have configured, in their own dialects, and nobody else’s', async () => {
    const here = machine({});
    here.write(`${here.homeDir}/.cursor/mcp.json`, JSON.stringify({ mcpServers: { a: entry('of-cursor') } }));
    here.write(
      `${here.homeDir}/.codex/config.toml`,
      '[mcp_servers.b]\ncommand = "npx"\nargs = ["of-codex"]\n',
    );
    here.write(
      `${here.homeDir}/.lmstudio/mcp.json`,
      JSON.stringify({ mcpServers: { c: entry('of-lmstudio') } }),
    );
    const file = here.write('switchyard.json', JSON.stringify({ imports: ['cursor', 'codex'] }));
    const config = await here.load(file);
    expect([...config.servers].map(([key, { transport }]) => [key, transport])).toMatchObject([
      ['a', { args: ['of-cursor'] }],
      ['b', { args: ['of-codex'] }],
    ]);
  });

  test('our own entry of a name counts before an imported one, and an earlier client’s before a later one’s', async () => {
    const here = machine({});
    const two = { a: entry('imported'), b: entry('first') };
    here.write(`${here.homeDir}/.cursor/mcp.json`, JSON.stringify({ mcpServers: two }));
    here.write(`${here.homeDir}/.lmstudio/mcp.json`, JSON.stringify({ mcpServers: { b: entry('second') } }));
    const own = { imports: ['cursor', 'lmstudio'], mcpServers: { a: entry('own') } };
    const config = await here.load(here.write('switchyard.json', JSON.stringify(own)));
    expect(config.servers.get('a')?.transport).toMatchObject({ args: ['own'] });
    expect(config.servers.get('b')?.transport).toMatchObject({ args: ['first'] });
  });

  test('a client without a file, or with one that cannot be read, costs a warning', async () => {
    const here = machine({});
    here.write(`${here.homeDir}/.cursor/mcp.json`, '{ "mcpServers": ');
    const file = here.write('switchyard.json', JSON.stringify({ imports: ['cursor', 'goose'] }));
    const { warnings, servers } = await here.load(file);
    expect(servers.size).toBe(0);
    expect(warnings).toEqual([
      expect.stringContaining('.cursor/mcp.json') as string,
      expect.stringMatching(/^imports: Goose has no file at /) as string,
    ]);
  });

  test('an unknown client is an error with a guess', async () => {
    const here = machine({});
    const load = here.load(here.write('switchyard.json', JSON.stringify({ imports: ['curser'] })));
    expect(await complaint(load)).toMatch(/imports.*cursor/);
  });
});
