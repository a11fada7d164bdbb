/**
 * Asking a downstream for everything it offers, page by page, within bounds.
 *
 * Nothing is judged here (that is the catalog's business); one list that fails costs that list.
 */
import { RpcError, METHOD_NOT_FOUND, messageOf } from '../core/errors.ts';
import { at, Json, type JsonObject, stringAt } from '../core/json.ts';
import { elementTexts, memberText } from '../core/json-edit.ts';
import type { Listing, ListKind } from '../core/listing.ts';

const LIST_METHODS: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
};

const KINDS = Object.keys(LIST_METHODS) as ListKind[];

export interface Hello {
  readonly protocolVersion: string;
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
}

export interface PagesOptions {
  readonly ask: (method: string, params: JsonObject) => Promise<Json>;
  /** What the server offered before: a list that fails keeps what it held. */
  readonly before: Listing | undefined;
  /** The most items that are taken of one list. */
  readonly maxItems: number;
  /** More pages than this are a server that never ends. */
  readonly maxPages: number;
  /** All pages of one list together: what is listed is kept. */
  readonly maxBytes: number;
}

export interface Fetched {
  readonly listing: Listing;
  /** Every list was answered; otherwise it is not worth remembering. */
  readonly whole: boolean;
}

export async function fetchListing(hello: Hello, options: PagesOptions): Promise<Fetched> {
  const problems: string[] = [];
  let whole = true;
  const hints: Hints = { ttlMs: Infinity, shared: true };
  const lists = await Promise.all(
    KINDS.map(async (kind) => {
      if (at(hello.capabilities, capabilityOf(kind)) === undefined) return [];
      const items = await fetchList(kind, options, problems, hints);
      if (items === undefined) whole = false;
      return items ?? options.before?.[kind] ?? [];
    }),
  );
  const [tools = [], prompts = [], resources = [], resourceTemplates = []] = lists;
  const listing: Listing = {
    ...hello,
    tools,
    prompts,
    resources,
    resourceTemplates,
    ttlMs: Number.isFinite(hints.ttlMs) ? hints.ttlMs : 0,
    cacheScope: hints.shared && Number.isFinite(hints.ttlMs) ? 'public' : 'private',
    problems,
  };
  return { listing, whole };
}

interface Hints {
  ttlMs: number;
  shared: boolean;
}

function capabilityOf(kind: ListKind): string {
  return kind === 'resourceTemplates' ? 'resources' : kind;
}

/** @returns `undefined` where the list could not be had. */
async function fetchList(
  kind: ListKind,
  { ask, maxItems, maxPages, maxBytes }: PagesOptions,
  problems: string[],
  hints: Hints,
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
    noteHints(result, hints);
    characters += result.text.length;
    if (characters > maxBytes) {
      problems.push(`${method} tells more than ${maxBytes} bytes: the rest is left out (limits.listBytes)`);
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
        `${method} does not end: ${seen.has(cursor) ? 'a cursor came again' : `over ${maxPages} pages (limits.pages)`}`,
      );
      return items;
    }
    seen.add(cursor);
  }
}

function noteHints(result: Json, hints: Hints): void {
  const ttl = at(result.value, 'ttlMs');
  hints.ttlMs = Math.min(hints.ttlMs, typeof ttl === 'number' && ttl > 0 ? Math.floor(ttl) : 0);
  hints.shared &&= at(result.value, 'cacheScope') === 'public';
}
