import { describe, expect, test } from 'vitest';

import { ConfigError } from '../../src/config/config-error.ts';
import { complaint, loadOwn, loadServer, machine } from './machine.ts';

describe('what is wrong with a config', () => {
  test('is told with file, line, column, path, expectation and finding', async () => {
    const text =
      '{\n  "mcpServers": {\n    "github": {\n      "command": "x",\n      "timeoutMs": "soon"\n    }\n  }\n}';
    expect(await complaint(loadOwn(text))).toBe(
      'switchyard.json:5:20  mcpServers.github.timeoutMs: expected milliseconds as a whole number, or a duration such as "30s" or "5m", got "soon"',
    );
  });

  test('is told all at once, for every file', async () => {
    const { load, write } = machine();
    const one = write('one.json', '{"mcpServers":{"a":{"command":1,"tags":"x"}},"lgo":{}}');
    const two = write('two.yaml', 'mcpServers:\n  b:\n    url: nonsense\nlgo: 1\n');
    const three = write('three.json', '{"a" 1}');
    const error: unknown = await load(one, two, three, 'four.json').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    const problems = error instanceof ConfigError ? error.problems : [];
    expect(problems.map(({ file, line, column, path }) => [file, line, column, path])).toEqual([
      ['one.json', 1, 31, 'mcpServers.a.command'],
      ['one.json', 1, 40, 'mcpServers.a.tags'],
      ['one.json', 1, 46, 'lgo'],
      ['two.yaml', 3, 10, 'mcpServers.b.url'],
      ['two.yaml', 4, 1, 'lgo'],
      ['three.json', 1, 6, ''],
      ['four.json', undefined, undefined, ''],
    ]);
  });

  test.each([
    [{ mcpServer: {} }, 'mcpServer: is not a known key. Did you mean "mcpServers"?'],
    [{ mcpServers: { a: { command: 'x', timeoutMS: 1 } } }, 'Did you mean "timeoutMs"?'],
    [{ mcpServers: { a: { command: 'x', qqqqqqq: 1 } } }, 'mcpServers.a.qqqqqqq: is not a known key.'],
    [{ mcpServers: { a: { command: 'x', limits: { dept: 1 } } } }, 'Did you mean "depth"?'],
    [{ expose: { namespace: 'auto' } }, 'expose.namespace: is not a known key. Did you mean "namespaces"?'],
    [{ expose: { namespaces: 'alway' } }, 'got "alway". Did you mean "always"?'],
    [
      { mcpServers: { 'my server': { command: 'x', tags: [1] } } },
      'mcpServers["my server"].tags[0]: expected text',
    ],
    [{ mcpServers: [] }, 'mcpServers: expected a table of servers'],
    [{ mcpServers: { a: 'x' } }, 'mcpServers.a: expected a table, got "x"'],
    [{ mcpServers: { a: { command: 'x', args: 'y' } } }, 'mcpServers.a.args: expected a list, got text'],
    [{ mcpServers: { a: { command: 'x', env: [] } } }, 'mcpServers.a.env: expected a table, got a list'],
    [{ mcpServers: { a: { command: null } } }, 'got nothing (null)'],
    [{ mcpServers: { a: { command: 'x', namespace: 'a__b' } } }, 'got "a__b". Did you mean "a_b"?'],
    [{ defaults: { command: 'x' } }, 'defaults.command: belongs to one server'],
    [{ defaults: { cwdd: 'x' } }, 'Did you mean "cwd"?'],
    [{ http: { tokens: { a: '' } } }, 'http.tokens.a: expected a token'],
    [
      { mcpServers: { a: { command: 'x', connections: 'per-client', cache: { scope: 'shared' } } } },
      'mcpServers.a.cache.scope: "cache.scope": "shared" would give one client\'s answers to the others',
    ],
    [
      {
        defaults: { cache: { scope: 'shared' } },
        mcpServers: { a: { url: 'https://a.example/mcp', connections: 'per-client' } },
      },
      'mcpServers.a.connections: "cache.scope": "shared" would give',
    ],
    [
      {
        defaults: { connections: 'per-client' },
        mcpServers: { a: { command: 'x', cache: { mode: 'auto', scope: 'shared' } } },
      },
      'Set "cache.scope": "client", or "connections": "shared".',
    ],
    [
      {
        mcpServers: {
          a: { command: 'x', cache: { scope: 'shared' } },
          b: { command: 'x', connections: 'per-client' },
        },
        pools: { p: { members: ['a', 'b'] } },
      },
      'pools.p.members[1]: "b" has "connections": "per-client", and "a", whose settings are the pool\'s',
    ],
    [{ log: { level: 'verbose' } }, 'log.level: expected one of'],
    [{ limits: { session: 5 } }, 'limits.session: is not a known key. Did you mean "sessions"?'],
    [{ limits: { sessions: 0 } }, 'limits.sessions: expected a whole number of at least 1'],
    [{ limits: { depth: 2 } }, 'limits.depth: expected a whole number of at least 8'],
    [{ limits: { unreadBytes: '1 lot' } }, 'limits.unreadBytes: expected bytes as a whole number'],
  ])('%j is refused', async (config, message) => {
    expect(await complaint(loadOwn(config))).toContain(message);
  });

  test.each([
    [{ retry: { attempts: 0 } }, 'retry.attempts: expected a whole number from 1 to 100'],
    [{ retry: { atempts: 2 } }, 'atempts: is not a known key. Did you mean "attempts"?'],
    [
      { circuitBreaker: { recoveryTimeoutMs: 'soon' } },
      'circuitBreaker.recoveryTimeoutMs: expected milliseconds',
    ],
    [
      { cache: { mode: 'names' } },
      'cache.mode: expected one of "off", "named", "auto", got "names". Did you mean "named"?',
    ],
    [{ cache: { scope: 'all' } }, 'cache.scope: expected one of "client", "shared"'],
    [{ maxConcurrency: 0 }, 'maxConcurrency: expected a whole number of at least 1'],
    [{ replicas: 0 }, 'replicas: expected a whole number from 1 to 64'],
    [{ trustAnnotations: 'perhaps' }, 'trustAnnotations: expected true or false'],
    [{ tools: { safeToRepeat: 'get_*' } }, 'tools.safeToRepeat: expected a list'],
    [{ tools: { override: { t: { timeoutMs: 0 } } } }, 'tools.override.t.timeoutMs: expected milliseconds'],
  ])('%j of a server is refused', async (options, message) => {
    expect(await complaint(loadServer({ command: 'x', ...options }))).toContain(
      `mcpServers.one.${message}`.replace('mcpServers.one.atempts', 'mcpServers.one.retry.atempts'),
    );
    expect(await complaint(loadOwn({ defaults: options }))).toContain(message);
  });

  test.each([
    [{ members: [] }, 'pools.p.members: expected at least one server'],
    [{ members: ['gihub-a'] }, 'pools.p.members[0]: there is no server "gihub-a". Did you mean "github-a"?'],
    [
      { members: ['github-a', 'github-a'] },
      'pools.p.members[1]: "github-a" is already a member of this pool',
    ],
    [{ members: ['p'] }, 'pools.p.members[0]: "p" is a pool; the members of a pool are servers'],
    [{ members: ['github-a'], strategy: 'failover ' }, 'Did you mean "failover"?'],
    [{}, 'pools.p.members: expected a list, got nothing'],
  ])('the pool %j is refused', async (pool, message) => {
    const config = { mcpServers: { 'github-a': { command: 'x' } }, pools: { p: pool } };
    expect(await complaint(loadOwn(config))).toContain(message);
  });

  test('a server in two pools, and a pool with the key of a server, are refused', async () => {
    const one = { command: 'x' };
    const config = {
      mcpServers: { a: one, b: one },
      pools: { p: { members: ['a'] }, b: { members: ['a'] } },
    };
    const message = await complaint(loadOwn(config));
    expect(message).toContain('pools.b: is the key of a server, too');
    expect(message).toContain('pools.b.members[0]: "a" is already a member of the pool "p"');
  });

  test.each([[{ ratio: 2 }], [{ ratio: 'much' }], [{ min: -1 }]])(
    'the retry budget %j is refused',
    async (retryBudget) => {
      expect(await complaint(loadOwn({ retryBudget }))).toContain('retryBudget.');
    },
  );

  test.each([
    [{ a: { targets: [] } }, 'tools.a.targets: expected at least one target'],
    [{ a: { targets: [{ tool: 'a' }] } }, 'tools.a: leads back to itself: a → a'],
    [
      { a: { targets: [{ tool: 'b' }] }, b: { targets: [{ tool: 'a' }] } },
      'tools.b: leads back to itself: b → a → b',
    ],
    [
      { a: { strategy: 'fist', targets: [{ tool: 'x' }] } },
      'tools.a.strategy: expected one of "first", "merge", got "fist". Did you mean "first"?',
    ],
    [{ 'a b': { targets: [{ tool: 'x' }] } }, 'expected a name of letters, digits'],
    [{ a: { targets: [{ tool: 'x', arguments: 'y' }] } }, 'tools.a.targets[0].arguments: expected a table'],
  ])('the composed tools %j are refused', async (tools, message) => {
    expect(await complaint(loadOwn({ tools }))).toContain(message);
  });

  test('a key given twice is told, in JSON and in YAML', async () => {
    expect(await complaint(loadOwn('{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}'))).toContain(
      'mcpServers.a: is given twice',
    );
    const { load, write } = machine();
    expect(await complaint(load(write('switchyard.yaml', 'mcpServers: {}\nmcpServers: {}\n')))).toContain(
      'given twice',
    );
  });

  test('a namespace given twice names its owner', async () => {
    const one = { command: 'x', namespace: 'n' };
    expect(await complaint(loadOwn({ mcpServers: { a: one, b: one } }))).toContain(
      'mcpServers.b.namespace: is already the namespace of "a"',
    );
  });

  test('an unset variable is named with its place, once', async () => {
    const text = '{"mcpServers":{"a":{"host":"h",\n"port":"${PORT}"}}}';
    expect(await complaint(loadOwn(text))).toBe(
      'switchyard.json:2:8  mcpServers.a.port: the variable "PORT" is not set. Set it, or write ${PORT:-default}.',
    );
  });

  test('a syntax error is told with its place', async () => {
    const { load, write } = machine();
    expect(await complaint(loadOwn('{"mcpServers": {"a" }}'))).toMatch(
      /^switchyard.json:1:21 {2}expected ":"/,
    );
    expect(await complaint(load(write('switchyard.yaml', 'a:\n  b: 1\n c: 2\n')))).toMatch(
      /^switchyard.yaml:\d+:\d+ /,
    );
    expect(await complaint(load(write('switchyard.toml', 'a = 1\nb = \n')))).toMatch(
      /^switchyard.toml:2:\d+ /,
    );
  });

  test('aliases that unfold without end are refused', async () => {
    const { load, write } = machine();
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [name, below] of ['b a', 'c b', 'd c', 'e d', 'f e'].map((pair) => pair.split(' '))) {
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${below}`).join(',')}]`);
    }
    expect(await complaint(load(write('switchyard.yaml', bomb.join('\n'))))).toContain(
      'more than 100000 values',
    );
    expect(await complaint(load(write('switchyard.yaml', 'a: &a\n  b: *a\n')))).toContain(
      'inside of what it refers to',
    );
  });
});

describe('secrets', () => {
  const secret = 'sEcReT';

  test.each([
    ['JSON', 'switchyard.json', `{"mcpServers":{"a":{"env":{"A":"${secret}" "B"}}}}`],
    ['JSON', 'switchyard.json', `{"mcpServers":{"a":{"env":{"A":${secret}}}}}`],
    ['YAML', 'switchyard.yaml', `mcpServers:\n  a:\n    env:\n      A: "x" ${secret}\n`],
    ['YAML', 'switchyard.yaml', `mcpServers:\n  a:\n    env:\n      A: *${secret}\n`],
    ['YAML', 'switchyard.yaml', `mcpServers:\n  a: "\\${secret}"\n`],
    ['TOML', 'switchyard.toml', `[mcpServers.a.env]\nA = ${secret}\n`],
    ['TOML', 'switchyard.toml', `[mcpServers.a.env]\nA = "${secret}\n`],
  ])('do not stand in a syntax error of %s', async (_, name, text) => {
    const { load, write } = machine();
    expect(await complaint(load(write(name, text)))).not.toContain(secret);
  });

  test('do not stand in errors about env, headers, tokens, arguments or addresses', async () => {
    const message = await complaint(
      loadOwn({
        mcpServers: {
          a: { command: 'x', env: secret, args: secret },
          b: { url: `htp://${secret}`, headers: { A: `${secret}\n` } },
          c: { url: secret },
          d: { url: 'http://h', headers: secret },
        },
        http: { tokens: { a: `${secret} ${secret}`, b: 7 } },
      }),
    );
    expect(message.split('\n')).toHaveLength(8);
    expect(message).not.toContain(secret);
  });

  test('that came from a variable do not stand in errors anywhere', async () => {
    const entry = { host: 'h', port: '${S}', protocol: '${S}', tags: ['${S}'], namespace: '${S} x' };
    const message = await complaint(loadServer(entry, { S: secret }));
    expect(message).toContain('got what "${S}" stands for');
    expect(message).not.toContain(secret);
  });
});
