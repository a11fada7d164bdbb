/**
 * Tools of modern servers in a form that legacy clients accept.
 *
 * The modern family allows any JSON Schema; a legacy client that meets `true` for a property, or an output that
 * is no object, refuses the whole list. The meaning stays: `true` is `{}`, and an output schema is only a promise.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { at, isObject, type JsonObject } from '../core/json.ts';
import { editAt, editObject } from '../core/json-edit.ts';

const made = new WeakMap<Catalog, readonly string[]>();

/** The JSON texts of the catalog's tools, those that need it changed. */
export function legacyTools(catalog: Catalog): readonly string[] {
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
