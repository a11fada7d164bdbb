/** The list methods: answered from the catalog, in one page unless the config says otherwise. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Client } from '../core/call.ts';
import { INVALID_PARAMS, RpcError } from '../core/errors.ts';
import { editAt, editObject } from '../json/edit.ts';
import { at, isObject, Json, type JsonObject, stringAt } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import { wholeNumber } from '../core/whole-number.ts';
import type { ServedProxy } from './served-proxy.ts';

const KINDS: ReadonlyMap<string, ListKind> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);

export function listKind(method: string): ListKind | undefined {
  return KINDS.get(method);
}

export interface ListPageOptions {
  readonly kind: ListKind;
  readonly catalog: Catalog;
  /** Our own tools, each as JSON text. */
  readonly metaTools: readonly string[];
  /** All tools of this client, where it gets them otherwise than the catalog has them. */
  readonly changedTools?: readonly string[] | undefined;
  readonly pageSize: number;
  readonly params: Json;
  /** The client speaks a legacy revision. */
  readonly legacy: boolean;
  /** Further members of the result, each with a trailing comma. */
  readonly head: string;
}

/** The last whole list of each kind: clients ask for the same one again and again. */
const wholeLists = new WeakMap<object, Map<string, { readonly metaTools: string; readonly list: Json }>>();

/** @throws RpcError where the cursor is not one of ours. */
export function listPage(options: ListPageOptions): Json {
  const { kind, catalog, pageSize, params, legacy, head } = options;
  if (pageSize !== 0 || stringAt(params.value, 'cursor') !== undefined) return madePage(options);
  const metaTools = kind === 'tools' && !options.changedTools ? options.metaTools.join() : '';
  const key = `${kind} ${legacy} ${head}`;
  const source = options.changedTools ?? catalog;
  const known = wholeLists.get(source) ?? new Map<string, { metaTools: string; list: Json }>();
  const found = known.get(key);
  if (found?.metaTools === metaTools) return found.list;
  const list = madePage(options);
  wholeLists.set(source, known.set(key, { metaTools, list }));
  return list;
}

/** @returns `undefined` for a client that gets the catalog's tools as they are. */
export async function changedTools(
  { exposures }: Pick<ServedProxy, 'exposures'>,
  client: Client,
  catalog: Catalog,
): Promise<readonly string[] | undefined> {
  if (client.exposure === undefined) return undefined;
  const items = client.era === 'legacy' ? legacyTools(catalog) : catalog.lists.tools.items;
  return (await exposures.context()).list(client, catalog, items);
}

function madePage(options: ListPageOptions): Json {
  const { kind, pageSize, params, head } = options;
  const cursor = stringAt(params.value, 'cursor');
  const items = itemsOf(options);
  const from = cursor === undefined ? 0 : startOf(cursor, items.length);
  const to = pageSize === 0 ? items.length : Math.min(items.length, from + pageSize);
  const next = to < items.length ? `,"nextCursor":"${cursorFor(to)}"` : '';
  return Json.fromText(`{${head}"${kind}":[${items.slice(from, to).join(',')}]${next}}`);
}

function itemsOf({
  kind,
  catalog,
  metaTools,
  changedTools: changed,
  legacy,
}: ListPageOptions): readonly string[] {
  if (kind !== 'tools') return catalog.lists[kind].items;
  return changed ?? [...(legacy ? legacyTools(catalog) : catalog.lists.tools.items), ...metaTools];
}

function cursorFor(index: number): string {
  return Buffer.from(`at ${index}`).toString('base64url');
}

function startOf(cursor: string, length: number): number {
  const text = Buffer.from(cursor, 'base64url').toString();
  const index = text.startsWith('at ') ? wholeNumber(text.slice(3)) : undefined;
  // Base64 is read leniently: only the cursor that we gave is one.
  if (index !== undefined && index <= length && cursorFor(index) === cursor) return index;
  throw RpcError.of(INVALID_PARAMS, 'Unknown cursor');
}

/**
 * Tools of modern servers in a form that legacy clients accept.
 *
 * The modern era allows any JSON Schema; a legacy client that meets `true` for a property, or an output that is no
 * object, refuses the whole list. The meaning stays: `true` is `{}`, and an output schema is only a promise.
 */
const made = new WeakMap<Catalog, readonly string[]>();

/** The JSON texts of the catalog's tools, those that need it changed. */
function legacyTools(catalog: Catalog): readonly string[] {
  const found = made.get(catalog);
  if (found) return found;
  const items = catalog.lists.tools.items.map(legacyTool);
  made.set(catalog, items);
  return items;
}

function legacyTool(text: string): string {
  const tool = JSON.parse(text) as JsonObject;
  let changed = text;
  if (tool['outputSchema'] !== undefined && at(tool, 'outputSchema', 'type') !== 'object')
    changed = editObject(changed, { outputSchema: undefined });
  for (const schema of ['inputSchema', 'outputSchema']) {
    const properties = at(tool, schema, 'properties');
    if (!isObject(properties)) continue;
    for (const [key, value] of Object.entries(properties))
      if (typeof value === 'boolean')
        changed = editAt(changed, [schema, 'properties', key], () => (value ? '{}' : '{"not":{}}'));
  }
  return changed;
}
