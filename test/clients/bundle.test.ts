import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { beforeEach, expect, test } from 'vitest';
import { readBundle } from '../../src/clients/bundle.ts';
import type { HostEnvironment } from '../../src/config/folders.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

let home: string;
let machine: HostEnvironment;
beforeEach(() => {
  home = temporaryFolder('bundle');
  machine = { env: {}, cwd: home, homeDir: home, platform: 'linux' };
});

function bundle(files: Readonly<Record<string, string>>): string {
  const file = join(home, 'some.mcpb');
  writeFileSync(
    file,
    zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)]))),
  );
  return file;
}

const manifest = {
  name: 'notes',
  server: {
    mcp_config: {
      command: 'node',
      args: ['${__dirname}/server/index.js', '--folder', '${user_config.folder}', '${OTHER}'],
      env: { KEY: '${user_config.key}' },
    },
  },
  user_config: { folder: { default: '/notes' }, key: { sensitive: true } },
};

test('a bundle is unpacked into the state folder and started from there; what its user must give is a variable', async () => {
  const file = bundle({ 'manifest.json': JSON.stringify(manifest), 'server/index.js': 'run()' });
  const { servers, trouble } = await readBundle(file, machine);
  expect(trouble).toBeUndefined();
  const { command, args, env } = servers.get('notes') ?? {};
  const script = args?.[0] ?? '';
  expect(readFileSync(script, 'utf8')).toBe('run()');
  expect(script.startsWith(join(home, '.local/state/switchyard/bundles'))).toBe(true);
  expect({ command, rest: args?.slice(1), env }).toEqual({
    command: 'node',
    rest: ['--folder', '/notes', '$${OTHER}'],
    env: new Map([['KEY', '${KEY}']]),
  });
});

test('a file that would lie outside of its folder is refused, and nothing is written there', async () => {
  const file = bundle({ 'manifest.json': JSON.stringify(manifest), '../../../evil.js': 'x' });
  expect((await readBundle(file, machine)).trouble).toContain('would lie outside');
  expect(existsSync(join(home, '.local/state/evil.js'))).toBe(false);
});

test.each([
  ['no archive', 'it is none'],
  ['no manifest', ''],
])('%s is said', async (what) => {
  const file = what === 'no archive' ? join(home, 'x.mcpb') : bundle({ 'a.js': '' });
  if (what === 'no archive') writeFileSync(file, 'text');
  const { servers, trouble } = await readBundle(file, machine);
  expect(servers.size).toBe(0);
  expect(trouble).toBeTypeOf('string');
});
