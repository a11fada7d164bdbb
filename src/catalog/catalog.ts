/**
 * The catalog: every tool, prompt and resource a client can see, under the name it sees.
 *
 * A plain immutable value: rebuilt and swapped, never edited. When to rebuild is the proxy's business.
 */
import type { JsonObject } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';

export interface Catalog {
  readonly lists: Readonly<Record<ListKind, CatalogList>>;
  /** Keys are the names that clients see. */
  readonly tools: ReadonlyMap<string, Route>;
  readonly prompts: ReadonlyMap<string, Route>;
  /** Keys are the URIs that clients see: listed ones, and `ui://` ones that a tool's `_meta` names. */
  readonly resources: ReadonlyMap<string, Route>;
  /** Keys are the templates that clients see, for completions. `templateFor` finds what answers an expanded one. */
  readonly resourceTemplates: ReadonlyMap<string, Route>;
  /** The template that a URI matches; `undefined` where none does. */
  readonly templateFor: (uri: string) => Route | undefined;
  /** The URI or template that clients see, by server key and the server's own one, where the two differ. */
  readonly prefixedUris: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The servers that have resources at all, in config order: who may be asked for a URI that nobody lists. */
  readonly resourceServers: readonly string[];
  /** The servers that list their tasks (the legacy form), in config order. */
  readonly taskServers: readonly string[];
  /** The servers that announce more than the protocol's core, and may know methods of its extensions. */
  readonly extensionServers: readonly string[];
  /** The union of what the downstreams can do, as told at `initialize` and `server/discover`. */
  readonly capabilities: JsonObject;
  /** The servers' instructions, each under its server's name; `undefined` where none has any. */
  readonly instructions: string | undefined;
  /** The modern family's caching hints: the minimum of the parts; private if any part is. */
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
  /** Items that were refused or altered, one a line, for the log and `proxy_status`. */
  readonly problems: readonly CatalogProblem[];
}

/** One list as clients get it: the JSON texts of its items, in catalog order. */
export interface CatalogList {
  readonly items: readonly string[];
  /** All items as one JSON array, made once. */
  readonly text: string;
}

/** A name clients see, and who answers it, in the order in which they are tried. */
export interface Route {
  readonly name: string;
  readonly targets: readonly Target[];
}

export interface Target {
  /** The config key of the server. */
  readonly server: string;
  /** The server's own name for it (for resources: its URI). */
  readonly originalName: string;
}

export interface CatalogProblem {
  readonly server: string;
  /** The tool, prompt or resource; empty where the whole server is meant. */
  readonly item: string;
  readonly what: string;
}

/** The lists that clients must fetch anew; order counts, since clients show it and cache by it. */
export function diffCatalogs(before: Catalog, after: Catalog): readonly ListKind[] {
  return LIST_KINDS.filter((kind) => {
    const old = before.lists[kind].items;
    const now = after.lists[kind].items;
    return old.length !== now.length || old.some((item, index) => item !== now[index]);
  });
}

const LIST_KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
