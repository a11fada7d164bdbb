/** What it costs to call a tool by `call_read` instead of directly, and a whole answer of `find_tools`. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { buildCatalog } from '../../src/catalog/build-catalog.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { fill } from '../../src/config/schema/fill.ts';
import { topSection } from '../../src/config/schema/top-keys.ts';
import { ModelContext } from '../../src/context/model-context.ts';
import { Answer } from '../../src/core/answer.ts';
import type { Call, Client } from '../../src/core/call.ts';
import { Cancellation } from '../../src/core/cancellation.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { Json } from '../../src/json/json.ts';
import type { SearchedTool } from '../../src/search/tool-index.ts';
import { median, percentile } from '../statistics.ts';

type Report = (name: string, value: number, what: string) => void;

const CALLS = 20_000;
const SEARCHES = 300;
const RESULT = Json.fromText('{"content":[{"type":"text","text":"done"}]}');
const CLIENT: Client = {
  id: 'bench',
  view: 'bench',
  era: 'legacy',
  protocolVersion: '2025-11-25',
  info: undefined,
  capabilities: {},
  logLevel: undefined,
  exposure: { list: 'search', maxTokens: 8000 },
};

export async function measureCallsByName(tools: readonly SearchedTool[], report: Report): Promise<void> {
  const catalog = catalogOf(tools);
  const { expose, results } = fill(topSection, {});
  const context = new ModelContext({
    expose: () => expose,
    results,
    viewOf: () => ({
      catalog,
      appears: () => Promise.resolve(),
      missed: () => Promise.resolve(),
      absence: () => undefined,
    }),
    servers: () => ['s'],
    serverFacts: () => [{ name: 's', about: '', trouble: undefined }],
    own: () => [],
    folder: mkdtempSync(join(tmpdir(), 'switchyard-bench-')),
    ownerOf: ({ id }) => id,
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const next = (): Answer => Answer.of(RESULT);
  const timed = async (call: Call): Promise<number> => {
    const from = performance.now();
    await context.handle(call, next);
    return (performance.now() - from) * 1000;
  };
  const names = [...catalog.tools.keys()];
  const direct: number[] = [];
  const named: number[] = [];
  for (let round = 0; round < CALLS; round++) {
    const tool = names[round % names.length] ?? '';
    direct.push(await timed(callOf(tool, { id: round, text: 'some text' })));
    named.push(await timed(callOf('call_destructive', { tool, args: { id: round, text: 'some text' } })));
  }
  const over = `${CALLS} calls of ${names.length} tools`;
  report('call_* over a direct call, p50 us', median(named) - median(direct), over);

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await context.handle(callOf('find_tools', { query: 'first' }), next);
  delay.disable();
  report('longest pause ms at the first search', delay.max / 1e6, `${names.length} tools`);
  const answers: number[] = [];
  for (let round = 0; round < SEARCHES; round++) {
    const query = tools[(round * 7919) % tools.length]?.description.split(' ').slice(0, 6).join(' ') ?? '';
    answers.push(await timed(callOf('find_tools', { query })));
  }
  report('answer of find_tools p99 ms', percentile(answers, 99) / 1000, `${SEARCHES} queries`);
  await context.close();
}

function callOf(name: string, args: Readonly<Record<string, unknown>>): Call {
  const params = Json.fromText(JSON.stringify({ name, arguments: args }));
  return { method: 'tools/call', name, params, client: CLIENT, signal: new Cancellation() };
}

function catalogOf(tools: readonly SearchedTool[]): Catalog {
  const listing = {
    protocolVersion: '2025-11-25',
    serverInfo: undefined,
    capabilities: { tools: {} },
    instructions: undefined,
    tools: tools.map(({ name, description }) =>
      Json.of({ name: name.replaceAll('__', '_'), description, inputSchema: { type: 'object' } }),
    ),
    prompts: [],
    resources: [],
    resourceTemplates: [],
    ttlMs: 0,
    cacheScope: 'private' as const,
    problems: [],
  };
  const rules = { include: ['*'], exclude: [], rename: new Map(), override: new Map() };
  return buildCatalog([{ server: 's', namespace: 's', listing, tools: rules, maxTools: 10_000 }], {
    prefix: true,
    maxNameLength: 64,
    origin: false,
    reserved: new Set(),
    metaTools: false,
  });
}
