/** A client's file on its way: imported, adopted, read again as the client reads it, and given back. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { installEntry, uninstallEntry } from '../../src/clients/install.ts';
import { clientFiles } from '../../src/config/client-places.ts';
import { dialects } from '../../src/config/dialects/dialects.ts';
import { readClientFile } from '../../src/clients/found-servers.ts';
import { loadConfig } from '../../src/config/load/load-config.ts';
import type { HostEnvironment } from '../../src/config/folders.ts';
import { type Sample, SAMPLES } from '../fixtures/clients/samples.ts';
import { runHere } from '../cli/in-process.ts';
import { runCli, type Said } from '../cli/run-cli.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 20_000 });

let home: string;
beforeEach(() => (home = temporaryFolder('clients')));

function machineOf(platform: NodeJS.Platform): HostEnvironment {
  return { env: {}, cwd: home, homeDir: home, platform };
}

function place({ client, text }: Sample, platform: NodeJS.Platform = process.platform): string {
  const [file = ''] = clientFiles(client, machineOf(platform));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o640 });
  return file;
}

const CONNECTING = new Set(['add', 'import', 'install']);
/** Without starting what it takes: none of it is there. */
const cli = (name = '', ...args: string[]): Promise<Said> =>
  runHere(
    CONNECTING.has(name) ? [name, '--no-check', ...args] : [name, ...args],
    machineOf(process.platform),
  );
const ours = (): string => join(home, '.config', 'switchyard', 'switchyard.json');

describe.each(SAMPLES)('$client', (sample) => {
  const { client, moves, stays, kept, text } = sample;

  test('is adopted: its servers are served from our config, and its file holds our entry and what cannot move', async () => {
    const file = place(sample);
    const before = await loadConfig({ ...machineOf(process.platform), files: [file] });

    const { code, stdout, stderr } = await cli('install', client, '--adopt');

    expect({ code, stderr: Object.values(stays).filter((why) => !stderr.includes(why)) }).toEqual({
      code: 0,
      stderr: [],
    });
    expect(stdout + stderr).not.toContain('planted-secret');
    const after = readFileSync(file, 'utf8');
    expect(after).toContain(kept);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    // As the client reads it now.
    const dialect = dialects.find(({ id }) => id === client) as (typeof dialects)[number];
    const read = readClientFile(dialect, file, machineOf(process.platform));
    const own = read?.skipped.filter((one) => one.own === true).map(({ name }) => name);
    const others = [
      ...(read?.servers.keys() ?? []),
      ...(read?.skipped ?? []).filter((one) => one.own !== true).map(({ name }) => name),
    ];
    expect({ own, others: others.sort() }).toEqual({
      own: ['switchyard'],
      others: Object.keys(stays).sort(),
    });
    expect(after.replaceAll('\\\\', '\\')).toContain('--attach');
    // And what moved means the same.
    const config = await loadConfig({ ...machineOf(process.platform), files: [ours()] });
    for (const name of moves)
      expect(config.servers.get(name)?.transport).toEqual(before.servers.get(name)?.transport);
    expect([...config.servers.keys()].sort()).toEqual([...moves].sort());
  });

  test('gets its file back byte for byte, with no copy left', async () => {
    const file = place(sample);
    await cli('install', client, '--adopt');
    expect(readFileSync(file, 'utf8')).not.toBe(text);
    expect((await cli('install', client, '--adopt')).stdout).toContain('Nothing to do');
    expect(await cli('uninstall', client)).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(basename(file)))).toEqual([
      basename(file),
    ]);
  });

  test('keeps what its user changed meanwhile, and gets its servers back beside it', async () => {
    const file = place(sample);
    await cli('install', client, '--adopt');
    writeFileSync(file, `${readFileSync(file, 'utf8').trimEnd()}\n\n`);
    expect((await cli('uninstall', client)).stdout).toContain('what was moved is back');
    const names = (one: string): unknown => {
      const dialect = dialects.find(({ id }) => id === client) as (typeof dialects)[number];
      writeFileSync(file, one);
      const read = readClientFile(dialect, file, machineOf(process.platform));
      return { servers: new Map([...(read?.servers ?? [])].sort()), skipped: read?.skipped };
    };
    expect(names(readFileSync(file, 'utf8'))).toEqual(names(text));
  });

  test.each<NodeJS.Platform>(['linux', 'darwin', 'win32'])(
    'is found at its place on %s, and comes back from there',
    async (platform) => {
      const file = place(sample, platform);
      const options = {
        client,
        file,
        stateDir: join(home, 'state'),
        isOurs: (name: string) => name === 'switchyard',
      };
      const startedBy = { command: 'C:\\node.exe', args: ['C:\\a "b"\\cli.js', 'serve', '--attach'] };

      await installEntry({ ...options, startedBy, adopted: moves, now: new Date() });
      const between = readFileSync(file, 'utf8');
      expect(await uninstallEntry(options)).toBe('restored');

      expect(between).not.toBe(text);
      expect(readFileSync(file, 'utf8')).toBe(text);
      expect(relative(home, file).split(sep).join('/')).toBe(PLACES[client][platform as 'linux']);
    },
  );
});

type Place = Readonly<Record<'linux' | 'darwin' | 'win32', string>>;

const same = (path: string): Place => ({ linux: path, darwin: path, win32: path });
const code = 'Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json';
const appData = (path: string): Place => ({
  linux: `.config/${path}`,
  darwin: `Library/Application Support/${path}`,
  win32: `AppData/Roaming/${path}`,
});

const PLACES: Readonly<Record<Sample['client'], Place>> = {
  'claude-desktop': appData('Claude/claude_desktop_config.json'),
  'claude-code': same('.claude.json'),
  cursor: same('.cursor/mcp.json'),
  vscode: appData('Code/User/mcp.json'),
  windsurf: same('.codeium/windsurf/mcp_config.json'),
  zed: { ...same('.config/zed/settings.json'), win32: 'AppData/Roaming/Zed/settings.json' },
  cline: appData(code),
  continue: same('.continue/config.yaml'),
  codex: same('.codex/config.toml'),
  gemini: same('.gemini/settings.json'),
  junie: same('.junie/mcp/mcp.json'),
  opencode: same('.config/opencode/opencode.json'),
  lmstudio: same('.lmstudio/mcp.json'),
  goose: { ...same('.config/goose/config.yaml'), win32: 'AppData/Roaming/Block/goose/config/config.yaml' },
  copilot: same('.copilot/mcp-config.json'),
};

const sampleOf = (client: Sample['client']): Sample => SAMPLES.find((one) => one.client === client) as Sample;

describe('installing', () => {
  test('is the same from the built command line', async () => {
    const file = place(sampleOf('cursor'));
    const { stdout } = await runCli(['install', 'cursor', '--adopt', '--json'], { cwd: home });
    expect(JSON.parse(stdout)).toMatchObject({ client: 'cursor', file, adopted: ['memory', 'far'] });
    const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: object };
    expect(mcpServers).toEqual({
      switchyard: {
        command: process.execPath,
        args: [
          join(process.cwd(), 'dist', 'cli.js'),
          'serve',
          '--attach',
          '--list',
          'all',
          '--config',
          ours(),
        ],
      },
    });
    expect(await runCli(['uninstall', 'cursor'], { cwd: home })).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe(sampleOf('cursor').text);
  });

  test('without --adopt leaves the client’s servers where they are', async () => {
    const file = place(sampleOf('cursor'));
    await cli('install', 'cursor');
    const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: object };
    expect(Object.keys(mcpServers)).toEqual(['memory', 'far', 'switchyard']);
    expect(JSON.parse(readFileSync(ours(), 'utf8'))).toEqual({ mcpServers: {}, expose: { list: 'auto' } });
  });

  test('makes the file of a client that has none, and takes it away again', async () => {
    const file = join(home, '.cursor', 'mcp.json');
    await cli('install', 'cursor');
    expect(existsSync(file)).toBe(true);
    await cli('uninstall', 'cursor');
    expect(existsSync(file)).toBe(false);
  });

  test('refuses a file that cannot be parsed, and leaves it and our config untouched', async () => {
    const broken = '{ "mcpServers": { "a": { "command": "planted-secret" }, ';
    const file = place({ ...sampleOf('cursor'), text: broken });
    const { code, stderr } = await cli('install', 'cursor', '--adopt');
    expect({ code, untouched: readFileSync(file, 'utf8') }).toEqual({ code: 2, untouched: broken });
    expect(stderr).toContain('is untouched');
    expect(stderr).not.toContain('planted-secret');
    expect(existsSync(ours())).toBe(false);
  });

  test('a server of another meaning gets a name of its own beside the client’s', async () => {
    place(sampleOf('cursor'));
    place(sampleOf('claude-desktop'));
    await cli('install', 'cursor', '--adopt');
    const { stdout } = await cli('install', 'claude-desktop', '--adopt');
    expect(stdout).toContain('as memory-claude-desktop');
    const { mcpServers } = JSON.parse(readFileSync(ours(), 'utf8')) as { mcpServers: object };
    expect(Object.keys(mcpServers)).toEqual(['memory', 'far', 'memory-claude-desktop', 'bridge']);
  });

  test('of an unknown client is said with a guess', async () => {
    expect(await cli('install', 'curser')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean cursor?') as string,
    });
    expect(await cli('install')).toMatchObject({ code: 2 });
    expect((await cli('uninstall', 'cursor')).stdout).toContain('has no entry of ours');
  });
});

describe('switchyard import', () => {
  test('shows what it finds, what is the same twice and what must stay; writes it once, and no secret to the screen', async () => {
    for (const client of ['cursor', 'lmstudio', 'vscode'] as const) place(sampleOf(client));
    const dry = await cli('import', '--dry-run');
    expect(dry.stdout).toMatch(/Cursor +memory +npx server-memory +taken as memory/);
    expect(dry.stdout).toMatch(/LM Studio +memory +npx server-memory +the same as memory/);
    expect(dry.stdout).toMatch(/VS Code +asks +left, see below/);
    expect(dry.stdout).toContain(
      'asks of VS Code is left: it needs ${input:key}, which only the client can answer',
    );
    expect(existsSync(ours())).toBe(false);

    const { stdout } = await cli('import');

    expect(stdout + dry.stdout).not.toContain('planted-secret');
    expect(stdout).toContain('Wrote 4 servers');
    expect(statSync(ours()).mode & 0o777).toBe(0o600);
    expect((await cli('import')).stdout).toContain('Nothing is new');
    const listed = JSON.parse((await cli('import', '--json', 'cursor')).stdout) as { servers: object[] };
    expect(listed.servers).toMatchObject([{ server: 'memory', key: 'memory' }, { server: 'far' }]);
  });

  test('keeps the comments of our own file, in each of its formats', async () => {
    place(sampleOf('copilot'));
    for (const [name, text] of [
      ['switchyard.jsonc', '{\n  // mine\n  "mcpServers": { "a": { "command": "x" } } // end\n}\n'],
      ['switchyard.yaml', '# mine\nmcpServers:\n  a: { command: x } # end\n'],
      ['switchyard.toml', '# mine\n[mcpServers.a]\ncommand = "x" # end\n'],
    ] as const) {
      const file = join(home, name);
      writeFileSync(file, text);
      expect(await cli('import', 'copilot', '--config', file)).toMatchObject({ code: 0 });
      const after = readFileSync(file, 'utf8');
      expect([after.includes('mine'), after.includes('end')]).toEqual([true, true]);
      const config = await loadConfig({ ...machineOf(process.platform), files: [file] });
      expect([...config.servers.keys()].sort()).toEqual(['a', 'memory']);
    }
  });

  test('reads manifests of projects and of the registry', async () => {
    writeFileSync(
      join(home, 'pyproject.toml'),
      '[tool.mcp.servers.py]\ncommand = "uvx"\nargs = ["server-py"]\n',
    );
    writeFileSync(
      join(home, 'package.json'),
      '{"name":"x","mcp":{"servers":{"js":{"command":"node","args":["s.js"]}}}}',
    );
    writeFileSync(
      join(home, 'list.yaml'),
      '- { name: one, command: [npx, server-one] }\n- { name: two, url: "http://127.0.0.1:1/mcp" }\n',
    );
    writeFileSync(
      join(home, 'server.json'),
      JSON.stringify({
        name: 'io.example/weather',
        packages: [
          {
            registryType: 'npm',
            identifier: 'weather',
            version: '1.2.3',
            packageArguments: [{ type: 'named', name: '--units', value: 'metric' }],
            environmentVariables: [{ name: 'API_KEY', isRequired: true, isSecret: true }],
          },
        ],
      }),
    );
    const files = ['./pyproject.toml', './package.json', './list.yaml', './server.json'];
    expect((await cli('import', '--dry-run', ...files)).stdout).toContain(
      'the variable "API_KEY" is not set',
    );
    const { code, stderr } = await runHere(['import', '--no-check', ...files], {
      ...machineOf(process.platform),
      env: { API_KEY: 'planted-secret' },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { mcpServers } = JSON.parse(readFileSync(ours(), 'utf8')) as { mcpServers: object };
    expect(mcpServers).toEqual({
      py: { command: 'uvx', args: ['server-py'] },
      js: { command: 'node', args: ['s.js'] },
      one: { command: 'npx', args: ['server-one'] },
      two: { url: 'http://127.0.0.1:1/mcp' },
      weather: {
        command: 'npx',
        args: ['-y', 'weather@1.2.3', '--units', 'metric'],
        env: { API_KEY: '${API_KEY}' },
      },
    });
    expect(await cli('import', './none.toml')).toMatchObject({ code: 2 });
  });
});
