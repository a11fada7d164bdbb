/** Looks into a JSON schema of a tool, which is foreign: of any shape, and with references that may go in circles. */
import { isObject, type JsonObject } from '../json/json.ts';

/** As many references in a row are followed. */
const MAX_STEPS = 16;

/**
 * Follows `$ref` within the root.
 *
 * @returns the schema without a `$ref` in it; an empty one, which allows everything, where it leads nowhere we know.
 */
export function resolved(schema: unknown, root: JsonObject): JsonObject {
  let found: unknown = schema;
  for (let step = 0; step < MAX_STEPS; step++) {
    if (!isObject(found)) return {};
    const ref = found['$ref'] ?? found['$dynamicRef'] ?? found['$recursiveRef'];
    if (ref === undefined) return found;
    found = typeof ref === 'string' ? pointed(root, ref) : undefined;
  }
  return {};
}

/** A list where it is one: a foreign schema may say anything. */
export function listAt(schema: JsonObject, key: string): readonly unknown[] {
  const found = schema[key];
  return Array.isArray(found) ? (found as unknown[]) : [];
}

export function propertiesOf(schema: JsonObject): readonly (readonly [string, unknown])[] {
  const found = schema['properties'];
  return isObject(found) ? Object.entries(found) : [];
}

export function requiredOf(schema: JsonObject): readonly string[] {
  return listAt(schema, 'required').filter((name) => typeof name === 'string');
}

/** The names of its types; empty where any is allowed. */
export function typesOf(schema: JsonObject): readonly string[] {
  const { type } = schema;
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  return types.filter((name) => typeof name === 'string');
}

function pointed(root: JsonObject, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  let found: unknown = root;
  for (const step of ref.slice(2).split('/')) {
    const key = unescaped(step);
    if (Array.isArray(found)) found = (found as unknown[])[Number(key)];
    else if (isObject(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
    // Below another base, the same text would mean another place.
    if (isObject(found) && typeof found['$id'] === 'string') return undefined;
  }
  return found;
}

function unescaped(step: string): string {
  let key = step;
  try {
    key = decodeURIComponent(step);
  } catch {
    // Taken as it is written.
  }
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
