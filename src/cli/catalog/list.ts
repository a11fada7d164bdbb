/** `switchyard list`: what a client would see, and which server answers. */
import type { Catalog, Route } from '../../catalog/catalog.ts';
import type { Config } from '../../config/config.ts';
import { type JsonObject, stringAt } from '../../json/json.ts';
import { listed, nearest } from '../../core/nearest.ts';
import type { Command, Input } from '../command.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import { serversDown, serversUnlisted } from '../support/missing-servers.ts';
import { openOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import type { Column } from '../terminal/table.ts';
import { UsageError } from '../command.ts';
import { plain } from '../terminal/sanitize.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export const listCommand: Command = {
  name: 'list',
  takes: '[tools|resources|prompts|servers|workflows]',
  summary: 'lists what a client would see, and which server answers (default: tools)',
  about: 'Starts the servers of the config, asks them, and stops them again.',
  options: {},
  examples: ['switchyard list', 'switchyard list servers', 'switchyard list tools --json'],
  positionals: true,
  run,
};

interface Listed {
  readonly columns: readonly Column[];
  /** One row of the table each. */
  readonly rows: readonly (readonly string[])[];
  /** The documents that `--json` prints. */
  readonly items: readonly JsonObject[];
}

const KINDS: ReadonlyMap<string, (own: OwnProxy) => Promise<Listed>> = new Map([
  ['tools', async (own) => tools(await own.catalog(), own.proxy.served.metaTools)],
  ['prompts', async (own) => prompts(await own.catalog())],
  ['resources', async (own) => resources(await own.catalog())],
  ['servers', servers],
  ['workflows', async (own) => workflows(await own.catalog(), own.proxy.served.metaTools)],
]);

async function run({ positionals, configFiles: given, machine, output }: Input): Promise<number> {
  const [kind = 'tools', unexpected] = positionals;
  const read = KINDS.get(kind);
  if (!read || unexpected !== undefined) throw wrongKind(kind, unexpected);
  const config = await readConfig(configFiles(given, machine), machine);
  const own = await openOwnProxy({ config: startedOnce(config), machine, endsOnSignal: true });
  try {
    const found = await showWaiting(
      {
        output,
        config,
        report: () => own.proxy.report(own.client.view),
        otherwise: () => `asking ${config.servers.size} servers`,
      },
      read(own),
    );
    const report = own.proxy.report('command');
    for (const { server, why } of [...serversDown(report), ...serversUnlisted(report)])
      output.note(`${server}: ${why}`);
    if (output.json) output.document(found.items);
    else if (found.rows.length === 0) output.note(`No ${kind}.`);
    else await output.table(found.columns, found.rows);
    return 0;
  } finally {
    await own.close();
  }
}

function wrongKind(kind: string, unexpected: string | undefined): UsageError {
  const kinds = [...KINDS.keys()];
  if (unexpected !== undefined && KINDS.has(kind))
    return new UsageError(`Unexpected argument "${unexpected}". See switchyard list --help.`);
  const near = nearest(kind, kinds);
  const guess = near === undefined ? '' : ` Did you mean ${near}?`;
  return new UsageError(`There is no list of "${kind}": there are ${listed(kinds)}.${guess}`);
}

/** A start that fails is told, and not tried until it works. */
function startedOnce(config: Config): Config {
  const servers = new Map(
    [...config.servers].map(([key, server]) => [
      key,
      { ...server, restart: { ...server.restart, enabled: false } },
    ]),
  );
  return { ...config, servers };
}

/** The server that stands for the proxy's own tools. */
const OURS = 'switchyard';

function tools(catalog: Catalog, metaTools: readonly string[]): Listed {
  return named([
    ...described(catalog.lists.tools.items, catalog.tools, 'name'),
    ...metaTools.map((text) => ours(JSON.parse(text) as JsonObject)),
  ]);
}

function prompts(catalog: Catalog): Listed {
  return named(described(catalog.lists.prompts.items, catalog.prompts, 'name'));
}

function workflows(_catalog: Catalog, metaTools: readonly string[]): Listed {
  const saved = metaTools.map((text) => ours(JSON.parse(text) as JsonObject));
  return named(saved.filter(({ name }) => String(name).startsWith('workflow__')));
}

function resources(catalog: Catalog): Listed {
  const items = [
    ...described(catalog.lists.resources.items, catalog.resources, 'uri'),
    ...described(catalog.lists.resourceTemplates.items, catalog.resourceTemplates, 'uriTemplate'),
  ];
  return {
    columns: [{ title: 'URI' }, { title: 'SERVER' }, { title: 'NAME' }],
    rows: items.map((item) => [
      plain(item['uri'] ?? item['uriTemplate']),
      plain(item['server']),
      plain(item['title']),
    ]),
    items,
  };
}

async function servers(own: OwnProxy): Promise<Listed> {
  await Promise.all([own.proxy.connected(), own.catalog()]);
  const items = own.proxy.report(own.client.view);
  return {
    columns: [
      { title: 'SERVER' },
      { title: 'STATE' },
      { title: 'TOOLS', side: 'right' },
      { title: 'LAST FAILURE' },
    ],
    rows: items.map(({ server, state, tools: count, lastFailure }) => [
      server,
      plain(state),
      plain(count),
      lastFailure ? plain(`${lastFailure.stage}, ${ago(lastFailure.agoMs)}: ${lastFailure.what}`) : '',
    ]),
    items,
  };
}

function named(items: readonly JsonObject[]): Listed {
  return {
    columns: [{ title: 'NAME', whole: true }, { title: 'SERVER' }, { title: 'DESCRIPTION' }],
    rows: items.map(({ name, server, description }) => [plain(name), plain(server), plain(description)]),
    items,
  };
}

function described(
  items: readonly string[],
  routes: ReadonlyMap<string, Route>,
  key: 'name' | 'uri' | 'uriTemplate',
): JsonObject[] {
  return items.map((text) => {
    const item = JSON.parse(text) as JsonObject;
    const name = stringAt(item, key) ?? '';
    const [target] = routes.get(name)?.targets ?? [];
    const { description, title } = item;
    return {
      [key]: name,
      server: target?.server ?? OURS,
      originalName: target?.originalName ?? name,
      ...(title === undefined && key !== 'name' ? { title: item['name'] } : { title }),
      description,
    };
  });
}

function ours({ name, description }: JsonObject): JsonObject {
  return { name, server: OURS, originalName: name, description };
}

function ago(ms: number): string {
  return `${Math.round(ms / 1000)} s ago`;
}
