/**
 * Builds the catalog: listings in, catalog out. Pure, and the same whatever the order of connecting, since the
 * entries come in config order.
 */
import { at } from '../json/json.ts';
import { editObject } from '../json/edit.ts';
import type { ListKind } from '../core/listing.ts';
import type { CatalogEntry, CatalogOptions } from './catalog-entry.ts';
import type { Catalog, CatalogList, Route } from './catalog.ts';
import { reportCrossReferences } from './vetting/cross-references.ts';
import { mergeCapabilities } from './merge-capabilities.ts';
import { mergeInstructions } from './merge-instructions.ts';
import { nameItems, type NamedItem } from './names/name-items.ts';
import { ProblemList } from './vetting/problem-list.ts';
import { templateFinder } from './uris/resource-templates.ts';
import { toolText, uiResources } from './tool-text.ts';
import { isUiUri, settleUris, type ClaimedUri, type UriClaim } from './uris/uri-claims.ts';
import { vetListing, withoutOutput, type VettedItem, type VettedListing } from './vetting/vet-listing.ts';
import { sharingIds } from './schemas/schema-ids.ts';
import { titleInWords } from './names/title-in-words.ts';

export type { CatalogEntry, CatalogOptions } from './catalog-entry.ts';

export function buildCatalog(entries: readonly CatalogEntry[], options: CatalogOptions): Catalog {
  const problems = new ProblemList();
  const listings = entries.map((entry) => vetListing(entry, problems));
  const all = (kind: ListKind): readonly VettedItem[] => listings.flatMap((listing) => listing[kind]);

  const resources = settleUris(listings.flatMap(resourceClaims));
  const templates = settleUris(all('resourceTemplates').map(uriClaim));
  const prefixedUris = prefixesByServer([...resources, ...templates]);
  const seenUri = ({ entry, originalName }: VettedItem): string =>
    prefixedUris.get(entry.server)?.get(originalName) ?? originalName;

  const { prefix, maxNameLength } = options;
  const tools = nameItems(
    withOwnIds(all('tools'), problems),
    ({ tools: { rename } }) => rename,
    {
      prefix,
      maxNameLength,
      isReserved: (name) => options.reserved.has(name) || name.startsWith('workflow__'),
    },
    problems,
  );
  reportCrossReferences(tools, problems);
  const prompts = nameItems(
    all('prompts'),
    () => new Map(),
    { prefix, maxNameLength, isReserved: () => false },
    problems,
  );

  const toolTexts = tools.map(({ item, name }) =>
    toolText(item.text, item.value, {
      name,
      titleWhenRenamed: () => {
        const { server, tools: rules } = item.entry;
        return titleInWords(server, item.value, rules.rename.get(item.originalName) ?? item.originalName);
      },
      override: item.entry.tools.override.get(item.originalName),
      origin: options.origin ? { server: item.entry.server, originalName: item.originalName } : undefined,
      prefixedUris: prefixedUris.get(item.entry.server),
    }),
  );

  return {
    lists: {
      tools: listOf(toolTexts),
      prompts: listOf(prompts.map(promptText)),
      resources: listOf(all('resources').map((item) => withName(item, 'uri', seenUri(item)))),
      resourceTemplates: listOf(
        all('resourceTemplates').map((item) => withName(item, 'uriTemplate', seenUri(item))),
      ),
    },
    tools: routes(tools),
    prompts: routes(prompts),
    resources: uriRoutes(resources),
    resourceTemplates: uriRoutes(templates),
    templateFor: templateFinder(templates),
    prefixedUris,
    resourceServers: serversWith(entries, ['resources']),
    taskServers: serversWith(entries, ['tasks', 'list']),
    extensionServers: serversWith(entries, ['extensions'], ['experimental']),
    capabilities: mergeCapabilities(
      entries.map(({ listing }) => listing.capabilities),
      { metaTools: options.metaTools },
    ),
    instructions: mergeInstructions(
      entries.map(({ server, listing }) => ({ server, instructions: listing.instructions })),
      { servers: options.servers ?? entries.map(({ server }) => server), prefix: options.prefix },
    ),
    ttlMs: entries.length === 0 ? 0 : Math.min(...entries.map(({ listing }) => listing.ttlMs)),
    cacheScope:
      entries.length > 0 &&
      entries.every(({ listing, trusted }) => trusted !== false && listing.cacheScope === 'public')
        ? 'public'
        : 'private',
    problems: problems.all(),
  };
}

/** The tools, those without an output schema whose `$id` would be taken for another's. */
function withOwnIds(tools: readonly VettedItem[], problems: ProblemList): readonly VettedItem[] {
  const sharing = sharingIds(tools);
  return tools.map((tool) => {
    if (!sharing.has(tool)) return tool;
    const what = 'has an outputSchema whose $id stands in another schema too; offered without it';
    problems.add(tool.entry.server, tool.originalName, what);
    return withoutOutput(tool);
  });
}

/** The servers that have one of these capabilities, in config order. */
function serversWith(
  entries: readonly CatalogEntry[],
  ...capabilities: readonly (readonly string[])[]
): string[] {
  return entries
    .filter(({ listing }) => capabilities.some((path) => at(listing.capabilities, ...path) !== undefined))
    .map(({ server }) => server);
}

/** The resources that the server lists, and the `ui://` ones that its tools name without listing them. */
function resourceClaims({ resources, tools }: VettedListing): readonly UriClaim[] {
  const claims = new Map(resources.map((item) => [item.originalName, uriClaim(item)]));
  for (const tool of tools)
    for (const { uri } of uiResources(tool.value))
      if (!claims.has(uri) && isUiUri(uri)) claims.set(uri, uriClaim({ ...tool, originalName: uri }));
  return [...claims.values()];
}

function uriClaim({ entry, originalName }: VettedItem): UriClaim {
  return { server: entry.server, namespace: entry.namespace, uri: originalName };
}

function prefixesByServer(claims: readonly ClaimedUri[]): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const servers = new Map<string, Map<string, string>>();
  for (const { server, uri, seen } of claims) {
    if (seen === uri) continue;
    const prefixes = servers.get(server) ?? new Map<string, string>();
    servers.set(server, prefixes.set(uri, seen));
  }
  return servers;
}

function promptText({ item, name }: NamedItem): string {
  if (name === item.originalName) return item.text;
  const title = titleInWords(item.entry.server, item.value, item.originalName);
  return editObject(item.text, { name: JSON.stringify(name), title: JSON.stringify(title) });
}

/** The item's text with another value for the member that names it. */
function withName(item: VettedItem, key: 'uri' | 'uriTemplate', name: string): string {
  return name === item.originalName ? item.text : editObject(item.text, { [key]: JSON.stringify(name) });
}

function routes(items: readonly NamedItem[]): ReadonlyMap<string, Route> {
  return new Map(items.map(({ item, name }) => [name, route(name, item.entry.server, item.originalName)]));
}

function uriRoutes(claims: readonly ClaimedUri[]): ReadonlyMap<string, Route> {
  return new Map(claims.map(({ seen, server, uri }) => [seen, route(seen, server, uri)]));
}

function route(name: string, server: string, originalName: string): Route {
  return { name, targets: [{ server, originalName }] };
}

function listOf(items: readonly string[]): CatalogList {
  let text: string | undefined;
  return {
    items,
    get text() {
      return (text ??= `[${items.join(',')}]`);
    },
  };
}
