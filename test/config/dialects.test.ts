import { describe, expect, test } from 'vitest';

import type { Config, ServerConfig } from '../../src/config/config.ts';
import type { ClientContext } from '../../src/config/dialects/client-dialect.ts';
import { detectDialect, dialects, readClientConfig } from '../../src/config/dialects/dialects.ts';
import { isOwnEntry } from '../../src/config/dialects/own-entry.ts';
import { complaint, machine, server, type TestMachine } from './machine.ts';

const env = { API_TOKEN: 'tok', API_KEY: 'key', EMPTY: '' };

/** Loads a client's file at its place under the home (`~/`) or the project. */
async function loadClient(path: string, content: string | object): Promise<Loaded> {
  const here = machine(env);
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const config = await here.load(here.write(path.replace(/^~/, here.homeDir), text));
  return { ...here, config, one: (key) => server(config, key) };
}

interface Loaded extends TestMachine {
  readonly config: Config;
  readonly one: (key: string) => ServerConfig;
}

describe('Claude Desktop', () => {
  const path = '~/Library/Application Support/Claude/claude_desktop_config.json';

  test('expands nothing, and ignores what it does not know', async () => {
    const entry = {
      command: 'npx',
      args: ['--header', 'A:${API_TOKEN}', '$${X}'],
      env: { A: '${{ b }}', N: 1 },
      disabled: true,
    };
    const { one, config } = await loadClient(path, { globalShortcut: '', mcpServers: { one: entry } });
    expect(one('one')).toMatchObject({
      disabled: false,
      transport: {
        args: ['--header', 'A:${API_TOKEN}', '$${X}'],
        env: new Map([
          ['A', '${{ b }}'],
          ['N', '1'],
        ]),
      },
    });
    expect(config.warnings).toEqual([]);
  });

  test('an entry that cannot be served costs itself only', async () => {
    const { config } = await loadClient(path, { mcpServers: { good: { command: 'x' }, bad: {}, worse: 7 } });
    expect([...config.servers.keys()]).toEqual(['good']);
    expect(config.warnings).toHaveLength(2);
    expect(config.warnings[0]).toContain('the server "bad" was skipped: it has neither a command nor a url');
  });

  test('a key given twice is its last value, and a broken file is an error', async () => {
    const twice = await loadClient(path, '{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}');
    expect(twice.one('a').transport).toMatchObject({ command: 'y' });
    expect(await complaint(loadClient(path, '{'))).toContain('claude_desktop_config.json:1:2');
  });
});

describe('Claude Code', () => {
  test('expands ${VAR} and defaults, leaves an unset ${VAR} and any $VAR, and starts in the project', async () => {
    const { one, cwd } = await loadClient('.mcp.json', {
      mcpServers: {
        one: {
          command: '${NPX:-npx}',
          args: ['${NOT_SET}', '$API_TOKEN', '$${API_TOKEN}', '${EMPTY:-d}', '${NOT_SET:-{}/x'],
          env: { A: '${API_TOKEN:-x}' },
        },
        two: { type: 'http', url: '${BASE:-http://h}/mcp', headers: { A: 'Bearer ${API_TOKEN}' } },
      },
    });
    expect(one('one').transport).toMatchObject({
      command: 'npx',
      args: ['${NOT_SET}', '$API_TOKEN', '$tok', 'd', '{/x'],
      env: new Map([['A', 'tok']]),
      cwd,
    });
    expect(one('two').transport).toEqual({
      kind: 'http',
      url: 'http://h/mcp',
      headers: new Map([['A', 'Bearer tok']]),
      fallbackToSse: false,
    });
  });

  test('in ~/.claude.json the servers of this project win over those of the user', async () => {
    const here = machine(env);
    const file = here.write(
      `${here.homeDir}/.claude.json`,
      JSON.stringify({
        numStartups: 1,
        mcpServers: { a: { command: 'user' }, b: { command: 'user' } },
        projects: {
          [here.cwd]: { mcpServers: { b: { command: 'local' } }, disabledMcpServers: ['a'] },
          '/other': { mcpServers: { c: { command: 'other' } } },
        },
      }),
    );
    const config = await here.load(file);
    expect([...config.servers.keys()]).toEqual(['a', 'b']);
    expect(server(config, 'a').disabled).toBe(true);
    expect(server(config, 'b').transport).toMatchObject({ command: 'local' });
  });
});

describe('Cursor', () => {
  test('knows its own variables, and an absent .env is a warning only', async () => {
    const { one, config, cwd, homeDir } = await loadClient('.cursor/mcp.json', {
      mcpServers: {
        one: {
          command: 'x',
          args: [
            '${workspaceFolder}${pathSeparator}${workspaceFolderBasename}${/}',
            '${userHome}',
            '${HOME}',
          ],
          env: { A: '${env:API_TOKEN}', B: '${env:NOT_SET}' },
          envFile: '${workspaceFolder}/.env',
        },
        two: { url: 'http://h' },
      },
    });
    const set = new Map([
      ['A', 'tok'],
      ['B', ''],
    ]);
    expect(one('one').transport).toMatchObject({
      args: [`${cwd}/project/`, homeDir, '${HOME}'],
      env: set,
      cwd,
    });
    expect(one('two').transport).toMatchObject({ kind: 'http', fallbackToSse: true });
    expect(config.warnings).toHaveLength(1);
  });
});

describe('VS Code', () => {
  const file = `{
    // a comment
    "inputs": [{ "id": "token" }, { "id": "region", "default": "eu" }],
    "servers": {
      "asks": { "type": "http", "url": "http://h", "headers": { "A": "\${input:token}" } },
      "knows": { "type": "http", "url": "http://\${input:region}", },
      "socket": { "type": "http", "url": "unix:///s.sock#/mcp" },
      "sse": { "type": "sse", "url": "http://h/sse" },
      "local": { "command": "x", "args": ["\${command:pick}"] },
    },
  }`;

  test('skips what only the editor can answer, and tries SSE after Streamable HTTP', async () => {
    const { one, config } = await loadClient('.vscode/mcp.json', file);
    expect([...config.servers.keys()]).toEqual(['knows', 'sse']);
    expect(one('knows').transport).toMatchObject({ kind: 'http', url: 'http://eu', fallbackToSse: true });
    expect(one('sse').transport).toMatchObject({ kind: 'sse' });
    expect(config.warnings.join('\n')).toMatch(/"asks" was skipped: it needs \$\{input:token\}/);
    expect(config.warnings).toHaveLength(3);
  });
});

describe('the other clients', () => {
  test('Windsurf: serverUrl, disabled, disabledTools', async () => {
    const { one } = await loadClient('~/.codeium/windsurf/mcp_config.json', {
      mcpServers: {
        a: { serverUrl: 'http://h/${env:API_KEY}', headers: { A: '${env:API_TOKEN}' }, disabledTools: ['t'] },
        b: { command: 'x', disabled: true },
      },
    });
    expect(one('a')).toMatchObject({
      transport: { url: 'http://h/key', headers: new Map([['A', 'tok']]) },
      tools: { include: ['*'], exclude: ['t'] },
    });
    expect(one('b').disabled).toBe(true);
  });

  test('Zed: old commands, enabled, and no extensions', async () => {
    const { one, config } = await loadClient(
      '~/.config/zed/settings.json',
      `{ "theme": "x", // comment
        "context_servers": {
          "a": { "command": "x", "args": ["\${API_KEY}"], "enabled": false },
          "b": { "command": { "path": "y", "args": ["z"], "env": { "K": "V" } } },
          "c": { "source": "extension", "settings": {} }, } }`,
    );
    expect(one('a')).toMatchObject({ disabled: true, transport: { args: ['${API_KEY}'] } });
    expect(one('b').transport).toMatchObject({ command: 'y', args: ['z'], env: new Map([['K', 'V']]) });
    expect(config.servers.size).toBe(2);
  });

  test('Cline: timeout in seconds, disabled', async () => {
    const { one } = await loadClient('x/cline_mcp_settings.json', {
      mcpServers: {
        a: { command: 'x', timeout: 60 },
        b: { type: 'streamableHttp', url: 'http://h', disabled: true },
      },
    });
    expect(one('a').timeoutMs).toBe(60_000);
    expect(one('b')).toMatchObject({ disabled: true, transport: { kind: 'http', fallbackToSse: false } });
  });

  test('Continue: a list with names, secrets from the environment', async () => {
    const { one, config } = await loadClient(
      '~/.continue/config.yaml',
      [
        'mcpServers:',
        '  - name: My server',
        '    command: x',
        '    env: { T: "${{ secrets.API_TOKEN }}" }',
        '  - { name: Asks, command: x, env: { T: "${{ inputs.T }}" } }',
        '  - { name: Lacks, command: x, env: { T: "${{ secrets.NOT_SET }}" } }',
        '  - { name: Remote, type: sse, url: "http://h" }',
      ].join('\n'),
    );
    expect([...config.servers.keys()]).toEqual(['My server', 'Remote']);
    expect(one('My server')).toMatchObject({
      namespace: 'My_server',
      transport: { env: new Map([['T', 'tok']]) },
    });
    expect(config.warnings).toHaveLength(2);
  });

  test('Codex: names of variables instead of values, seconds, tool lists', async () => {
    const { one } = await loadClient(
      '~/.codex/config.toml',
      [
        'model = "m"',
        '[mcp_servers.a]',
        'command = "x"',
        'env = { A = "${API_TOKEN}" }',
        'env_vars = ["API_TOKEN", "NOT_SET"]',
        'startup_timeout_sec = 20',
        'tool_timeout_sec = 0.5',
        'enabled_tools = ["t"]',
        'disabled_tools = ["u"]',
        '[mcp_servers.b]',
        'url = "http://h"',
        'enabled = false',
        'bearer_token_env_var = "API_TOKEN"',
        'http_headers = { X = "1" }',
        'env_http_headers = { Y = "API_KEY", Z = "NOT_SET" }',
      ].join('\n'),
    );
    expect(one('a')).toMatchObject({
      connectTimeoutMs: 20_000,
      timeoutMs: 500,
      tools: { include: ['t'], exclude: ['u'] },
      transport: {
        env: new Map([
          ['API_TOKEN', 'tok'],
          ['A', '${API_TOKEN}'],
        ]),
      },
    });
    expect(one('b').disabled).toBe(true);
  });

  test('Codex: headers that hold variables', async () => {
    const { one } = await loadClient(
      '~/.codex/config.toml',
      '[mcp_servers.b]\nurl = "http://h"\nbearer_token_env_var = "API_TOKEN"\nenv_http_headers = { Y = "API_KEY" }\n',
    );
    expect(one('b').transport).toMatchObject({
      headers: new Map([
        ['Y', 'key'],
        ['Authorization', 'Bearer tok'],
      ]),
    });
  });

  test('Gemini: url is SSE, httpUrl is not, milliseconds, allowed and excluded, $VAR', async () => {
    const { one, cwd } = await loadClient('.gemini/settings.json', {
      tools: {},
      mcp: { allowed: ['a', 'b', 'c'], excluded: ['c'] },
      mcpServers: {
        a: {
          command: 'x',
          cwd: './sub',
          timeout: 5000,
          env: { A: '$API_TOKEN', B: '${API_KEY}', C: '$NOT_SET ${NOT_SET}' },
          includeTools: ['t', 'u(x)'],
          excludeTools: ['u'],
        },
        b: { httpUrl: 'http://h' },
        c: { url: 'http://h/sse' },
        d: { command: 'x' },
      },
    });
    expect(one('a')).toMatchObject({
      timeoutMs: 5000,
      disabled: false,
      tools: { include: ['t', 'u'], exclude: ['u'] },
      transport: {
        cwd: `${cwd}/sub`,
        env: new Map([
          ['A', 'tok'],
          ['B', 'key'],
          ['C', '$NOT_SET ${NOT_SET}'],
        ]),
      },
    });
    expect(one('b').transport).toMatchObject({ kind: 'http', fallbackToSse: false });
    expect(one('c')).toMatchObject({ disabled: true, transport: { kind: 'sse' } });
    expect(one('d').disabled).toBe(true);
  });

  test('opencode 1 and 2: one array, {env:X}, {file:…}, their switches and timeouts', async () => {
    const here = machine(env);
    here.write('secret.txt', 'hush\n');
    const old = await here.load(
      here.write(
        'opencode.json',
        JSON.stringify({
          mcp: {
            a: {
              type: 'local',
              command: ['npx', 'x'],
              environment: { A: '{env:API_TOKEN}', B: '{env:NOT_SET}', C: '{file:secret.txt}', D: '${X}' },
              timeout: 5000,
            },
            b: { type: 'remote', url: 'http://h', enabled: false },
          },
        }),
      ),
    );
    expect(server(old, 'a')).toMatchObject({
      connectTimeoutMs: 5000,
      transport: {
        command: 'npx',
        args: ['x'],
        env: new Map([
          ['A', 'tok'],
          ['B', ''],
          ['C', 'hush'],
          ['D', '${X}'],
        ]),
      },
    });
    expect(server(old, 'b')).toMatchObject({ disabled: true, transport: { fallbackToSse: true } });
    const { one } = await loadClient(
      'opencode.jsonc',
      `{"mcp":{"servers":{"a":{"command":["x"],"disabled":true,"timeout":{"startup":1,"request":2},}}}}`,
    );
    expect(one('a')).toMatchObject({ disabled: true, connectTimeoutMs: 1, timeoutMs: 2 });
  });

  test('Goose: cmd, envs, env_keys, uri, seconds, and no built-in extensions', async () => {
    const { one, config } = await loadClient(
      '~/.config/goose/config.yaml',
      [
        'extensions:',
        '  developer: { type: builtin, enabled: true }',
        '  a: { type: stdio, cmd: x, args: [y], envs: { P: 007 }, env_keys: [API_TOKEN], timeout: 300 }',
        '  b: { type: streamable_http, uri: "http://h", enabled: false }',
        '  c: { type: stdio, cmd: x, env_keys: [NOT_SET] }',
        '  d: { enabled: true, config: { type: stdio, cmd: z } }',
      ].join('\n'),
    );
    expect([...config.servers.keys()]).toEqual(['a', 'b', 'd']);
    expect(one('a')).toMatchObject({ timeoutMs: 300_000, transport: { command: 'x', args: ['y'] } });
    expect(one('a').transport).toMatchObject({
      env: new Map([
        ['P', '7'],
        ['API_TOKEN', 'tok'],
      ]),
    });
    expect(one('b')).toMatchObject({ disabled: true, transport: { kind: 'http' } });
  });

  test('Copilot CLI: local, and the list of tools', async () => {
    const { one } = await loadClient('~/.copilot/mcp-config.json', {
      mcpServers: {
        a: { type: 'local', command: 'x', tools: ['*'] },
        b: { type: 'http', url: 'http://h', tools: ['t'] },
      },
    });
    expect(one('a')).toMatchObject({ transport: { kind: 'stdio' }, tools: { include: ['*'] } });
    expect(one('b').tools.include).toEqual(['t']);
  });

  test.each(['~/.junie/mcp/mcp.json', '~/.lmstudio/mcp.json'])('%s: nothing is expanded', async (path) => {
    const { one } = await loadClient(path, { mcpServers: { a: { command: 'x', args: ['${API_TOKEN}'] } } });
    expect(one('a').transport).toMatchObject({ args: ['${API_TOKEN}'] });
  });
});

describe('which dialect a file is in', () => {
  const known = (path: string, root: object): string | undefined =>
    detectDialect(path, toMaps(root) as Map<string, never>)?.id;

  test.each([
    ['/home/ada/.config/Claude/claude_desktop_config.json', 'claude-desktop'],
    ['C:\\Users\\Ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json', 'claude-desktop'],
    ['/p/.mcp.json', 'claude-code'],
    ['/home/ada/.claude.json', 'claude-code'],
    ['/p/.cursor/mcp.json', 'cursor'],
    ['/p/.vscode/mcp.json', 'vscode'],
    ['/home/ada/.config/Code/User/mcp.json', 'vscode'],
    ['/home/ada/.codeium/windsurf/mcp_config.json', 'windsurf'],
    ['/home/ada/.config/zed/settings.json', 'zed'],
    ['/p/.zed/settings.json', 'zed'],
    ['/x/saoudrizwan.claude-dev/settings/cline_mcp_settings.json', 'cline'],
    ['/home/ada/.continue/config.yaml', 'continue'],
    ['/p/.continue/mcpServers/one.yaml', 'continue'],
    ['/home/ada/.codex/config.toml', 'codex'],
    ['/p/.gemini/settings.json', 'gemini'],
    ['/p/.junie/mcp/mcp.json', 'junie'],
    ['/p/opencode.jsonc', 'opencode'],
    ['/home/ada/.lmstudio/mcp.json', 'lmstudio'],
    ['/home/ada/.config/goose/config.yaml', 'goose'],
    ['/home/ada/.copilot/mcp-config.json', 'copilot'],
    ['/copies/gemini.settings.json', 'gemini'],
    ['/copies/cursor.mcp.json', 'cursor'],
    ['/copies/claude-code.mcp.json', 'claude-code'],
    ['/p/switchyard.json', undefined],
    ['/p/servers.json', undefined],
    ['/p/mcp.json', undefined],
  ])('%s: %s', (path, id) => expect(known(path, { mcpServers: {} })).toBe(id));

  test.each([
    [{ servers: {}, inputs: [] }, 'vscode'],
    [{ context_servers: {} }, 'zed'],
    [{ mcp_servers: {} }, 'codex'],
    [{ extensions: {} }, 'goose'],
    [{ mcp: { a: {} } }, 'opencode'],
    [{ mcp: { excluded: [] }, mcpServers: {} }, 'gemini'],
    [{ mcpServers: [] }, 'continue'],
    [{ mcpServers: {}, projects: {} }, 'claude-code'],
    [{ mcpServers: {}, expose: {}, projects: {} }, undefined],
    [{ mcpServers: {}, defaults: {} }, undefined],
    [{ mcpServers: {} }, undefined],
  ])('an unknown name with %j: %s', (root, id) => expect(known('/x/any.json', root)).toBe(id));

  test('a file of unknown name with mcpServers is held to our schema', async () => {
    const { load: loadFile, write } = machine();
    expect(await complaint(loadFile(write('servers.json', '{"mcpServers":{"a":{"comand":"x"}}}')))).toContain(
      '"command"',
    );
  });
});

describe('our own entry', () => {
  const context: ClientContext = {
    env: {},
    cwd: '/w',
    homeDir: '/home/ada',
    platform: 'linux',
    packageOf: (script) => (script === '/src/checkout/dist/cli.js' ? 'mcp-switchyard' : 'other'),
  };
  const own = (entry: object): boolean => isOwnEntry(toMaps(entry) as Map<string, never>, context);

  test.each([
    { command: 'switchyard' },
    { command: '/usr/local/bin/mcp-switchyard', args: ['serve'] },
    { command: 'C:\\npm\\switchyard.cmd' },
    { command: 'npx', args: ['-y', 'mcp-switchyard'] },
    { command: 'npx', args: ['mcp-switchyard@latest', 'serve'] },
    { command: 'cmd', args: ['/c', 'npx', '-y', 'mcp-switchyard'] },
    { command: 'env', args: ['A=b', 'npx', 'mcp-switchyard'] },
    { command: 'pnpm', args: ['dlx', 'mcp-switchyard'] },
    { command: 'node', args: ['/x/node_modules/mcp-switchyard/dist/cli.js'] },
    { command: 'node', args: ['/src/checkout/dist/cli.js'] },
    { command: 'node', args: ['../src/checkout/dist/cli.js'] },
    { command: ['npx', '-y', 'mcp-switchyard'] },
    { cmd: 'switchyard' },
    { command: { path: 'switchyard', args: [] } },
  ])('%j is ours', (entry) => expect(own(entry)).toBe(true));

  test.each([
    { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory', 'mcp-switchyard'] },
    { command: 'node', args: ['/x/other/dist/cli.js'] },
    { command: 'my-switchyard' },
    { command: 'npx', args: ['@other/mcp-switchyard'] },
    { url: 'http://h/switchyard' },
    {},
  ])('%j is not', (entry) => expect(own(entry)).toBe(false));

  test('is left out without a warning', async () => {
    const { config } = await loadClient('.mcp.json', {
      mcpServers: { switchyard: { command: 'npx', args: ['-y', 'mcp-switchyard'] }, a: { command: 'x' } },
    });
    expect([...config.servers.keys()]).toEqual(['a']);
    expect(config.warnings).toEqual([]);
  });
});

test('a reader keeps references as references, for an importer', () => {
  const claude = dialects.find((dialect) => dialect.id === 'claude-code');
  if (claude === undefined) throw new Error('no dialect');
  const { servers, skipped } = readClientConfig(
    claude,
    '{"mcpServers":{"a":{"type":"http","url":"http://h","headers":{"A":"Bearer ${API_TOKEN}","B":"${NOT_SET}"}},"b":{}}}',
    { env, cwd: '/w', homeDir: '/home/ada', platform: 'linux', path: '.mcp.json' },
  );
  expect(servers.get('a')?.headers).toEqual(
    new Map([
      ['A', 'Bearer ${env:API_TOKEN}'],
      ['B', '$${NOT_SET}'],
    ]),
  );
  expect(skipped).toEqual([{ name: 'b', reason: 'it has neither a command nor a url' }]);
});

function toMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toMaps);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, toMaps(item)]));
}
