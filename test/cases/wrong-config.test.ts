import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

function configFile(text: string, name = 'switchyard.json'): string {
  const file = join(temporaryFolder('case'), name);
  writeFileSync(file, text);
  return file;
}

describe('a wrong config', () => {
  test('ends the proxy with exit code 2 and every error: file, path, expectation, guess', async () => {
    const file = configFile(`{
      "mcpServers": {
        "github": { "comand": "npx", "timeoutMs": "soon" },
        "docs": { "url": "not a url" },
        "token": { "command": "x", "env": { "T": "\${SURELY_NOT_SET_ANYWHERE}" } }
      },
      "expose": { "maxNameLenght": 46 }
    }`);
    const { code, stdout, stderr } = await run(['--config', file]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    const lines = stderr.split('\n').filter((line) => line.includes('switchyard.json'));
    const about = (path: string): string => lines.find((line) => line.includes(path)) ?? '';
    expect(about('mcpServers.github.comand')).toContain('Did you mean "command"?');
    expect(about('mcpServers.github.timeoutMs')).toMatch(/expected .*"soon"/);
    expect(about('mcpServers.docs.url')).toMatch(/expected/);
    expect(about('mcpServers.token.env.T')).toContain('SURELY_NOT_SET_ANYWHERE');
    expect(about('expose.maxNameLenght')).toContain('Did you mean "maxNameLength"?');
  });

  test.each([
    ['that is no JSON', '{ "mcpServers": { '],
    ['that is a list', '[]'],
    ['that lists its servers', '{ "mcpServers": [] }'],
  ])('%s ends it with exit code 2 and the place', async (_, text) => {
    const { code, stderr } = await run(['--config', configFile(text)]);
    expect(code).toBe(2);
    expect(stderr).toContain('switchyard.json');
    expect(stderr).not.toContain('    at ');
  });

  test('that is not there, or an option that is not known, ends it with exit code 2', async () => {
    for (const args of [
      ['--config', '/no/such/switchyard.json'],
      ['--colour'],
      ['serv'],
      ['serve', '--http', 'x:y'],
    ]) {
      const { code, stderr } = await run(args);
      expect([args, code]).toEqual([args, 2]);
      expect(stderr).not.toContain('    at ');
    }
  });
});

describe('a start that cannot be', () => {
  test('I04 on a port in use: a clear error, an exit code other than 0, and no child left', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    closers.push(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const proxy = await startProxy(
      { a: server({ grandchild: true }) },
      { unready: true, args: ['serve', '--http', `127.0.0.1:${port}`] },
    );
    proxy.excuse(/in use/);
    expect(await proxy.exitedWithin(5000)).toBe(1);
    expect(proxy.stderr).toMatch(
      new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use by another program`, 'm'),
    );
    expect(proxy.stderr).not.toContain('    at ');
  });

  test('of a proxy by itself is refused: it would go on for ever', async () => {
    const folder = temporaryFolder('case');
    const own = {
      command: process.execPath,
      args: [CLI, '--config', join(folder, 'switchyard.json')],
      restart: { delayMs: 100, maxDelayMs: 200 },
    };
    const proxy = await startProxy({ a: server(), own }, { folder, unready: true });
    await proxy.greet();
    const failed = await proxy.logged(
      ({ server: of, msg }) => of === 'own' && msg === 'downstream server failed',
    );
    expect(failed['why']).toContain('This proxy was started by a proxy that serves the same config');
    expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
    expect(proxy.descendants.length).toBeLessThanOrEqual(2);
  });
});
