/** `switchyard check` as its user runs it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../harness/until.ts';
import { raw } from '../../relay/wire/proxies.ts';
import { runCli, type Said, startCli } from '../run-cli.ts';
import { temporaryFolder } from '../../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000 });

const FIXTURE = join(import.meta.dirname, '../../fixtures/faults/stdio.mjs');
const CLI = join(import.meta.dirname, '../../../dist/cli.js');
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;

/** A server whose only tool says that it reads, and fails. */
const REFUSING = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const inputSchema = { type: 'object' };
    const results = {
      initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'r', version: '1' } },
      'tools/list': { tools: [{ name: 'look', inputSchema, annotations: { readOnlyHint: true } }] },
      'tools/call': { isError: true, content: [{ type: 'text', text: 'no key' }] },
    };
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }));
  });
`;

let folder: string;
let config: string;

beforeEach(() => {
  folder = temporaryFolder('check');
  config = join(folder, 'switchyard.json');
});

const faults = (options: object = {}): object => ({
  command: process.execPath,
  args: [FIXTURE, JSON.stringify({ journal: join(folder, 'journal'), ...options })],
});

const reading = (name: string): string =>
  JSON.stringify({
    name,
    description: 'reads',
    inputSchema: { type: 'object' },
    annotations: { readOnlyHint: true },
  });

async function check(mcpServers: object, more: object = {}, ...args: string[]): Promise<Said> {
  write(mcpServers, more);
  return runCli(['check', '--config', config, ...args], { cwd: folder });
}

function write(mcpServers: object, more: object = {}): void {
  writeFileSync(
    config,
    JSON.stringify({
      mcpServers,
      stateDir: join(folder, 'state'),
      expose: { namespaces: 'always' },
      ...more,
    }),
  );
}

interface Found {
  readonly healthy: boolean;
  readonly verdict: string;
  readonly servers: readonly {
    readonly server: string;
    readonly state: string;
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
    readonly calls: readonly { readonly tool: string; readonly outcome: string; readonly ms: number }[];
  }[];
}

describe('switchyard check', () => {
  test('measures every server, lazy ones too, leaves out disabled ones, and exits 0 where all is well', async () => {
    const { code, stdout } = await check(
      { a: faults(), lazy: { ...faults(), start: 'lazy' }, off: { ...faults(), disabled: true } },
      {},
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      healthy: true,
      verdict: 'Healthy: 2 of 2 servers are healthy.',
      totals: { servers: 2, healthy: 2, disabled: 1 },
      servers: [
        {
          server: 'a',
          state: 'healthy',
          transport: 'stdio',
          protocol: '2025-11-25',
          program: 'faults 1',
          startMs: expect.any(Number) as number,
          listMs: expect.any(Number) as number,
        },
        { server: 'lazy', state: 'healthy' },
        { server: 'off', state: 'disabled', problems: [] },
      ],
    });
  });

  test('a server that does not start is unhealthy, says why, and costs only itself', async () => {
    const { code, stdout, stderr } = await check({
      good: faults(),
      gone: { command: 'no-such-program-xyz' },
      falls: faults({ exitAtStart: { code: 3, say: 'no licence' } }),
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/good +healthy/);
    expect(stdout).toMatch(/gone +unhealthy/);
    expect(stdout).toContain('no-such-program-xyz');
    expect(stdout).toContain('no licence');
    expect(stdout).toContain('Not healthy: 1 of 3 servers are healthy.');
    expect(stderr).toMatch(/^good: healthy, \d+ tools, start /m);
  });

  test('a server that never tells its tools is unhealthy', async () => {
    const { code, stdout } = await check(
      { slow: { ...faults({ listDelayMs: 60_000 }), connectTimeoutMs: 700 } },
      {},
      '--json',
    );
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Found).servers).toMatchObject([{ server: 'slow', state: 'unhealthy' }]);
  });

  test('tries what says that it only reads and needs nothing, and what the config declares, and nothing else', async () => {
    const needy = {
      name: 'needy',
      inputSchema: { type: 'object', properties: { a: {} }, required: ['a'] },
      annotations: { readOnlyHint: true },
    };
    const { code, stdout } = await check(
      { f: faults({ toolTexts: [reading('look'), JSON.stringify(needy)] }) },
      { check: { calls: [{ tool: 'f__echo', arguments: { x: 1 } }] } },
      '--json',
    );
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Found).servers[0]?.calls).toMatchObject([
      { tool: 'f__echo', declared: true, outcome: 'answered' },
      { tool: 'f__look', declared: false, outcome: 'answered' },
    ]);
    const called = readFileSync(join(folder, 'journal'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('tools/call'));
    expect(called).toHaveLength(2);
    expect(called[0]).toContain('"arguments":{"x":1}');
  });

  test('a declared call has to work; one that only says that it reads has to be answered', async () => {
    const broken = { result: { isError: true, content: [{ type: 'text', text: 'no such thing' }] } };
    const declared = await check(
      { r: raw() },
      { check: { calls: [{ tool: 'r__answer', arguments: broken }] } },
    );
    expect(declared.code).toBe(1);
    expect(declared.stdout).toContain('call of r__answer: no such thing');

    const missing = await check({ r: raw() }, { check: { calls: [{ tool: 'r__nothing' }] } });
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain('call of r__nothing');

    const refusing = await check({ r: { command: process.execPath, args: ['-e', REFUSING] } });
    expect(refusing.code).toBe(0);
    expect(refusing.stdout).toContain('r__look says that it only reads, and answers: no key');

    const tools = { override: { exit: { annotations: { readOnlyHint: true } } } };
    const falls = await check({ f: { ...faults(), tools } });
    expect(falls.code).toBe(1);
    expect(falls.stdout).toContain('call of f__exit');
  });

  test('names tools that clients take offence at, a few of each kind', async () => {
    const schema = (more: object): object => ({ type: 'object', properties: {}, ...more });
    const tools = [
      { name: 'x'.repeat(60), description: 'd', inputSchema: schema({}) },
      { name: 'top', description: 'd', inputSchema: schema({ anyOf: [{ required: [] }] }) },
      { name: 'list', description: 'd', inputSchema: schema({ properties: { a: { type: 'array' } } }) },
      { name: 'key', description: 'd', inputSchema: schema({ properties: { 'a b': {} } }) },
      { name: 'far', description: 'd', inputSchema: schema({ properties: { a: { $ref: 'http://x/y' } } }) },
      { name: 'long', description: 'd'.repeat(2000), inputSchema: schema({}) },
      { name: 'mute', inputSchema: schema({}) },
    ];
    const both = { f: faults({ names: [], toolTexts: tools.map((tool) => JSON.stringify(tool)) }) };
    const { stdout } = await check(
      { ...both, g: both.f },
      { expose: { namespaces: 'always', maxNameLength: 100 } },
      '--json',
    );
    const report = JSON.parse(stdout) as Found & { warnings: string[] };
    const warnings = report.servers[0]?.warnings.join('\n') ?? '';
    for (const part of [
      `longer than 46 characters, too long for some clients: f__${'x'.repeat(60)}`,
      'anyOf at its top, which some models’ APIs refuse: f__top'.replace('’', "'"),
      'an array without items, which some clients refuse: f__list',
      "an argument name that some models' APIs refuse: f__key",
      'refers to another document, which no client fetches: f__far',
      'longer than 1024 characters, which some clients cut or refuse: f__long',
      'no description, so that models can only guess: f__mute',
    ])
      expect(warnings).toContain(part);
    expect(report.warnings.join()).toContain('7 tools are offered by several servers, word for word');
  });

  test('plans every saved workflow', async () => {
    mkdirSync(join(folder, 'flows'));
    const flow = (name: string, tool: string): string =>
      `name: ${name}\nsteps:\n  - id: one\n    tool: ${tool}\n    with: {}\n`;
    writeFileSync(join(folder, 'flows', 'good.yaml'), flow('good', 'f__echo'));
    writeFileSync(join(folder, 'flows', 'bad.yaml'), flow('bad', 'f__no_such_tool'));
    const { code, stdout } = await check(
      { f: faults() },
      { workflows: { files: ['./flows/*.yaml'] } },
      '--json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      healthy: false,
      workflows: expect.arrayContaining([
        expect.objectContaining({ name: 'good', healthy: true }),
        expect.objectContaining({ name: 'bad', healthy: false }),
      ]) as unknown,
    });
  });

  test('wrong use and a wrong config exit 2 and start nothing', async () => {
    expect(await check({ f: faults() }, {}, '--report', 'report.pdf')).toMatchObject({
      code: 2,
      stderr: '--report report.pdf: the name has to end in .md, .json or .html.\n',
    });
    expect(await check({ f: faults() }, { check: { calls: [{}] } })).toMatchObject({ code: 2 });
    expect(readdirSync(folder)).toEqual(['switchyard.json']);
  });

  test('Ctrl-C stops it, with its servers', async () => {
    write({ hung: faults({ never: true }) });
    const child = startCli(['check', '--config', config], { cwd: folder });
    child.stdout?.resume();
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the server', () => readdirSync(folder).includes('journal'));
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([1, null]);
    expect(said).toBe('The check was stopped.\n');
  });

  test.skipIf(!HAS_SCRIPT)(
    'is drawn live in a terminal, narrower on demand, and leaves it as it was (needs "script" of util-linux)',
    async () => {
      write({ good: faults(), slow: faults({ listDelayMs: 1500 }) });
      const command = `stty cols 34 rows 12; "${process.execPath}" "${CLI}" check --config "${config}"; echo "code $?"`;
      const terminal = spawn('script', ['-qec', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1' },
      });
      let seen = '';
      terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      await once(terminal, 'exit');
      const [live = '', after = ''] = seen.split('\u001b[?25h\u001b[?1049l');
      expect(live).toMatch(/slow +(starting|listing)/);
      expect(after).toMatch(/slow +healthy/);
      expect(after).toContain('code 0');
      const lines = seen
        // The terminal's driver makes one more of each return.
        .split(/\r+\n|\u001b\[H|\u001b\[\?1049l/)
        .map((line) => line.replaceAll(/\u001b\[[?\d]*[A-Za-z]/g, ''));
      expect(lines.filter((line) => line.length > 34)).toEqual([]);
      expect(seen).not.toContain('\u001b[3');
    },
  );
});

describe('a report', () => {
  const HOSTILE = '\u001b[2J<script>alert(1)</script> | a\nb \u202e**x** `y` [z](http://evil) "q" \'r\'';

  /** A server whose every word is hostile. */
  const hostile = (): object => ({
    ...raw({
      tools: [{ name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }],
    }),
  });

  test('holds no secret and nothing that a terminal, Markdown or a browser would obey', async () => {
    const call = {
      result: {
        isError: true,
        content: [{ type: 'text', text: HOSTILE + ' planted-secret-7 ' + 'w'.repeat(10_000) }],
      },
    };
    const mcpServers = {
      ['a|<b>' + 'n'.repeat(200)]: { ...hostile(), namespace: 'a', env: { API_KEY: 'planted-secret-7' } },
    };
    const files = ['r.md', 'r.html', 'r.json'].map((name) => join(folder, name));
    const { code, stdout } = await check(
      mcpServers,
      { check: { calls: [{ tool: 'a__answer', arguments: call }] } },
      ...files.flatMap((file) => ['--report', file]),
    );
    const [md = '', html = '', json = ''] = files.map((file) => readFileSync(file, 'utf8'));

    expect(code).toBe(1);
    for (const text of [stdout, md, html, json]) {
      expect(text).not.toContain('planted-secret-7');
      expect(text).toContain('redacted');
      expect(text).not.toMatch(/[\u001b\u202e]/);
      expect(text).not.toContain('w'.repeat(1000));
    }
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<b>');
    expect(html).not.toMatch(/(?:src|href)=/);
    expect(html).toContain('&#60;script&#62;');
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(md).not.toContain('<script');
    expect(md).not.toContain('[z](');
    const rows = md.split('\n').filter((line) => line.startsWith('|'));
    const cells = (row: string): number => row.replaceAll(/\\./g, '').split('|').length;
    // The table of servers, and the one of calls.
    expect(rows.slice(0, 3).map(cells)).toEqual([11, 11, 11]);
    expect(new Set(rows.slice(3).map(cells))).toEqual(new Set([8]));
    expect(JSON.parse(json)).toMatchObject({ healthy: false });
    expect(stdout.split('\n').filter((line) => /unhealthy/.test(line))).toHaveLength(1);
  });

  test('is written as a whole or not at all, and says why not', async () => {
    const { code, stderr } = await check({ f: faults() }, {}, '--report', join(folder, 'none', 'r.md'));
    expect(code).toBe(1);
    expect(stderr).toContain('The report cannot be written to');
  });
});
