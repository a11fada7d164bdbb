/** A pool's listing: the union of its members' listings, with the first member's item where several have it. Pure. */
import { isObject, type Json, stringAt } from '../json/json.ts';
import type { Listing, ListKind } from '../core/listing.ts';
import type { CatalogEntry } from './catalog-entry.ts';
import { matchesGlob } from './names/glob.ts';

export interface PoolListing {
  readonly listing: Listing;
  /** Which members have an item, in order of priority, by kind and the servers' own name. */
  readonly membersWith: (kind: ListKind, name: string) => readonly string[];
}

const KEYS: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
};
const KINDS = Object.keys(KEYS) as ListKind[];

/** @param members those whose listing is known, in order of priority; at least one. */
export function poolListing(members: readonly CatalogEntry[]): PoolListing | undefined {
  const [first] = members;
  if (!first) return undefined;
  const owners = new Map<string, string[]>();
  const lists = Object.fromEntries(KINDS.map((kind) => [kind, union(kind, members, owners)])) as Record<
    ListKind,
    Json[]
  >;
  const listings = members.map(({ listing }) => listing);
  return {
    listing: {
      ...first.listing,
      ...lists,
      capabilities: Object.assign(
        {},
        ...listings.map(({ capabilities }) => capabilities).reverse(),
      ) as Listing['capabilities'],
      ttlMs: Math.min(...listings.map(({ ttlMs }) => ttlMs)),
      cacheScope: listings.every(({ cacheScope }) => cacheScope === 'public') ? 'public' : 'private',
      problems: listings.flatMap(({ problems }) => problems),
      schemaVerdicts: listings.flatMap(({ schemaVerdicts }) => schemaVerdicts ?? []),
    },
    membersWith: (kind, name) => owners.get(`${kind} ${name}`) ?? [],
  };
}

/** A pool's rules for tools: what a member leaves out is left out already, its names and texts hold for the pool. */
export function poolToolRules(members: readonly Pick<CatalogEntry, 'tools'>[]): CatalogEntry['tools'] {
  const rules = members.map(({ tools }) => tools).reverse();
  return {
    include: ['*'],
    exclude: [],
    rename: new Map(rules.flatMap(({ rename }) => [...rename])),
    override: new Map(rules.flatMap(({ override }) => [...override])),
  };
}

function union(kind: ListKind, members: readonly CatalogEntry[], owners: Map<string, string[]>): Json[] {
  const items: Json[] = [];
  for (const { server, listing, tools } of members) {
    for (const item of listing[kind]) {
      const name = isObject(item.value) ? stringAt(item.value, KEYS[kind]) : undefined;
      if (kind === 'tools' && name !== undefined && !isChosen(name, tools)) continue;
      const key = `${kind} ${name}`;
      const known = name === undefined ? undefined : owners.get(key);
      if (!known) items.push(item);
      if (name !== undefined && !known?.includes(server)) owners.set(key, [...(known ?? []), server]);
    }
  }
  return items;
}

function isChosen(name: string, { include, exclude }: CatalogEntry['tools']): boolean {
  return include.some((glob) => matchesGlob(name, glob)) && !exclude.some((glob) => matchesGlob(name, glob));
}
