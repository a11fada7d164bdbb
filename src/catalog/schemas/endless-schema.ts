/**
 * A schema that applies itself to the same value again (`"allOf": [{"$ref": "#"}]`) compiles, and its first use never
 * ends. One that comes back on the way into a value, as trees do, is in order.
 */
import { percentDecoded } from '../../core/percent-decoding.ts';
import { at, isObject, type JsonObject } from '../../json/json.ts';

/** References are followed only where they are paths within the schema. */
export function endsOnEveryPath(root: JsonObject): boolean {
  const under = new Set<object>();
  const done = new Set<object>();
  return [...objectsIn(root)].every(ends);

  function ends(schema: JsonObject): boolean {
    if (done.has(schema)) return true;
    if (under.has(schema)) return false;
    under.add(schema);
    const does = appliedInPlace(schema).every((inner) => !isObject(inner) || ends(inner));
    under.delete(schema);
    done.add(schema);
    return does;
  }

  function appliedInPlace(schema: JsonObject): readonly unknown[] {
    const lists = ['allOf', 'anyOf', 'oneOf'].map((key) => at(schema, key)).filter(Array.isArray);
    const maps = ['dependentSchemas', 'dependencies'].map((key) => at(schema, key)).filter(isObject);
    const ref = at(schema, '$ref');
    return [
      ...['not', 'if', 'then', 'else'].map((key) => at(schema, key)),
      ...lists.flat(),
      ...maps.flatMap((map) => Object.values(map)),
      typeof ref === 'string' ? targetOf(ref) : undefined,
    ];
  }

  function targetOf(ref: string): unknown {
    if (ref !== '' && ref !== '#' && !ref.startsWith('#/')) return undefined;
    let found: unknown = root;
    for (const step of ref.split('/').slice(1)) {
      const key = unescaped(step);
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
      found = (found as JsonObject)[key];
    }
    return found;
  }
}

function unescaped(step: string): string {
  return percentDecoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Whatever may be a schema. */
function* objectsIn(value: unknown): Generator<JsonObject> {
  if (typeof value !== 'object' || value === null) return;
  if (isObject(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}
