import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { installPacked } from './packed-package.ts';
import { temporaryFolder } from './harness/temp-folder.ts';

const run = promisify(execFile);
const TIMEOUT = 120_000;

let folder: string;
let packed: readonly string[];

beforeAll(async () => {
  folder = temporaryFolder('package');
  packed = await installPacked(folder);
}, TIMEOUT);

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
          !/^(dist\/.+\.(js|cjs|js\.map)|dist\/index\.d\.ts|dist\/sbom\.cdx\.json|dist\/THIRD-PARTY-LICENSES|switchyard\.schema\.json|data\/word-table\.bin|README\.md|LICENSE|package\.json)$/.test(
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

  test('has types that need nothing which the package does not bring, not even those of Node', async () => {
    const alone = join(folder, 'alone');
    await mkdir(alone);
    const user = `
      import { type Config, ConfigError, connectInProcess, createProxy, type InProcessOptions, type InProcessTransport,
        loadConfig, type LoadOptions, type Logger, type Proxy, ProxyError, type ProxyOptions, type ServerConfig } from 'mcp-switchyard';
      const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, stderrOf() {} };
      const how: LoadOptions = { files: ['a.json'], cwd: '/', homeDir: '/', env: {}, platform: 'linux' };
      const config: Config = await loadConfig(how);
      const server: ServerConfig | undefined = config.servers.get('a');
      const options: ProxyOptions = { config, version: '1', exclusive: false, env: {}, log };
      const proxy: Proxy = await createProxy(options);
      const inProcess: InProcessOptions = { log };
      const end: InProcessTransport = connectInProcess(proxy, inProcess);
      export const all = [server?.key, end, new ProxyError('BUSY', { message: '', delivered: false }), ConfigError];`;
    await writeFile(join(alone, 'user.ts'), user);
    const compilerOptions = {
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: [],
      noEmit: true,
    };
    await writeFile(join(alone, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }));
    const tsc = [resolve('node_modules/typescript/bin/tsc'), '-p', alone, '--listFiles'];
    const { stdout } = await run(process.execPath, tsc).catch((failed: { stdout: string }) => failed);
    expect(stdout).not.toMatch(/\berror TS/);
    const read = stdout
      .split('\n')
      .filter((file) => file.includes('node_modules/') && !file.includes('/lib/lib.'));
    expect(read.map((file) => file.slice(file.lastIndexOf('node_modules/')))).toEqual([
      'node_modules/mcp-switchyard/dist/index.d.ts',
    ]);
  });

  test('does not show in its types what only its own parts may use', async () => {
    const types = await readFile(join(folder, 'node_modules/mcp-switchyard/dist/index.d.ts'), 'utf8');
    expect(types).not.toMatch(/\b(ServedProxy|WorkflowsOnDemand|Handler|Catalog)\b/);
    expect(types.match(/^export .*/gm)).toHaveLength(1);
  });

  test('lists every package whose code it contains, with version and licence, in its bill of materials', async () => {
    const dist = join(folder, 'node_modules/mcp-switchyard/dist');
    const bill = JSON.parse(await readFile(join(dist, 'sbom.cdx.json'), 'utf8')) as {
      bomFormat: string;
      specVersion: string;
      metadata: { component: { name: string } };
      components: { name: string; version: string; purl: string; licenses: { license: { id: string } }[] }[];
    };
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(bill.metadata.component.name).toBe('mcp-switchyard');
    const names = bill.components.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['zod', 'cross-spawn', 'lru-cache', 'opossum', 'jsonc-parser', 'fflate']),
    );
    const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES'), 'utf8');
    for (const { name, version, purl, licenses } of bill.components) {
      const installed = JSON.parse(await readFile(join('node_modules', name, 'package.json'), 'utf8')) as {
        version: string;
      };
      expect([name, version]).toEqual([name, installed.version]);
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(licences).toContain(`${name} ${version} (${licenses[0]?.license.id ?? ''})\n`);
    }
    const { dependencies = {} } = JSON.parse(await readFile('package.json', 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    expect(names.filter((name) => name in dependencies)).toEqual([]);
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
