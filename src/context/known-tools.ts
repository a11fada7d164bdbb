/** The definitions of a catalog's tools, each parsed when it is first asked for. */
import type { Catalog } from '../catalog/catalog.ts';
import { at, isObject, type JsonObject } from '../json/json.ts';
import { TASKS_EXTENSION } from '../protocol/revisions.ts';
import { toolClass, type ToolClass } from '../search/tool-class.ts';

export interface KnownTool {
  readonly name: string;
  /** The config key of the server or pool; `switchyard` for a tool of the proxy itself. */
  readonly server: string;
  readonly text: string;
  readonly definition: JsonObject;
  readonly toolClass: ToolClass;
  readonly inputSchema: JsonObject;
}

/** Whose the proxy's own tools are. */
export const OWN_SERVER = 'switchyard';

export class CatalogTools {
  static readonly #known = new WeakMap<Catalog, CatalogTools>();
  readonly #catalog: Catalog;
  /** The tools stand in the same order in both of the catalog's tables. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #tools = new Map<string, KnownTool>();

  private constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#places = new Map([...catalog.tools.keys()].map((name, place) => [name, place]));
  }

  static of(catalog: Catalog): CatalogTools {
    const known = CatalogTools.#known.get(catalog) ?? new CatalogTools(catalog);
    CatalogTools.#known.set(catalog, known);
    return known;
  }

  get names(): Iterable<string> {
    return this.#places.keys();
  }

  get(name: string): KnownTool | undefined {
    const known = this.#tools.get(name);
    if (known) return known;
    const place = this.#places.get(name);
    const text = place === undefined ? undefined : this.#catalog.lists.tools.items[place];
    const server = this.#catalog.tools.get(name)?.targets[0]?.server;
    if (text === undefined || server === undefined) return undefined;
    const tool = knownTool(text, server);
    this.#tools.set(name, tool);
    return tool;
  }
}

export function knownTool(text: string, server: string): KnownTool {
  const definition = JSON.parse(text) as JsonObject;
  const { name, annotations, inputSchema } = definition;
  return {
    name: String(name),
    server,
    text,
    definition,
    toolClass: toolClass(annotations),
    inputSchema: isObject(inputSchema) ? inputSchema : {},
  };
}

/** A tool that an app of its server calls, and no model. */
export function isForAppsOnly({ definition }: KnownTool): boolean {
  const visibility = at(definition, '_meta', 'ui', 'visibility');
  return Array.isArray(visibility) && !visibility.includes('model');
}

/** The host of a client needs the definition of such a tool: its interface, or that it is called as a task. */
export function hasToBeListed({ definition }: KnownTool, capabilities: JsonObject): boolean {
  const hasInterface =
    at(definition, '_meta', 'ui', 'resourceUri') !== undefined ||
    at(definition, '_meta', 'ui/resourceUri') !== undefined;
  if (hasInterface && at(capabilities, 'extensions', UI_EXTENSION) !== undefined) return true;
  const takesTasks =
    capabilities['tasks'] !== undefined || at(capabilities, 'extensions', TASKS_EXTENSION) !== undefined;
  return takesTasks && at(definition, 'execution', 'taskSupport') === 'required';
}

const UI_EXTENSION = 'io.modelcontextprotocol/ui';
