/** The first steps of somebody with an empty home: behind a slow registry, one that is out of order, and with none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../harness/until.ts';
import { runCli, type Said, startCli } from '../cli/run-cli.ts';
import { isRunning } from '../harness/processes.ts';
import { PACKAGE, type Registry, startRegistry } from './npm-registry.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// A real npx, which takes a second for nothing.
vi.setConfig({ testTimeout: 90_000 });

const WAITS = /waiting for memory: npx is fetching its package, \d+ s/;
const OTHER = join(import.meta.dirname, '../fixtures/faults/stdio.mjs');

let home: string;
let registry: Registry;

beforeEach(async () => {
  home = temporaryFolder('home');
  registry = await startRegistry();
  npmrc(registry.url);
});

afterEach(async () => {
  await registry.close();
  // Who was left to fetch has nothing left to fetch from.
  await until('all of npx to be gone', () => runnersLeft().length === 0, 20_000);
});

function npmrc(url: string): void {
  const lines = [`registry=${url}`, 'fetch-retries=0', 'update-notifier=false', 'audit=false', 'fund=false'];
  writeFileSync(join(home, '.npmrc'), `${lines.join('\n')}\n`);
}

const cli = (...args: string[]): Promise<Said> => runCli(args, { cwd: home });

/** The registry holds back what is fetched until the command has said that it waits for it. */
async function sayingThatItWaits(...args: string[]): Promise<Said> {
  registry.hold();
  const child = startCli(args, { cwd: home });
  const said = { stdout: '', stderr: '' };
  child.stdin?.end();
  child.stdout?.on('data', (chunk: Buffer) => (said.stdout += String(chunk)));
  child.stderr?.on('data', (chunk: Buffer) => {
    said.stderr += String(chunk);
    if (WAITS.test(said.stderr)) registry.release();
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(said.stderr).toMatch(WAITS);
  return { code, ...said };
}

const npxFolders = (): string[] => {
  const place = join(home, '.npm/_npx');
  return existsSync(place) ? readdirSync(place).map((name) => join(place, name)) : [];
};

/** Nothing was changed there for a long time. */
function age(folder: string): void {
  for (const one of [folder, join(folder, 'node_modules')]) utimesSync(one, 1_700_000_000, 1_700_000_000);
}

const isWhole = (folder: string): boolean => existsSync(join(folder, 'node_modules/.package-lock.json'));

/** By what proxies have on record. */
function runnersLeft(): number[] {
  const place = join(home, '.local/state/switchyard/processes');
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const { children } = JSON.parse(readFileSync(join(place, name), 'utf8')) as {
        children: readonly { pid: number }[];
      };
      return children.map(({ pid }) => pid);
    })
    .filter(isRunning);
}

function configure(extra: object = {}): void {
  const entry = { command: 'npx', args: ['-y', PACKAGE], ...extra };
  writeFileSync(
    join(home, 'switchyard.json'),
    JSON.stringify({
      mcpServers: {
        memory: entry,
        // A second one, so that names have prefixes.
        other: { command: process.execPath, args: [OTHER, '{}'] },
      },
    }),
  );
}

describe('behind a slow registry', () => {
  test('add, list, call and check come to their end, and say what they wait for', async () => {
    const added = await sayingThatItWaits('add', 'memory', '--', 'npx', '-y', PACKAGE);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('memory: 1 tool') as string });
    expect((await cli('list')).stdout).toMatch(/^echo +memory/m);
    expect(await cli('call', 'echo', 'text=hi')).toMatchObject({ code: 0, stdout: 'said: hi\n' });
    expect((await cli('check')).stdout).toContain('Healthy: 1 of 1');
    expect(await cli('doctor')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing is') as string,
    });
    expect(npxFolders().map(isWhole)).toEqual([true]);
  });

  test('a call of a tool that nobody has listed yet waits for its server', async () => {
    configure();
    const call = await sayingThatItWaits('call', 'memory__echo', 'text=first');
    expect(call).toMatchObject({ code: 0, stdout: 'said: first\n' });
  });

  test('a client that asks for it by name waits, too, and longer than a list does', async () => {
    registry.hold();
    configure();
    const config = JSON.parse(readFileSync(join(home, 'switchyard.json'), 'utf8')) as object;
    writeFileSync(join(home, 'switchyard.json'), JSON.stringify({ ...config, expose: { listWaitMs: 100 } }));
    const proxy = startCli(['serve'], { cwd: home });
    let said = '';
    proxy.stdout?.on('data', (chunk: Buffer) => (said += String(chunk)));
    const send = (message: object): void =>
      void proxy.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'test', version: '1' };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    send({ id: 1, method: 'initialize', params });
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: 'memory__echo', arguments: { text: 'x' } } });
    send({ id: 3, method: 'tools/call', params: { name: 'nobody__echo', arguments: {} } });
    const known = (): string => said;
    await until('the answer that nobody has this', () => said.includes('"id":3'), 30_000, known);
    await until('npx to be at work', () => registry.fetched.length > 3, 30_000);
    expect(said).not.toContain('"id":2');
    registry.release();
    await until('its answer', () => said.includes('"id":2'), 60_000, known);
    expect(said).toContain('said: x');
    proxy.stdin?.end();
    await once(proxy, 'close');
  });

  test.each([['list'], ['add', 'more', '--', 'npx', '-y', PACKAGE]])(
    '%s, ended by Ctrl-C, leaves npx to finish',
    async (...args) => {
      registry.hold();
      if (args[0] === 'list') configure();
      const command = startCli(args, { cwd: home });
      await until('npx to be at work', () => registry.fetched.length > 3, 30_000);
      command.kill('SIGINT');
      expect(await once(command, 'close')).toEqual([1, null]);
      expect(runnersLeft()).toHaveLength(1);
      registry.release();
      await until('npx to have finished', () => runnersLeft().length === 0, 60_000);
      expect(npxFolders().map(isWhole)).toEqual([true]);
    },
  );

  test.each(['the end of input', 'SIGTERM'])(
    'a proxy that ends by %s leaves npx to finish, and what it unpacks is whole',
    async (way) => {
      registry.hold();
      configure();
      const proxy = startCli(['serve'], { cwd: home });
      proxy.stdout?.resume();
      proxy.stderr?.resume();
      await until('npx to be at work', () => registry.fetched.length > 3, 30_000);
      if (way === 'SIGTERM') proxy.kill('SIGTERM');
      else proxy.stdin?.end();
      const [code] = (await once(proxy, 'close')) as [number];
      expect(code).toBe(0);
      expect(runnersLeft()).toHaveLength(1);
      registry.release();
      await until('npx to have finished', () => runnersLeft().length === 0, 60_000);
      expect(npxFolders().map(isWhole)).toEqual([true]);
      expect((await cli('list')).stdout).toMatch(/^memory__echo +memory/m);
      expect(readdirSync(join(home, '.local/state/switchyard/processes'))).toEqual([]);
    },
  );

  test('a start that takes too long says why, and breaks nothing for the next one', async () => {
    registry.hold();
    configure({ connectTimeoutMs: 1500 });
    const list = await cli('list');
    expect(list.stderr).toContain('npx may still be fetching its package');
    expect(list.stderr).toContain('connectTimeoutMs');
    const servers = await cli('list', 'servers');
    expect(servers.stdout).toMatch(/^memory +critical/m);
    registry.release();
    configure();
    expect((await cli('list')).stdout).toMatch(/^memory__echo +memory/m);
  });
});

describe('without what it fetches from', () => {
  test('a registry that answers 503 is named in every command', async () => {
    registry.refuses = true;
    configure();
    for (const args of [['list'], ['call', 'memory__echo'], ['check'], ['doctor']]) {
      const { code, stdout, stderr } = await cli(...args);
      expect(code).toBe(args[0] === 'list' ? 0 : 1);
      expect(`${stdout}${stderr}`.replaceAll(/\s+/g, ' ')).toMatch(/memory.*503/);
    }
  });

  test('no network at all is named, too', async () => {
    await registry.close();
    configure();
    const list = await cli('list');
    expect(list.stderr).toMatch(/memory.*ECONNREFUSED/);
    const call = await cli('call', 'memory__echo');
    expect(call.code).toBe(1);
    expect(call.stderr).toMatch(/ECONNREFUSED/);
    expect(call.stderr).not.toContain('Unknown tool');
  });
});

describe('a package that was not unpacked whole', () => {
  /** As a client leaves it that kills npx in the middle. */
  async function breakIt(): Promise<string> {
    await new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], HOME: home };
      const npx = spawn('npx', ['-y', PACKAGE], { cwd: home, env, stdio: ['pipe', 'ignore', 'ignore'] });
      npx.stdin.end();
      npx.once('close', resolve);
    });
    const [folder = ''] = npxFolders();
    rmSync(join(folder, 'node_modules/tiny-part-5/index.js'));
    return folder;
  }

  test('is named with its folder and the remedy, found by doctor, and mended by doctor --fix', async () => {
    configure();
    const folder = await breakIt();
    const list = await cli('list');
    expect(list.stderr).toContain(`What npx keeps of its package is broken: ${folder}. Remove that folder`);
    const found = await cli('doctor');
    expect(found.code).toBe(1);
    expect(found.stdout.replaceAll(/\s+/g, ' ')).toContain('memory: what npx keeps of its package is broken');
    expect(found.stdout.replaceAll(/\s+/g, ' ')).toContain('doctor --fix');
    expect(existsSync(folder)).toBe(true);
    const mended = await cli('doctor', '--fix');
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('mended') as string });
    // The server was started again, so the package is there anew.
    expect(existsSync(join(folder, 'node_modules/tiny-part-5/index.js'))).toBe(true);
    expect((await cli('call', 'memory__echo', 'text=again')).stdout).toBe('said: again\n');
  });

  /** A server whose command is called `npx` and says this; it never unpacks anything. */
  function npxThatSays(says: string): object {
    const command = join(home, 'npx');
    writeFileSync(join(home, 'says'), says);
    writeFileSync(command, `#!/bin/sh\ncat '${home}/says' >&2\nexit 1\n`, { mode: 0o755 });
    return { command };
  }

  const serve = (liar: object): void =>
    writeFileSync(join(home, 'switchyard.json'), JSON.stringify({ mcpServers: { liar } }));

  /** A folder of npx with one package in it, long since unpacked. */
  function healthyFolder(cache: string): string {
    const folder = join(home, cache, '_npx/0123456789abcdef');
    const place = join(folder, 'node_modules/healthy');
    mkdirSync(place, { recursive: true });
    mkdirSync(join(home, cache, '_cacache'), { recursive: true });
    writeFileSync(join(place, 'package.json'), '{"name":"healthy","main":"index.js"}');
    writeFileSync(join(place, 'index.js'), '');
    writeFileSync(
      join(folder, 'node_modules/.package-lock.json'),
      '{"packages":{"node_modules/healthy":{"version":"1.0.0"}}}',
    );
    age(folder);
    return folder;
  }

  test('is not suspected where a server that npx does not start names its folder', async () => {
    const folder = healthyFolder('.npm');
    const says = `Error: Cannot find module '${folder}/node_modules/healthy/gone.js'`;
    serve({
      command: process.execPath,
      args: ['-e', `console.error(${JSON.stringify(says)});process.exit(1)`],
    });
    const { code, stdout } = await cli('doctor', '--fix');
    expect(code).toBe(1);
    expect(stdout).toContain('liar: does not start');
    expect(existsSync(folder)).toBe(true);
  });

  test.each([
    ['a file that the package does not declare', 'healthy/gone.js'],
    ['a package that is not on the list', 'never-listed/index.js'],
  ])('is left where npm unpacked it to the end, and missing is %s', async (_, missing) => {
    const folder = healthyFolder('.npm');
    serve(npxThatSays(`Error: Cannot find module '${folder}/node_modules/${missing}'`));
    const { code, stdout } = await cli('doctor', '--fix');
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('npx unpacked it to the end');
    expect(existsSync(folder)).toBe(true);
  });

  test('is left where it is in no npm cache that the machine or the config names', async () => {
    const folder = healthyFolder('elsewhere');
    rmSync(join(folder, 'node_modules/healthy/index.js'));
    serve(npxThatSays(`Error: Cannot find module '${folder}/node_modules/healthy/index.js'`));
    const { code, stdout } = await cli('doctor', '--fix');
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('it is in no npm cache');
    expect(existsSync(folder)).toBe(true);
  });

  test('doctor --fix removes nothing that is no folder of npx, whatever a server says', async () => {
    const precious = join(home, 'precious/_npx/0123456789abcdef');
    const says = `Error: Cannot find module '${precious}/node_modules/x/index.js'`;
    writeFileSync(
      join(home, 'switchyard.json'),
      JSON.stringify({
        mcpServers: {
          liar: npxThatSays(says),
        },
      }),
    );
    mkdirSync(precious, { recursive: true });
    const { code, stdout } = await cli('doctor', '--fix');
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('is no folder of npx');
    expect(existsSync(precious)).toBe(true);
  });
});
