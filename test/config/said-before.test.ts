/** Reading a config again: what its files said before tells a slip from an intention. */
import { writeFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configReader } from '../../src/cli/support/configured.ts';
import { complaint, machine } from './machine.ts';

const servers = (...keys: string[]): string =>
  JSON.stringify({ mcpServers: Object.fromEntries(keys.map((key) => [key, { command: 'x' }])) });
const nothing = (): void => {};

describe('a file that named servers before', () => {
  test.each([
    ['switchyard.json', '/* soon */'],
    ['switchyard.json', '{"$schema":"x"}'],
    ['switchyard.yaml', '# soon\n---\n'],
    ['switchyard.yaml', 'mcpServers:\n'],
    ['switchyard.toml', '# soon\n[log]\nlevel = "info"\n'],
    ['.cursor/mcp.json', '{}'],
    ['.vscode/mcp.json', '{"inputs":[]}'],
  ])('%s is refused when it says %j', async (name, text) => {
    const here = machine();
    const first = name.endsWith('yaml')
      ? 'mcpServers: { a: { command: x } }'
      : name.endsWith('toml')
        ? '[mcpServers.a]\ncommand = "x"\n'
        : name.includes('vscode')
          ? '{"servers":{"a":{"command":"x"}}}'
          : servers('a');
    const file = here.write(name, first);
    const read = configReader([file], here);
    expect([...(await read(nothing)).servers.keys()]).toEqual(['a']);
    writeFileSync(file, text);
    expect(await complaint(read(nothing))).toMatch(/servers|expected a/);
    // Nor is it taken for the truth at the next time.
    expect(await complaint(read(nothing))).toMatch(/servers|expected a/);
    writeFileSync(file, first);
    expect((await read(nothing)).servers.size).toBe(1);
  });

  test('is refused by itself: the other file of two still names its own', async () => {
    const here = machine();
    const files = [here.write('a.json', servers('a')), here.write('b.json', servers('b'))];
    const read = configReader(files, here);
    await read(nothing);
    writeFileSync(files[1] as string, '');
    expect(await complaint(read(nothing))).toContain('b.json  says nothing of servers');
  });

  test.each([
    ['empty', ''],
    ['cut', '{"mcpServers":{"a"'],
    ['gone', undefined],
  ])("is refused also where it is a client's that is imported, and now is %s", async (_, text) => {
    const here = machine();
    const client = here.write(`${here.homeDir}/.cursor/mcp.json`, servers('a'));
    const read = configReader([here.write('switchyard.json', '{"imports":["cursor"]}')], here);
    expect((await read(nothing)).servers.size).toBe(1);
    if (text === undefined) rmSync(client);
    else writeFileSync(client, text);
    expect(await complaint(read(nothing))).toContain('.cursor/mcp.json');
  });

  test('may say that there are none, and then may say nothing', async () => {
    const here = machine();
    const file = here.write('switchyard.json', servers('a'));
    const read = configReader([file], here);
    await read(nothing);
    for (const text of ['{"mcpServers":{}}', '', '{}']) {
      writeFileSync(file, text);
      expect((await read(nothing)).servers.size).toBe(0);
    }
  });
});

test('at a start a file may say nothing', async () => {
  const here = machine();
  expect((await configReader([here.write('switchyard.json', '')], here)(nothing)).servers.size).toBe(0);
});
