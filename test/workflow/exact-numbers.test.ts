/** U11 on the real whole: what a server is asked for is the number that somebody wrote, or nothing is called. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseExact } from '../../src/json/exact-json.ts';
import type { Json } from '../../src/json/json.ts';
import { runCli, type Said } from '../cli/run-cli.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed } from './bench-of-tools.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// Real processes on a machine that may have more to do.
vi.setConfig({ testTimeout: 30_000 });

const SERVER = fileURLToPath(new URL('../fixtures/servers/exact-server.mjs', import.meta.url));
const ID = '725653563933458432';
const NUMBERS = [
  ID,
  '9007199254740993',
  '-9007199254740993',
  '123456789012345678901234567890',
  '1e400',
  '-0',
  '0.1234567890123456789',
];
const ALL = `[${NUMBERS.join(',')}]`;

let folder: string;
let config: string;

beforeEach(() => {
  folder = temporaryFolder('exact');
  config = join(folder, 'switchyard.json');
});

/** One server, `s`, whose tools answer with this text; and what else the config says. */
function configure(answer: string, more: object = {}): void {
  const s = { command: process.execPath, args: [SERVER, join(folder, 'calls'), answer] };
  const state = { stateDir: join(folder, 'state'), expose: { namespaces: 'always' } };
  writeFileSync(config, JSON.stringify({ mcpServers: { s }, ...state, ...more }));
}

const cli = (...args: string[]): Promise<Said> => runCli([...args, '--config', config], { cwd: folder });

/** The arguments of the calls of `del`, to the letter. */
function deleted(): string[] {
  const lines = readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');
  return lines.flatMap((line) => /"name":"del","arguments":(\{.*?\})[,}]/.exec(line)?.[1] ?? []);
}

const runs = (workflow: string, input = '{}'): Promise<Said> =>
  cli('call', 'run_workflow', '--json', '--args', `{"workflow":${workflow},"input":${input}}`);

describe('a workflow', () => {
  test.each(NUMBERS)('deletes %s where a step found it', async (number) => {
    configure(`{"id":${number}}`);
    const { stdout } = await runs(
      '{"steps":[{"id":"a","tool":"s__get"},{"id":"b","tool":"s__del","with":{"id":"${{ steps.a.output.id }}"}}],"output":"${{ steps.a.output }}"}',
    );
    expect(deleted()).toEqual([`{"id":${number}}`]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`"output":{"id":${number}}`);
  });

  test('passes its input, its literals and what stands within texts as they are spelt', async () => {
    configure('{}');
    const { stdout } = await runs(
      `{"input":{"type":"object","properties":{"ids":{"type":"array","items":{"type":"number","minimum":-9007199254740999}},"id":{"type":"integer","default":${ID}}}},
        "steps":[{"id":"a","tool":"s__del","with":{"ids":"\${{ input.ids }}","id":"\${{ input.id }}","lit":${ALL},"text":"no. \${{ input.id }}"}}],"output":${ALL}}`,
      `{"ids":${ALL}}`,
    );
    expect(deleted()).toEqual([`{"ids":${ALL},"id":${ID},"lit":${ALL},"text":"no. ${ID}"}`]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`"output":${ALL}`);
  });

  test('of a file, YAML or JSON, has the numbers of the file, also when it is shown later', async () => {
    configure('{}', { workflows: { files: ['*.wf.*'] } });
    const yaml = NUMBERS.map((number) => `      - ${number}`).join('\n');
    writeFileSync(
      join(folder, 'y.wf.yaml'),
      `name: y\nsteps:\n- id: a\n  tool: s__del\n  with:\n    ids:\n${yaml}\n    hex: 0x20000000000001\noutput: { ids: ${ALL} }\n`,
    );
    writeFileSync(
      join(folder, 'j.wf.json'),
      `{"name":"j","steps":[{"id":"a","tool":"s__del","with":{"ids":${ALL}}},{"id":"b","workflow":"y","after":["a"]}]}`,
    );
    const { stdout } = await cli('workflow', 'run', 'j', '--json');
    expect(deleted()).toEqual([`{"ids":${ALL}}`, `{"ids":${ALL},"hex":9007199254740993}`]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`"output":{"ids":${ALL}}`);
    const { run_id: id } = JSON.parse(stdout) as { readonly run_id: string };
    const shown = await cli('call', 'workflow_runs', `run_id=${id}`, '--json');
    expect(shown.stdout.replaceAll(/\s/g, '')).toContain(`"output":{"ids":${ALL}}`);
    expect((await cli('workflow', 'show', id, '--step', 'b')).stdout.replaceAll(/\s/g, '')).toContain(ALL);
  });

  test.each(['json', 'yaml'])('that is run from a %s file has the numbers of the file', async (extension) => {
    configure('{}');
    const path = join(folder, `flow.${extension}`);
    const flow = `{"input":{"type":"object","properties":{"id":{"type":"integer","default":${ID}}}},"steps":[
      {"id":"made","set":{"ids":${ALL}}},
      {"id":"instead","tool":"s__get","with":{"x":"\${{ steps.made.output.ids[100] }}"},"fallback":{"value":{"id":${ID}}}},
      {"id":"b","tool":"s__del","with":{"lit":${ALL},"set":"\${{ steps.made.output.ids }}","instead":"\${{ steps.instead.output.id }}","id":"\${{ input.id }}"}}],
      "output":${ALL}}`;
    // In YAML the braces stay, and the keys lose their quotes.
    writeFileSync(path, extension === 'json' ? flow : flow.replaceAll(/"(\w+)":/g, '$1: '));
    const { stdout } = await cli('workflow', 'run', path, '--json');
    expect(deleted()).toEqual([`{"lit":${ALL},"set":${ALL},"instead":${ID},"id":${ID}}`]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`"output":${ALL}`);
  });

  test('that is run from a file undoes what has the number of the file', async () => {
    configure('{}');
    const path = join(folder, 'flow.json');
    writeFileSync(
      path,
      `{"on_error":"rollback","steps":[
        {"id":"a","tool":"s__get","undo":{"tool":"s__del","with":{"id":${ID},"ids":${ALL}}}},
        {"id":"b","after":["a"],"set":{"x":"\${{ [1][100] }}"}}]}`,
    );
    const { stdout } = await cli('workflow', 'run', path, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'rolled_back' });
    expect(deleted()).toEqual([`{"id":${ID},"ids":${ALL}}`]);
  });

  test.each(['plan', 'run'])(
    'of a file with a number that JSON lacks is refused by %s',
    async (subcommand) => {
      configure('{}');
      const path = join(folder, 'flow.yaml');
      writeFileSync(path, 'steps: [{ id: a, tool: s__del, with: { id: .inf } }]\n');
      const { code, stderr } = await cli('workflow', subcommand, path);
      expect(code).toBe(2);
      expect(stderr).toContain('.inf is no number that JSON has');
    },
  );

  test('calls nothing where the number cannot be calculated', async () => {
    configure(`{"id":${ID},"share":0.1234567890123456789}`);
    const { code, stdout } = await runs(
      '{"steps":[{"id":"a","tool":"s__get"},{"id":"b","tool":"s__del","with":{"id":"${{ steps.a.output.share * 2 }}"}}]}',
    );
    expect(code).toBe(1);
    expect(stdout).toContain('0.1234567890123456789 has more digits than can be calculated with');
    expect(deleted()).toEqual([]);
  });

  test('with a number that JSON lacks, in YAML, is none', async () => {
    configure('{}', { workflows: { files: ['*.wf.yaml'] } });
    writeFileSync(
      join(folder, 'x.wf.yaml'),
      'name: x\nsteps: [{ id: a, tool: s__del, with: { id: .inf } }]\n',
    );
    expect(await cli('workflow', 'run', 'x')).toMatchObject({ code: 1 });
    expect((await cli('workflow', 'run', 'x')).stderr).toContain('x');
  });
});

describe('the command line', () => {
  test('calls with the number that was typed, and prints the one that came', async () => {
    configure(`{"id":${ID}}`);
    const { stdout } = await cli(
      'call',
      's__del',
      `id=${ID}`,
      'far=1e400',
      '--args',
      `{"ids":${ALL}}`,
      '--json',
    );
    expect(deleted()).toEqual([`{"ids":${ALL},"id":${ID},"far":1e400}`]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(`"structuredContent":{"id":${ID}}`);
  });

  test('refuses a config whose number would be another one, and says where it stands', async () => {
    for (const [file, text] of [
      ['a.json', `{"tools":{"t":{"targets":[{"tool":"s__del","arguments":{"id":${ID}}}]}}}`],
      ['a.yaml', `tools: { t: { targets: [ { tool: s__del, arguments: { id: ${ID} } } ] } }`],
    ] as const) {
      writeFileSync(join(folder, file), text);
      const { code, stderr } = await runCli(['list', '--config', join(folder, file)], { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toContain(`tools.t.targets[0].arguments.id: ${ID} has more digits`);
    }
  });
});

describe('a composed tool', () => {
  test('asks for the number that it was given, and merges by it', async () => {
    const target = { tool: 's__del', arguments: { id: '${{ input.id }}', text: 'no. ${{ input.id }}' } };
    configure(`[{"id":9007199254740992,"n":1},{"id":9007199254740993,"n":2}]`, {
      tools: {
        one: { targets: [target] },
        all: { strategy: 'merge', targets: [target] },
      },
    });
    await cli('call', 'one', `id=${ID}`);
    const { stdout } = await cli('call', 'all', 'id=9007199254740993', '--json');
    expect(deleted()).toEqual([
      `{"id":${ID},"text":"no. ${ID}"}`,
      '{"id":9007199254740993,"text":"no. 9007199254740993"}',
    ]);
    expect(stdout.replaceAll(/\s/g, '')).toContain(
      '"results":[{"id":9007199254740992,"n":1},{"id":9007199254740993,"n":2}]',
    );
  });
});

describe('the record of a run', () => {
  const open: Bench[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  test('keeps numbers for whoever goes on with the run, and so does the word of a person', async () => {
    const texts: string[] = [];
    const tools = {
      get: { run: () => parseExact(`{"structuredContent":{"id":${ID}}}`) },
      del: { run: (_args: unknown, call: { readonly params: Json }) => (texts.push(call.params.text), {}) },
    };
    const options = { openJournal: storeJournal, stateDir: folder };
    const first = bench(tools, options);
    await first.workflows.start();
    const who = { client: clientNamed('ann') };
    const workflow = {
      input: { type: 'object', properties: { id: {} } },
      steps: [
        { id: 'a', tool: 'get' },
        { id: 'ok', after: ['a'], approve: { message: 'delete ${{ steps.a.output.id }}?', by: 'caller' } },
        {
          id: 'b',
          tool: 'del',
          with: {
            id: '${{ steps.a.output.id }}',
            said: '${{ steps.ok.output.content.id }}',
            in: '${{ input.id }}',
          },
        },
      ],
    };
    const input = parseExact(`{"id":${ID}}`);
    const parked = await first.workflows.run({ workflow, input, wait: true }, who);
    expect(parked.attention?.[0]?.question).toBe(`delete ${ID}?`);
    await first.workflows.close();
    const second = bench(tools, options);
    open.push(second);
    await second.workflows.start();
    const content = parseExact(`{"id":${ID}}`);
    const end = await second.workflows.resume({ runId: parked.run_id, decision: 'approve', content }, who);
    expect(end.status).toBe('succeeded');
    expect(texts).toEqual([`{"name":"del","arguments":{"id":${ID},"said":${ID},"in":${ID}}}`]);
    const again = await second.workflows.resume({ runId: parked.run_id, from: 'b' }, who);
    expect(again.status).toBe('succeeded');
    expect(texts[1]).toBe(texts[0]);
  });
});
