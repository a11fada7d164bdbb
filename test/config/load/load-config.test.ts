import { describe, expect, test } from 'vitest';

import { prefixesNames } from '../../../src/config/config.ts';
import { complaint, loadOwn, loadServer, machine, server } from '../machine.ts';

describe('loading our own file', () => {
  test('fills in every documented default', async () => {
    const { load, write, homeDir } = machine();
    const config = await load(write('switchyard.json', '{"mcpServers":{"one":{"command":"x"}}}'));
    expect(config.expose).toEqual({
      namespaces: 'auto',
      maxNameLength: 46,
      metaTools: true,
      origin: false,
      pageSize: 0,
      listWaitMs: undefined,
    });
    expect(config.http).toEqual({
      tokens: new Map(),
      allowedOrigins: [],
      allowedHosts: [],
      server: 'own',
    });
    expect(config.limits.requestBytes).toBe(33_554_432);
    expect(config.log).toEqual({ level: 'info' });
    expect(config.stateDir).toBe(`${homeDir}/.local/state/switchyard`);
    expect(config.warnings).toEqual([]);
    expect(server(config, 'one')).toMatchObject({
      key: 'one',
      namespace: 'one',
      disabled: false,
      tags: [],
      protocol: 'auto',
      connections: 'auto',
      connectTimeoutMs: 60_000,
      stopGraceMs: 3000,
      timeoutMs: 300_000,
      maxTimeoutMs: 3_600_000,
      limits: { messageBytes: 33_554_432, depth: 256, tools: 5000, stderrBytes: 65_536 },
      restart: { enabled: true, delayMs: 500, maxDelayMs: 30_000 },
      tools: { include: ['*'], exclude: [], rename: new Map(), override: new Map() },
    });
  });

  test('a process inherits the safe variables and the proxy settings, and nothing else', async () => {
    const { transport } = await loadServer({ command: 'x' });
    expect(transport).toEqual({
      kind: 'stdio',
      command: 'x',
      args: [],
      env: new Map(),
      inheritEnv: [
        'HOME',
        'LOGNAME',
        'PATH',
        'SHELL',
        'TERM',
        'USER',
        'HTTP_PROXY',
        'HTTPS_PROXY',
        'NO_PROXY',
        'http_proxy',
        'https_proxy',
        'no_proxy',
      ],
    });
  });

  test('takes every value that it documents', async () => {
    const config = await loadOwn({
      $schema: 'x',
      mcpServers: {
        one: {
          type: 'stdio',
          command: 'x',
          args: ['a'],
          env: { A: '1' },
          cwd: 'sub',
          disabled: false,
          tags: ['dev'],
          namespace: 'uno',
          protocol: '2025-06-18',
          inheritEnv: ['PATH'],
          connections: 'per-client',
          connectTimeoutMs: '10s',
          stopGraceMs: '500ms',
          timeoutMs: '5m',
          maxTimeoutMs: '2h',
          limits: { messageBytes: '1MiB', depth: 10, tools: 5, stderrBytes: '64KB' },
          restart: { enabled: false, delayMs: 0, maxDelayMs: '1m' },
          tools: {
            include: ['a*'],
            exclude: ['ab'],
            rename: { a: 'b' },
            override: { a: { title: 'T', description: 'D', annotations: { readOnlyHint: true } } },
          },
        },
      },
      expose: {
        namespaces: 'always',
        maxNameLength: 60,
        metaTools: false,
        origin: true,
        pageSize: 10,
        listWaitMs: 0,
      },
      http: {
        tokens: { alice: 'abc' },
        allowedOrigins: ['https://a'],
        allowedHosts: ['a'],
      },
      limits: { requestBytes: '1MB' },
      stateDir: '/state',
      log: { level: 'debug' },
    });
    const one = server(config, 'one');
    expect(one).toMatchObject({
      namespace: 'uno',
      tags: ['dev'],
      protocol: '2025-06-18',
      connections: 'per-client',
      connectTimeoutMs: 10_000,
      stopGraceMs: 500,
      timeoutMs: 300_000,
      maxTimeoutMs: 7_200_000,
      limits: { messageBytes: 1_048_576, depth: 10, tools: 5, stderrBytes: 64_000 },
      restart: { enabled: false, delayMs: 0, maxDelayMs: 60_000 },
    });
    expect(one.transport).toMatchObject({ args: ['a'], env: new Map([['A', '1']]), inheritEnv: ['PATH'] });
    expect(one.tools.rename).toEqual(new Map([['a', 'b']]));
    expect(one.tools.override.get('a')).toEqual({
      title: 'T',
      description: 'D',
      annotations: { readOnlyHint: true },
    });
    expect(config.expose).toMatchObject({ namespaces: 'always', origin: true, pageSize: 10, listWaitMs: 0 });
    expect(config.http).toMatchObject({ tokens: new Map([['alice', 'abc']]) });
    expect(config.limits.requestBytes).toBe(1_000_000);
    expect(config.stateDir).toBe('/state');
    expect(config.log.level).toBe('debug');
  });

  test('lays an entry over the defaults and those over what is built in, key by key', async () => {
    const config = await loadOwn({
      defaults: {
        timeoutMs: '30s',
        tags: ['d'],
        limits: { depth: 9, tools: 7 },
        tools: { exclude: ['x'], override: { t: { title: 'T', annotations: { readOnlyHint: true } } } },
        env: { A: 'default', B: 'default' },
        headers: { X: 'default' },
      },
      mcpServers: {
        one: {
          command: 'x',
          tags: ['o'],
          limits: { tools: 3 },
          env: { B: 'own' },
          tools: { include: ['y'], override: { t: { annotations: { idempotentHint: true } } } },
        },
        two: { url: 'http://h/mcp' },
      },
    });
    const one = server(config, 'one');
    expect(one).toMatchObject({
      timeoutMs: 30_000,
      tags: ['o'],
      limits: { depth: 9, tools: 3, stderrBytes: 65_536 },
    });
    expect(one.tools).toMatchObject({ include: ['y'], exclude: ['x'] });
    expect(one.tools.override.get('t')).toEqual({
      title: 'T',
      annotations: { readOnlyHint: true, idempotentHint: true },
    });
    const env = new Map([
      ['A', 'default'],
      ['B', 'own'],
    ]);
    expect(one.transport).toMatchObject({ env });
    expect(server(config, 'two').transport).toMatchObject({ headers: new Map([['X', 'default']]) });
  });

  test('reads YAML and TOML as it reads JSON', async () => {
    const yaml = machine();
    const fromYaml = await yaml.load(
      yaml.write('switchyard.yaml', 'mcpServers:\n  one: {command: x, limits: {depth: 3}}\n'),
    );
    expect(server(fromYaml, 'one').limits.depth).toBe(3);
    const toml = machine();
    const fromToml = await toml.load(
      toml.write('switchyard.toml', '[mcpServers.one]\ncommand = "x"\n[mcpServers.one.limits]\ndepth = 3\n'),
    );
    expect(server(fromToml, 'one').limits.depth).toBe(3);
  });

  test('understands anchors and merges in YAML', async () => {
    const { load, write } = machine();
    const text =
      'mcpServers:\n  one: &a\n    command: x\n    tags: [t]\n  two:\n    <<: *a\n    command: y\n';
    const config = await load(write('switchyard.yml', text));
    expect(server(config, 'two')).toMatchObject({ tags: ['t'], transport: { command: 'y' } });
  });

  test('an empty file is an empty config', async () => {
    expect((await loadOwn('')).servers.size).toBe(0);
  });

  test('keeps the order of the file even if keys look like numbers', async () => {
    const text = '{"mcpServers":{"b":{"command":"x"},"10":{"command":"x"},"2":{"command":"x"}}}';
    expect([...(await loadOwn(text)).servers.keys()]).toEqual(['b', '10', '2']);
    const { load, write } = machine();
    const yaml = 'mcpServers:\n  b: {command: x}\n  10: {command: x}\n  2: {command: x}\n';
    expect([...(await load(write('switchyard.yaml', yaml))).servers.keys()]).toEqual(['b', '10', '2']);
  });

  test('takes __proto__ and constructor as names like any other and pollutes nothing', async () => {
    const config = await loadOwn(
      '{"mcpServers":{"__proto__":{"command":"x","env":{"__proto__":"e"}},"constructor":{"command":"y"}}}',
    );
    expect([...config.servers.keys()]).toEqual(['__proto__', 'constructor']);
    expect(server(config, '__proto__').transport).toMatchObject({ env: new Map([['__proto__', 'e']]) });
    expect(server(config, '__proto__').namespace).toBe('proto');
    expect(({} as Record<string, unknown>)['command']).toBeUndefined();
    expect(await complaint(loadOwn('{"__proto__":{"x":1},"expose":{"__proto__":1}}'))).toContain('__proto__');
  });

  test('`a` with tool `b__c` and `a__b` with tool `c` get different names', async () => {
    const config = await loadOwn({ mcpServers: { a: { command: 'x' }, a__b: { command: 'x' } } });
    const names = [`${server(config, 'a').namespace}__b__c`, `${server(config, 'a__b').namespace}__c`];
    expect(names).toEqual(['a__b__c', 'a_b__c']);
  });

  test('merges files per server, the later whole entry wins, and keeps the first order', async () => {
    const { load, write } = machine();
    const first = write('one.json', '{"mcpServers":{"a":{"command":"x","tags":["t"]},"b":{"command":"x"}}}');
    const second = write(
      'two.yaml',
      'mcpServers:\n  c: {command: z}\n  a: {command: y}\nlog: {level: warn}\n',
    );
    const config = await load(first, second);
    expect([...config.servers.keys()]).toEqual(['a', 'b', 'c']);
    expect(server(config, 'a')).toMatchObject({ tags: [], transport: { command: 'y' } });
    expect(config.log.level).toBe('warn');
  });

  test('an entry that a later file replaces need not be loadable', async () => {
    const { load, write } = machine();
    const first = write('one.json', '{"mcpServers":{"a":{"command":"${NOT_SET}"}}}');
    const second = write('two.json', '{"mcpServers":{"a":{"command":"y"}}}');
    expect((await load(first, second)).servers.size).toBe(1);
  });

  test('resolves cwd and envFile against the folder of their file, and leaves the command alone', async () => {
    const { load, write, cwd } = machine();
    write('conf/.env', 'A=file\nB=file\n');
    const entry = { command: './run', cwd: 'work', envFile: '.env', env: { B: 'own' } };
    const config = await load(write('conf/switchyard.json', JSON.stringify({ mcpServers: { one: entry } })));
    const env = new Map([
      ['A', 'file'],
      ['B', 'own'],
    ]);
    expect(server(config, 'one').transport).toMatchObject({ command: './run', cwd: `${cwd}/conf/work`, env });
  });

  test('a missing envFile is an error', async () => {
    expect(await complaint(loadServer({ command: 'x', envFile: 'nope.env' }))).toContain(
      'mcpServers.one.envFile: "nope.env" cannot be read (ENOENT)',
    );
  });

  test('expands variables in any string, also where a number or a switch belongs', async () => {
    const entry = { host: '${H}', port: '${P}', limits: { depth: '${D}' }, restart: { enabled: '${E}' } };
    const one = await loadServer(entry, { H: 'localhost', P: '9002', D: '7', E: 'false' });
    expect(one).toMatchObject({
      transport: { kind: 'tcp', host: 'localhost', port: 9002 },
      limits: { depth: 7 },
      restart: { enabled: false },
    });
  });

  test('reads ${file:…} from the folder of the config file', async () => {
    const { load, write } = machine();
    write('conf/token', 'abc\n');
    const file = write(
      'conf/switchyard.json',
      '{"mcpServers":{"one":{"url":"http://h","headers":{"X":"${file:token}"}}}}',
    );
    expect(server(await load(file), 'one').transport).toMatchObject({ headers: new Map([['X', 'abc']]) });
  });

  test('an unset variable of a disabled server is no error', async () => {
    const entry = {
      disabled: true,
      host: '${H}',
      port: '${P}',
      timeoutMs: '${T}',
      namespace: '${N}',
    };
    const one = await loadServer(entry);
    expect(one).toMatchObject({
      disabled: true,
      namespace: 'one',
      timeoutMs: 300_000,
      transport: { kind: 'tcp' },
    });
    const remote = await loadServer({ disabled: '${OFF:-true}', url: '${BASE}/mcp' });
    expect(remote).toMatchObject({ disabled: true, transport: { kind: 'http', url: '${BASE}/mcp' } });
  });

  test('an escaped text of a disabled server is read as of any other', async () => {
    const one = await loadServer({ disabled: true, command: 'x', args: ['$${A}', '${B}'] });
    expect(one.transport).toMatchObject({ args: ['${A}', '${B}'] });
  });

  test('what is plainly wrong with a disabled server is told all the same', async () => {
    expect(await complaint(loadServer({ disabled: true, comand: 'x' }))).toContain('Did you mean "command"?');
  });

  test('defaults can disable, and an entry can enable again', async () => {
    const config = await loadOwn({
      defaults: { disabled: true },
      mcpServers: { on: { command: 'x', disabled: false }, off: { command: '${NOT_SET}' } },
    });
    expect([...config.servers.values()].map((one) => one.disabled)).toEqual([false, true]);
  });

  test('a deadline that nobody set gives way to a longer idle time', async () => {
    expect(await loadServer({ command: 'x', timeoutMs: '2h' })).toMatchObject({ maxTimeoutMs: 7_200_000 });
    expect(await loadServer({ command: 'x', maxTimeoutMs: '1m' })).toMatchObject({ timeoutMs: 60_000 });
    expect(await complaint(loadServer({ command: 'x', timeoutMs: '2h', maxTimeoutMs: '1h' }))).toContain(
      'no shorter',
    );
  });
});

describe('the transport', () => {
  test.each([
    [{ url: 'http://h/mcp' }, { kind: 'http', fallbackToSse: true }],
    [
      { type: 'http', url: 'http://h/mcp' },
      { kind: 'http', fallbackToSse: false },
    ],
    [
      { type: 'streamable-http', url: 'http://h' },
      { kind: 'http', fallbackToSse: false },
    ],
    [
      { type: 'streamableHttp', url: 'http://h' },
      { kind: 'http', fallbackToSse: false },
    ],
    [
      { type: 'streamable_http', url: 'http://h' },
      { kind: 'http', fallbackToSse: false },
    ],
    [
      { type: 'remote', url: 'https://h' },
      { kind: 'http', fallbackToSse: true },
    ],
    [{ type: 'sse', url: 'http://h/sse' }, { kind: 'sse' }],
    [{ url: 'ws://h' }, { kind: 'websocket' }],
    [{ url: 'wss://h' }, { kind: 'websocket' }],
    [{ type: 'websocket', url: 'ws://h' }, { kind: 'websocket' }],
    [
      { type: 'tcp', host: 'h', port: 1 },
      { kind: 'tcp', host: 'h', port: 1 },
    ],
    [{ host: 'h', port: 1 }, { kind: 'tcp' }],
    [{ type: 'local', command: 'x' }, { kind: 'stdio' }],
  ])('%j is %j', async (entry, expected) => {
    expect((await loadServer(entry)).transport).toMatchObject(expected);
  });

  test.each([
    [{}, 'mcpServers.one: expected "command"'],
    [{ type: 'stdio' }, 'mcpServers.one.command: expected a value, got nothing'],
    [{ type: 'sse' }, 'mcpServers.one.url: expected a value'],
    [{ host: 'h' }, 'mcpServers.one.port: expected a value'],
    [{ command: 'x', url: 'http://h' }, 'mcpServers.one.url: does not belong to a server with a "command"'],
    [{ url: 'http://h', env: { A: '1' } }, 'mcpServers.one.env: does not belong'],
    [{ type: 'htpp', url: 'http://h' }, 'Did you mean "http"?'],
    [{ type: 'http', url: 'ftp://h' }, 'http:// or https://, got another kind of address'],
    [{ type: 'websocket', url: 'http://h' }, 'ws:// or wss://'],
    [{ url: 'nonsense' }, 'got text that is no address'],
    [{ host: 'h', port: 70_000 }, 'a whole number from 1 to 65535, got 70000'],
    [{ url: 'http://h', headers: { 'a b': 'x' } }, 'is no valid header name'],
  ])('%j is refused', async (entry, message) => {
    expect(await complaint(loadServer(entry))).toContain(message);
  });
});

describe('whether names get a prefix', () => {
  const servers = (...keys: string[]): object =>
    Object.fromEntries(keys.map((key) => [key, { command: 'x', disabled: key === 'off' }]));

  test.each([
    ['auto', ['a'], false],
    ['auto', ['a', 'off'], true],
    ['auto', [], true],
    ['always', ['a'], true],
    ['none', ['a', 'b'], false],
  ])('%s with %j: %s', async (namespaces, keys, expected) => {
    const config = await loadOwn({ mcpServers: servers(...keys), expose: { namespaces } });
    expect(prefixesNames(config)).toBe(expected);
  });
});
