/**
 * `find_tools`: the index over what a client may call, made when it is first wanted and kept for equal catalogs.
 *
 * What has changed since is put into the index that the same client used before; no start and no list waits for it.
 */
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { DEFAULT_LIMIT, findAnswer, type FindableServer, type FindableTool } from '../search/find-answer.ts';
import { searchedTool } from '../search/searched-tool.ts';
import type { Access } from '../search/tool-class.ts';
import { ToolIndex } from '../search/tool-index.ts';
import { readWordTable } from '../search/word-table.ts';
import { CatalogTools, isForAppsOnly, type KnownTool, knownTool, OWN_SERVER } from './known-tools.ts';
import { OWN_NAMES } from './own-tools.ts';
import { matchesAny } from './tool-globs.ts';

export interface Searchable {
  readonly catalog: Catalog;
  /** The proxy's own tools, as JSON texts. */
  readonly own: readonly string[];
  readonly never: readonly string[];
  readonly servers: readonly FindableServer[];
}

export interface ToolQuery {
  readonly query?: string | undefined;
  readonly server?: string | undefined;
  readonly access?: Access | undefined;
  readonly limit?: number | undefined;
}

interface Indexed {
  readonly tools: ReadonlyMap<string, FindableTool>;
  readonly index: ToolIndex;
}

/** Different catalogs at a time: clients with connections of their own have them. */
const MAX_INDEXES = 4;
const SLICE_MS = 4;
const MAX_LIMIT = 20;
/** One level above the built files, two above the sources. */
const TABLES = ['../data/word-table.bin', '../../data/word-table.bin'];

export class ToolSearch {
  readonly #log: Logger;
  /** By what they were made of, the one used last at the end. */
  readonly #indexes = new Map<string, Promise<Indexed>>();
  readonly #keys = new WeakMap<Catalog, { readonly own: string; readonly key: string }>();
  #table: Promise<Awaited<ReturnType<typeof readWordTable>> | undefined> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  async find({ query = '', server, access, limit }: ToolQuery, searchable: Searchable): Promise<string> {
    const { tools, index } = await this.indexed(searchable);
    const most = Math.min(Math.max(Math.trunc(limit ?? DEFAULT_LIMIT), 1), MAX_LIMIT);
    return findAnswer(
      { query, server: server === '' ? undefined : server, access, limit: most },
      {
        tools,
        servers: searchable.servers,
        search: (words, admits) => index.search(words, admits),
      },
    );
  }

  indexed(searchable: Searchable): Promise<Indexed> {
    const key = this.#keyOf(searchable);
    const known = this.#indexes.get(key);
    const found = known ?? this.#make(searchable);
    this.#indexes.delete(key);
    this.#indexes.set(key, found);
    if (!known) found.catch(() => this.#indexes.delete(key));
    return found;
  }

  async #make(searchable: Searchable): Promise<Indexed> {
    const before = this.#indexes.size >= MAX_INDEXES ? this.#oldest() : this.#latest();
    const tools = await findable(searchable);
    const previous = await before?.catch(() => undefined);
    const index = previous?.index ?? new ToolIndex(await (this.#table ??= this.#readTable()));
    await index.update([...tools.values()].map((tool) => searchedTool(tool.definition, tool)));
    return { tools, index };
  }

  /** Takes the place of one that is likely to be out of date: what a client used last before its catalog changed. */
  #latest(): Promise<Indexed> | undefined {
    const [key, latest] = [...this.#indexes].at(-1) ?? [];
    if (key !== undefined) this.#indexes.delete(key);
    return latest;
  }

  #oldest(): Promise<Indexed> | undefined {
    const [key, oldest] = [...this.#indexes][0] ?? [];
    if (key !== undefined) this.#indexes.delete(key);
    return oldest;
  }

  #keyOf({ catalog, own, never }: Searchable): string {
    const rest = JSON.stringify([own, never]);
    const known = this.#keys.get(catalog);
    if (known?.own === rest) return known.key;
    const key = `${catalog.lists.tools.text}${rest}`;
    this.#keys.set(catalog, { own: rest, key });
    return key;
  }

  async #readTable(): Promise<Awaited<ReturnType<typeof readWordTable>> | undefined> {
    const place = TABLES.find((one) => existsSync(new URL(one, import.meta.url)));
    try {
      return await readWordTable(new URL(place ?? '../data/word-table.bin', import.meta.url));
    } catch (error) {
      this.#log.warn({ why: messageOf(error) }, 'tools are found by words alone: no word table');
      return undefined;
    }
  }
}

/** Lets others work in between: there may be thousands. */
async function findable({
  catalog,
  own,
  never,
}: Searchable): Promise<ReadonlyMap<string, FindableTool & KnownTool>> {
  const known = CatalogTools.of(catalog);
  const tools = new Map<string, FindableTool & KnownTool>();
  const put = (tool: KnownTool | undefined): void => {
    if (!tool || matchesAny(tool.name, never) || isForAppsOnly(tool)) return;
    const { description } = tool.definition;
    tools.set(tool.name, { ...tool, description: typeof description === 'string' ? description : '' });
  };
  let from = performance.now();
  for (const name of known.names) {
    put(known.get(name));
    if (performance.now() - from < SLICE_MS) continue;
    await nextTurn();
    from = performance.now();
  }
  for (const text of own) {
    const tool = knownTool(text, OWN_SERVER);
    if (!OWN_NAMES.has(tool.name)) put(tool);
  }
  return tools;
}
