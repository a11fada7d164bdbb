/**
 * Finding tools and reading kept results: how often the right tool is found, how long it takes, and what it costs in
 * tokens.
 *
 * Catalogues and queries that are not in the repository are given by the environment: `SWITCHYARD_BENCH_CATALOGUE`, a
 * JSON list of `{ server, name, description, inputSchema, annotations }`, and `SWITCHYARD_BENCH_QUERIES`, lines of a query
 * and its right tools (`server/tool`), tab-separated.
 */
import { existsSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { createCompile } from '../../src/expression/compile.ts';
import { HeldResults } from '../../src/results/held-results.ts';
import { readResult } from '../../src/results/read-result.ts';
import { systemClock } from '../../src/core/clock.ts';
import { DEFAULT_LIMIT, findAnswer, type Findable } from '../../src/search/find-answer.ts';
import { searchedTool } from '../../src/search/searched-tool.ts';
import { slimTool } from '../../src/search/slim-tool.ts';
import { definitionText, definitionTokens, estimateTokens } from '../../src/search/token-estimate.ts';
import { toolClass } from '../../src/search/tool-class.ts';
import { type SearchedTool, ToolIndex } from '../../src/search/tool-index.ts';
import { readWordTable, type WordTable } from '../../src/search/word-table.ts';
import { type Section, show } from '../figures.ts';
import { percentile } from '../statistics.ts';
import { measureCallsByName } from './call-by-name.ts';

interface CatalogueTool {
  readonly server: string;
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly annotations?: unknown;
}

interface Query {
  readonly text: string;
  readonly right: readonly string[];
}

const TABLE = new URL('../../data/word-table.bin', import.meta.url);
const SMALL = 279;
const LARGE = 5000;
const ROUNDS = 1000;

export async function measureSearch(): Promise<Section> {
  const table = existsSync(TABLE) ? await readWordTable(TABLE) : undefined;
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  const figure = (name: string, value: number, what: string): void => {
    figures[name] = value;
    rows.push([name, show(value), what]);
  };
  for (const size of [SMALL, LARGE]) await measureSpeed(madeTools(size), table, figure);
  await measureCallsByName(madeTools(SMALL), figure);
  await measurePages(figure);
  const catalogue = given('SWITCHYARD_BENCH_CATALOGUE');
  if (catalogue !== undefined) {
    const tools = JSON.parse(catalogue) as CatalogueTool[];
    measureTokens(tools, figure);
    measureRecall(tools, queriesOf(given('SWITCHYARD_BENCH_QUERIES') ?? ''), table, figure);
  }
  return {
    table: {
      title: 'Finding tools, and reading kept results',
      columns: ['figure', 'measured', 'over'],
      rows,
    },
    figures,
  };
}

type Report = (name: string, value: number, what: string) => void;

async function measureSpeed(
  tools: readonly SearchedTool[],
  table: WordTable | undefined,
  report: Report,
): Promise<void> {
  const index = new ToolIndex(table);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await index.update(tools);
  delay.disable();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const tool = tools[(round * 7919) % tools.length];
    const query =
      tool?.description
        .split(' ')
        .slice(round % 3, (round % 3) + 6)
        .join(' ') ?? '';
    const from = performance.now();
    index.search(query);
    times.push(performance.now() - from);
  }
  const over = `${tools.length} tools`;
  report(`search p99 ms, ${over}`, percentile(times, 99), `${ROUNDS} queries`);
  report(`longest pause ms while building, ${over}`, delay.max / 1e6, over);
}

async function measurePages(report: Report): Promise<void> {
  const held = new HeldResults({
    folder: undefined,
    memoryBytes: 64 * 1024 * 1024,
    totalBytes: 64 * 1024 * 1024,
    ttlMs: 60_000,
    clock: systemClock,
  });
  const options = { held, compile: createCompile(), estimate: estimateTokens, maxTokens: 2000 };
  const text = JSON.stringify(
    Array.from({ length: 90_000 }, (_, id) => ({
      id,
      name: `Name of ${id}`,
      tags: ['a', 'b'],
      open: id % 3 === 0,
      at: { x: id / 7 },
    })),
  );
  const bytes = Buffer.from(text);
  const handle = (await held.keep('bench', [{ kind: 'json', label: 'text', bytes }])) ?? '';
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const offset = Math.floor((bytes.length * round) / 300);
    const from = performance.now();
    await readResult('bench', { result: handle, offset }, options);
    times.push(performance.now() - from);
  }
  await held.close();
  report('page p99 ms', percentile(times, 99), `300 offsets of ${Math.round(bytes.length / 1e6)} MB of JSON`);
}

function measureTokens(tools: readonly CatalogueTool[], report: Report): void {
  const over = `${tools.length} tools`;
  const whole = sum(tools.map((tool) => countTokens(definitionText({ ...tool }))));
  const slim = sum(tools.map((tool) => countTokens(definitionText(slimTool({ ...tool })))));
  const estimate = sum(tools.map((tool) => definitionTokens({ ...tool })));
  report('tokens, whole', whole, over);
  report('tokens, slim', slim, over);
  report('estimate / o200k', estimate / whole, over);
}

function measureRecall(
  tools: readonly CatalogueTool[],
  queries: readonly Query[],
  table: WordTable | undefined,
  report: Report,
): void {
  if (queries.length === 0) return;
  const over = `${queries.length} queries, ${tools.length} tools`;
  const ways = [['words', undefined], ...(table ? [['words and meaning', table] as const] : [])] as const;
  for (const [way, used] of ways) {
    const findable = findableOf(tools, used);
    const ranks = queries.map(({ text, right }) =>
      findable.search(text, () => true).findIndex(({ name }) => right.includes(name)),
    );
    for (const first of [1, 5, 10])
      report(
        `found in the first ${first}, ${way}`,
        ranks.filter((rank) => rank >= 0 && rank < first).length / ranks.length,
        over,
      );
    const answers = queries.map(({ text }) =>
      countTokens(
        findAnswer({ query: text, server: undefined, access: undefined, limit: DEFAULT_LIMIT }, findable),
      ),
    );
    report(`tokens of an answer, mean, ${way}`, sum(answers) / answers.length, over);
    report(`tokens of an answer, largest, ${way}`, Math.max(...answers), over);
  }
}

function findableOf(tools: readonly CatalogueTool[], table: WordTable | undefined): Findable {
  const index = new ToolIndex(table);
  const found = tools.map((tool) => {
    const name = `${tool.server}__${tool.name}`;
    index.put(searchedTool({ ...tool }, { name, server: tool.server }));
    return [
      name,
      {
        name,
        server: tool.server,
        description: tool.description ?? '',
        inputSchema: tool.inputSchema,
        toolClass: toolClass(tool.annotations),
      },
    ] as const;
  });
  const servers = [...new Set(tools.map(({ server }) => server))].map((name) => ({
    name,
    about: '',
    trouble: undefined,
  }));
  return { tools: new Map(found), servers, search: (query, admits) => index.search(query, admits) };
}

/** Tools with words of their own and words in common, as those of many servers have. */
function madeTools(count: number): SearchedTool[] {
  const verbs =
    'create get list update delete search move copy archive restore rename share export import run stop'.split(
      ' ',
    );
  const nouns =
    'issue board card file folder user message channel page record invoice order pod image volume node task report'.split(
      ' ',
    );
  return Array.from({ length: count }, (_, each) => {
    const [verb = '', noun = ''] = [verbs[each % verbs.length], nouns[(each * 7) % nouns.length]];
    const server = `server${each % 40}`;
    const words = Array.from({ length: 24 }, (_word, place) => `${nouns[(each + place * 5) % nouns.length]}`);
    return {
      name: `${server}__${verb}_${noun}_${each}`,
      server,
      title: undefined,
      description: `${verb} a ${noun} in the workspace of kind${each % 300} with ${words.join(' ')}`,
      parameters: ['id', `${noun}Id`, `the id of the ${noun}`, 'limit', 'how many at most', 'cursor'],
      keywords: [],
    };
  });
}

function queriesOf(text: string): Query[] {
  return text
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => {
      const [query = '', ...right] = line.split('\t');
      return { text: query, right: right.map((name) => name.replace('/', '__')) };
    });
}

function given(variable: string): string | undefined {
  const file = process.env[variable];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
