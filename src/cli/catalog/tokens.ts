/** `switchyard tokens`: what the definitions cost before the model's first word, in each way to list them. */
import type { Catalog } from '../../catalog/catalog.ts';
import { CatalogTools, type KnownTool } from '../../context/known-tools.ts';
import { toolList } from '../../context/tool-list.ts';
import type { Config } from '../../config/config.ts';
import { LIST_MODES, type ListMode } from '../../core/list-mode.ts';
import { wholeNumber } from '../../core/whole-number.ts';
import type { JsonObject } from '../../json/json.ts';
import { slimTool } from '../../search/slim-tool.ts';
import { definitionTokens, estimateTokens } from '../../search/token-estimate.ts';
import { type Command, type Input, UsageError } from '../command.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import { openOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import { plain } from '../terminal/sanitize.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export const tokens: Command = {
  name: 'tokens',
  takes: '',
  summary: 'counts what the tools cost before the first word of a model, by server, tool and way to list',
  about:
    'Starts the servers of the config, asks them, and stops them again. Tokens are those of o200k, near enough for budgets; other models count otherwise.',
  options: {
    client: {
      type: 'string',
      value: 'NAME',
      about: 'what the client that calls itself so gets (as "claude-code", "opencode")',
    },
    budget: {
      type: 'string',
      value: 'N',
      about: 'exit 1 where it is more: for --client, else for expose.list of the config',
    },
  },
  examples: ['switchyard tokens', 'switchyard tokens --client opencode --budget 10000'],
  positionals: false,
  run,
};

const FATTEST = 10;

interface ToolCost {
  readonly tool: string;
  readonly server: string;
  readonly class: string;
  readonly tokens: number;
  readonly slim: number;
}

async function run({ options, configFiles: given, machine, output }: Input): Promise<number> {
  const limit = options.text('budget');
  const budget = limit === undefined ? undefined : wholeNumber(limit);
  if (limit !== undefined && budget === undefined)
    throw new UsageError(`--budget is a number of tokens, not "${limit}".`);
  const client = options.text('client');
  const config = await readConfig(configFiles(given, machine), machine);
  const own = await openOwnProxy({ config, machine, endsOnSignal: true });
  try {
    const catalog = await showWaiting(
      {
        output,
        config,
        report: () => own.proxy.report(own.client.view),
        otherwise: () => `asking ${config.servers.size} servers`,
      },
      own.catalog(),
    );
    const costs = toolCosts(catalog);
    const modes = modeCosts(catalog, config, own);
    const mode = await modeOf(client, catalog, own);
    const total = modes[mode];
    const servers = byServer(costs);
    const fattest = costs.toSorted((a, b) => b.tokens - a.tokens).slice(0, FATTEST);
    const isOver = budget !== undefined && total > budget;
    if (output.json) output.document({ mode, tokens: total, budget, isOver, modes, servers, tools: costs });
    else {
      await output.table(
        [{ title: 'LISTED' }, { title: 'TOKENS', side: 'right' }],
        LIST_MODES.map((one) => [one, count(modes[one])]),
      );
      output.line();
      await output.table(
        [
          { title: 'SERVER' },
          { title: 'TOOLS', side: 'right' },
          { title: 'TOKENS', side: 'right' },
          { title: 'SLIM', side: 'right' },
        ],
        servers.map((one) => [plain(one.server), count(one.tools), count(one.tokens), count(one.slim)]),
      );
      output.line();
      await output.table(
        [
          { title: 'LARGEST TOOLS' },
          { title: 'CLASS' },
          { title: 'TOKENS', side: 'right' },
          { title: 'SLIM', side: 'right' },
        ],
        fattest.map((one) => [plain(one.tool), one.class, count(one.tokens), count(one.slim)]),
      );
      output.line();
      output.line(
        `${client === undefined ? 'A client' : plain(client)} gets "${mode}": ${count(total)} tokens.`,
      );
      if (fattest.length > 0)
        output.line(
          'To spend less: expose.list "slim" or "search", or leave tools out with tools.exclude of their server.',
        );
    }
    if (isOver) output.note(`Over the budget: ${count(total)} tokens, ${count(budget)} are allowed.`);
    return isOver ? 1 : 0;
  } finally {
    await own.close();
  }
}

function toolCosts(catalog: Catalog): ToolCost[] {
  const known = CatalogTools.of(catalog);
  return [...known.names].flatMap((name) => {
    const tool: KnownTool | undefined = known.get(name);
    if (!tool) return [];
    const { server, toolClass, definition } = tool;
    const slim = definitionTokens(slimTool(definition));
    return [{ tool: name, server, class: toolClass, tokens: definitionTokens(definition), slim }];
  });
}

/** With the proxy's own tools and the instructions, as a client gets them. */
function modeCosts(
  catalog: Catalog,
  { expose, results }: Config,
  { proxy }: OwnProxy,
): Record<ListMode, number> {
  const instructions = estimateTokens(catalog.instructions ?? '');
  const cost = (list: ListMode): number => {
    const maxTokens = list === 'all' || results.maxTokens === 0 ? undefined : results.maxTokens;
    const texts = toolList(
      catalog,
      { items: catalog.lists.tools.items, own: proxy.served.metaTools },
      { list, maxTokens },
      { ...expose, capabilities: {}, servers: proxy.report('').map(({ server }) => server) },
    );
    return texts.reduce((sum, text) => sum + definitionTokens(JSON.parse(text) as JsonObject), instructions);
  };
  return { all: cost('all'), slim: cost('slim'), search: cost('search') };
}

async function modeOf(
  name: string | undefined,
  catalog: Catalog,
  { proxy, client }: OwnProxy,
): Promise<ListMode> {
  const asking = { ...client, info: name === undefined ? undefined : { name } };
  const found = await proxy.served.exposures.ofSession(asking, undefined, { catalog, complete: true });
  return found === undefined || found === 'later' ? 'all' : found.list;
}

interface ServerCost {
  readonly server: string;
  readonly tools: number;
  readonly tokens: number;
  readonly slim: number;
}

/** The dearest first. */
function byServer(costs: readonly ToolCost[]): ServerCost[] {
  const servers = new Map<string, ServerCost>();
  for (const { server, tokens: full, slim } of costs) {
    const so = servers.get(server) ?? { server, tools: 0, tokens: 0, slim: 0 };
    servers.set(server, { server, tools: so.tools + 1, tokens: so.tokens + full, slim: so.slim + slim });
  }
  return [...servers.values()].sort((a, b) => b.tokens - a.tokens);
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
