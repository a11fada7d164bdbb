import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked } from './packed-package.ts';

const run = promisify(execFile);
const TIMEOUT = 120_000;

let folder: string;
let packed: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchyard-package-'));
  packed = await installPacked(folder);
}, TIMEOUT);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the packed package, installed in an empty folder without a compiler', () => {
  test('holds the program, the README and the licence, and nothing of the workshop', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'dist/cli.js',
        'dist/index.js',
        'dist/THIRD-PARTY-LICENSES',
        'switchyard.schema.json',
        'data/word-table.bin',
        'README.md',
        'LICENSE',
      ]),
    );
    expect(
      packed.filter(
        (file) =>
          !/^(dist\/.+\.(js|cjs|js\.map|d\.ts)|dist\/THIRD-PARTY-LICENSES|switchyard\.schema\.json|data\/word-table\.bin|README\.md|LICENSE|package\.json)$/.test(
            file,
          ),
      ),
    ).toEqual([]);
  });

  test.each(['switchyard', 'mcp-switchyard'])('puts the command "%s" in place', async (command) => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const asked = await run('npx', ['--no-install', command, '--version'], { cwd: folder });
    expect(asked.stdout.trim()).toBe(version);
    const help = await run('npx', ['--no-install', command, '--help'], { cwd: folder });
    expect(help.stdout).toContain('Usage: switchyard');
  });

  test('can be imported as a library', async () => {
    const script = `
      import { ConfigError, createProxy, loadConfig, ProxyError } from 'mcp-switchyard';
      console.log([ConfigError, createProxy, loadConfig, ProxyError].map((one) => typeof one).join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: folder,
    });
    expect(stdout.trim()).toBe('function,function,function,function');
  });

  test('has types, which fit the library that they describe, and the example that embeds it works', async () => {
    await copyFile('examples/embedding/run.ts', join(folder, 'run.ts'));
    const compilerOptions = {
      target: 'ES2023',
      module: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      typeRoots: [resolve('node_modules/@types')],
      types: ['node'],
      outDir: 'built',
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['run.ts'] }));
    await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder]);
    const { stdout } = await run(process.execPath, ['built/run.js'], { cwd: folder, timeout: 20_000 });
    expect(stdout).toContain('Everything was as expected.');
  });

  test('ships the JSON Schema of the config where editors look for it', async () => {
    const file = join(folder, 'node_modules/mcp-switchyard/switchyard.schema.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ properties: { mcpServers: {} } });
  });

  test('answers an MCP client over stdio', async () => {
    await writeFile(
      join(folder, 'switchyard.json'),
      JSON.stringify({ mcpServers: {}, stateDir: join(folder, 'state') }),
    );
    const running = run(process.execPath, ['node_modules/mcp-switchyard/dist/cli.js'], {
      cwd: folder,
      timeout: 20_000,
    });
    running.child.stdin?.end(
      `${JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        },
      })}\n`,
    );
    const { stdout } = await running;
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { serverInfo: { name: 'switchyard' } } });
  });

  test('leaves no native build behind', async () => {
    const names = await readdir(join(folder, 'node_modules'), { recursive: true });
    expect(names.filter((name) => /(^|[\\/])(binding\.gyp|build[\\/]Release)$/.test(name))).toEqual([]);
  });
});
