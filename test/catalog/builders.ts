import { buildCatalog, type CatalogEntry, type CatalogOptions } from '../../src/catalog/build-catalog.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { ToolRules } from '../../src/catalog/catalog-entry.ts';
import { Json } from '../../src/json/json.ts';
import type { Listing, ListKind } from '../../src/core/listing.ts';

/** A tool that nobody objects to, with whatever the test cares about. */
export function tool(name: string, more: object = {}): Json {
  return Json.of({ name, inputSchema: { type: 'object' }, ...more });
}

export function resource(uri: string): Json {
  return Json.of({ uri, name: uri });
}

export function template(uriTemplate: string): Json {
  return Json.of({ uriTemplate, name: uriTemplate });
}

export interface EntryParts extends Partial<Omit<Listing, 'tools'>> {
  readonly namespace?: string;
  readonly tools?: readonly (Json | string)[];
  readonly rules?: Partial<ToolRules>;
  readonly maxTools?: number;
}

/** A server that lists these tools; a string stands for a plain tool of that name. */
export function entry(server: string, parts: EntryParts = {}): CatalogEntry {
  const { namespace = server, tools = [], rules, maxTools = 5000, ...listing } = parts;
  return {
    server,
    namespace,
    listing: {
      protocolVersion: '2025-11-25',
      serverInfo: undefined,
      capabilities: {},
      instructions: undefined,
      prompts: [],
      resources: [],
      resourceTemplates: [],
      ttlMs: 0,
      cacheScope: 'private',
      problems: [],
      ...listing,
      tools: tools.map((one) => (typeof one === 'string' ? tool(one) : one)),
    },
    tools: { include: ['*'], exclude: [], rename: new Map(), override: new Map(), ...rules },
    maxTools,
  };
}

export function build(entries: readonly CatalogEntry[], options: Partial<CatalogOptions> = {}): Catalog {
  return buildCatalog(entries, {
    prefix: true,
    maxNameLength: 46,
    origin: false,
    reserved: new Set(),
    metaTools: false,
    ...options,
  });
}

/** What a client reads from a list: `name`, `uri` or `uriTemplate`, in order. */
export function listed(catalog: Catalog, kind: ListKind, key = 'name'): readonly unknown[] {
  return (JSON.parse(catalog.lists[kind].text) as Record<string, unknown>[]).map((item) => item[key]);
}

/** The name a client sees for a server's tool. */
export function nameFor(catalog: Catalog, server: string, originalName: string): string | undefined {
  return [...catalog.tools.values()].find(
    ({ targets: [target] }) => target?.server === server && target.originalName === originalName,
  )?.name;
}
