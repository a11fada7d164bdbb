/** Keys that there were: files that hold them work as before, and are told what became of them. */
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { machine } from './machine.ts';

const server = (options: object): object => ({ mcpServers: { a: { command: 'x', ...options } } });
const remote = (auth: object): object => ({ mcpServers: { a: { url: 'https://a.example/mcp', auth } } });
const breakerOf = (circuitBreaker: object): object =>
  server({ tools: { override: { t: { circuitBreaker } } } });

function read(config: object): Promise<Config> {
  const here = machine();
  return here.load(here.write('switchyard.json', JSON.stringify(config)));
}

describe('a key that is fixed now', () => {
  const one = (name: string): object => ({ [name]: 1 });
  const perServer = [
    'values',
    'pages',
    'listBytes',
    'contentParts',
    'stderrLinesPerSecond',
    'progressPerSecond',
    'noticesPerSecond',
    'questions',
  ];
  const ofTheProxy = [
    'values',
    'parkedCalls',
    'calls',
    'clients',
    'streams',
    'attached',
    'keptBytes',
    'reconnects',
  ];

  test.each([
    ...perServer.map((name) => [`mcpServers.a.limits.${name}`, server({ limits: one(name) }), server({})]),
    ...perServer.map((name) => [
      `defaults.limits.${name}`,
      { ...server({}), defaults: { limits: one(name) } },
      server({}),
    ]),
    ...ofTheProxy.map((name) => [`limits.${name}`, { limits: one(name) }, {}]),
    ...['items', 'nesting'].map((name) => [
      `workflows.limits.${name}`,
      { workflows: { limits: one(name) } },
      {},
    ]),
    ...['halfOpenMaxCalls', 'successThreshold'].map((name) => [
      `mcpServers.a.tools.override.t.circuitBreaker.${name}`,
      breakerOf(one(name)),
      breakerOf({}),
    ]),
    ['mcpServers.a.auth.algorithm', remote({ algorithm: 'ES256' }), remote({})],
  ] as [string, object, object][])('%s warns, and does nothing else', async (path, config, without) => {
    const { warnings, ...rest } = await read(config);
    const { warnings: none, ...expected } = await read(without);
    expect(none).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/^switchyard\.json:1:\d+ {2}\S+: is .* is ignored here\./),
    ]);
    expect(warnings[0]).toContain(`  ${path}: `);
    expect({ ...rest, stateDir: '' }).toEqual({ ...expected, stateDir: '' });
  });

  test('may hold anything, a variable that is not set as well', async () => {
    const { warnings } = await read({ limits: { calls: '${NOT_SET}', streams: { not: 'a number' } } });
    expect(warnings).toHaveLength(2);
  });

  test.each([
    ['yaml', 'limits:\n  sessions: 5\n  calls: 1\n', 'switchyard.yaml:3:3  limits.calls: '],
    ['toml', '[limits]\nsessions = 5\ncalls = 1\n', 'switchyard.toml'],
    [
      'json',
      '{\n  "limits": {\n    "calls": 1, "sessions": 5\n  }\n}',
      'switchyard.json:3:5  limits.calls: ',
    ],
  ])('is told with its place in %s', async (format, text, place) => {
    const here = machine();
    const { warnings, limits } = await here.load(here.write(`switchyard.${format}`, text));
    expect(warnings).toEqual([expect.stringContaining(place)]);
    expect(limits.sessions).toBe(5);
  });

  test('is told of a disabled server, too, and leaves what is wrong beside it an error', async () => {
    expect((await read(server({ disabled: true, limits: { pages: 1 } }))).warnings).toHaveLength(1);
    await expect(read(server({ limits: { pages: 1, dept: 1 } }))).rejects.toThrow('Did you mean "depth"?');
  });
});

describe('a key that has moved', () => {
  test('counts where it belongs now, with a warning that names the place', async () => {
    const { limits, warnings } = await read({ http: { maxBodyBytes: '1MB', allowedHosts: ['h'] } });
    expect(limits.requestBytes).toBe(1_000_000);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^switchyard\.json:1:10 {2}http\.maxBodyBytes: is called limits\.requestBytes now\. Move it there\.$/,
      ),
    ]);
  });

  test('counts for less than the new one, whichever comes first', async () => {
    const http = { maxBodyBytes: '1MB' };
    const limits = { requestBytes: '2MB', sessions: 3 };
    for (const config of [
      { http, limits },
      { limits, http },
    ])
      expect((await read(config)).limits).toMatchObject({ requestBytes: 2_000_000, sessions: 3 });
    const beside = await read({ limits: { sessions: 3 }, http });
    expect(beside.limits).toMatchObject({ requestBytes: 1_000_000, sessions: 3 });
  });

  test('takes variables, and what is wrong with it is told at its place in the file', async () => {
    await expect(read({ http: { maxBodyBytes: 'much' } })).rejects.toThrow(
      'switchyard.json:1:25  limits.requestBytes: expected bytes',
    );
    await expect(read({ http: { maxBodyBytes: '${NOT_SET}' } })).rejects.toThrow('NOT_SET');
  });

  test('of a later file goes over the new one of an earlier file', async () => {
    const here = machine();
    const { limits } = await here.load(
      here.write('one.json', JSON.stringify({ limits: { requestBytes: '1MB' } })),
      here.write('two.json', JSON.stringify({ http: { maxBodyBytes: '2MB' } })),
    );
    expect(limits.requestBytes).toBe(2_000_000);
  });
});
