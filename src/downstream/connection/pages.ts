/**
 * Fetches all lists of a server, page by page, within bounds.
 *
 * Items are not judged here (that is the catalog's business); one list that fails costs that list. Many servers have
 * lists that they do not declare: every list is asked for, and a list with something in it counts as declared.
 */
import type { Era } from '../../core/call.ts';
import { RpcError, METHOD_NOT_FOUND, messageOf } from '../../core/errors.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../../json/json.ts';
import { elementTexts, memberText } from '../../json/edit.ts';
import type { Listing, ListKind } from '../../core/listing.ts';

const LIST_METHODS: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
};

const KINDS = Object.keys(LIST_METHODS) as ListKind[];

/** The outcome of a handshake. */
export interface Agreement {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
}

export interface PagesOptions {
  readonly ask: (method: string, params: JsonObject) => Promise<Json>;
  /** The last listing: a list that fails keeps what it held. */
  readonly before: Listing | undefined;
  /** The most items that are taken of one list. */
  readonly maxItems: number;
  /** More pages than this are a server that never ends. */
  readonly maxPages: number;
  /** All pages of one list together: what is listed is kept. */
  readonly maxBytes: number;
  /** Undeclared lists are asked for only where this is given. */
  readonly undeclared?: UndeclaredLists;
}

/** Bounds for lists that the server does not declare: some servers never answer a method that they do not know. */
export interface UndeclaredLists {
  /** Lists that are not asked for. */
  readonly skip: ReadonlySet<ListKind>;
  /** Ends when such a list has had its time beside those that are declared. */
  readonly patience: (kind: ListKind) => Promise<void>;
  /** A list was answered after its time, and holds something. */
  readonly late: (kind: ListKind) => void;
}

export interface Fetched {
  readonly listing: Listing;
  /** Every list was answered; otherwise the listing is not worth remembering. */
  readonly whole: boolean;
  /** Undeclared lists that were not answered in their time. */
  readonly silent: readonly ListKind[];
}

export async function fetchListing(agreed: Omit<Agreement, 'era'>, options: PagesOptions): Promise<Fetched> {
  const { before, undeclared } = options;
  const found = new Map<ListKind, FoundList>();
  const silent: ListKind[] = [];
  const declared = KINDS.filter((kind) => at(agreed.capabilities, capabilityOf(kind)) !== undefined);
  // Where nothing is declared it is the tools that all wait for.
  const awaited = new Set(declared.length > 0 ? declared : ['tools' as const]);
  const others = undeclared ? KINDS.filter((kind) => !awaited.has(kind) && !undeclared.skip.has(kind)) : [];
  const asked = new Map([...awaited, ...others].map((kind) => [kind, fetchList(kind, options)]));
  for (const kind of awaited) found.set(kind, (await asked.get(kind)) as FoundList);
  await Promise.all(
    others.map(async (kind) => {
      const list = asked.get(kind) as Promise<FoundList>;
      const inTime = await Promise.race([list, undeclared?.patience(kind)]);
      if (inTime) {
        found.set(kind, inTime);
        return;
      }
      silent.push(kind);
      void list.then(({ items = [] }) => {
        if (items.length > 0) undeclared?.late(kind);
      });
    }),
  );
  const isDeclared = new Set(declared);
  const counting = [...found].filter(
    ([kind, { items }]) => isDeclared.has(kind) || (items && items.length > 0),
  );
  const itemsOf = (kind: ListKind): readonly Json[] => {
    const list = found.get(kind);
    if (list?.items) return list.items;
    return list && !isDeclared.has(kind) ? [] : (before?.[kind] ?? []);
  };
  const lists = Object.fromEntries(KINDS.map((kind) => [kind, itemsOf(kind)])) as Record<ListKind, Json[]>;
  const ttls = counting.flatMap(([, { ttlMs }]) => ttlMs);
  const ttlMs = ttls.length > 0 ? Math.min(...ttls) : 0;
  const shared = ttls.length > 0 && counting.every(([, list]) => list.shared);
  const listing: Listing = {
    ...agreed,
    capabilities: { ...agreed.capabilities, ...undeclaredOf(lists, agreed) },
    ...lists,
    ttlMs,
    cacheScope: shared ? 'public' : 'private',
    problems: counting.flatMap(([, { problems }]) => problems),
  };
  const whole = declared.every((kind) => found.get(kind)?.items !== undefined);
  return { listing, whole, silent };
}

/** The capabilities that go without saying: the lists have something. */
function undeclaredOf(
  lists: Readonly<Record<ListKind, readonly Json[]>>,
  { capabilities }: Pick<Agreement, 'capabilities'>,
): JsonObject {
  const found = KINDS.filter((kind) => lists[kind].length > 0).map(capabilityOf);
  return Object.fromEntries(found.filter((name) => !isObject(capabilities[name])).map((name) => [name, {}]));
}

interface FoundList {
  /** `undefined` where the list could not be had. */
  readonly items: readonly Json[] | undefined;
  readonly problems: readonly string[];
  /** The text of each page. */
  readonly ttlMs: readonly number[];
  readonly shared: boolean;
}

function capabilityOf(kind: ListKind): string {
  return kind === 'resourceTemplates' ? 'resources' : kind;
}

async function fetchList(kind: ListKind, options: PagesOptions): Promise<FoundList> {
  const found = { problems: [] as string[], ttlMs: [] as number[], shared: true };
  const items = await fetchPages(kind, options, found.problems, (page) => {
    const ttl = at(page.value, 'ttlMs');
    found.ttlMs.push(typeof ttl === 'number' && ttl > 0 ? Math.floor(ttl) : 0);
    found.shared &&= at(page.value, 'cacheScope') === 'public';
  });
  return { ...found, items };
}

/** @returns `undefined` where the list could not be had. */
async function fetchPages(
  kind: ListKind,
  { ask, maxItems, maxPages, maxBytes }: PagesOptions,
  problems: string[],
  noteHints: (page: Json) => void,
): Promise<Json[] | undefined> {
  const method = LIST_METHODS[kind];
  const items: Json[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  let characters = 0;
  for (let page = 0; ; page++) {
    let result: Json;
    try {
      result = await ask(method, cursor === undefined ? {} : { cursor });
    } catch (error) {
      const absent = error instanceof RpcError && error.code === METHOD_NOT_FOUND;
      // Servers often declare resources and have no templates: that is an empty list, no trouble.
      if (absent) return items;
      problems.push(`${method} failed: ${messageOf(error)}`);
      return undefined;
    }
    noteHints(result);
    characters += result.text.length;
    if (characters > maxBytes) {
      problems.push(`${method} tells more than ${maxBytes} bytes: the rest is left out`);
      return items;
    }
    const list = memberText(result.text, kind);
    if (!Array.isArray(at(result.value, kind)) || list === undefined) {
      problems.push(`${method} answered without the array "${kind}"`);
      return undefined;
    }
    for (const text of elementTexts(list, maxItems + 1)) {
      if (items.length >= maxItems) {
        problems.push(`${method} offers more than ${maxItems}: the rest is left out (limits.tools)`);
        return items;
      }
      items.push(Json.fromText(text));
    }
    cursor = stringAt(result.value, 'nextCursor');
    if (cursor === undefined || cursor === '') return items;
    if (seen.has(cursor) || page + 1 >= maxPages) {
      problems.push(
        `${method} does not end: ${seen.has(cursor) ? 'a cursor came again' : `over ${maxPages} pages`}`,
      );
      return items;
    }
    seen.add(cursor);
  }
}
