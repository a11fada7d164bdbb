import { at, isObject, type JsonObject } from '../json/json.ts';

/** Capabilities that the proxy can relay; others it would promise in vain. */
const RELAYED = [
  'tools',
  'prompts',
  'resources',
  'completions',
  'logging',
  'tasks',
  'extensions',
  'experimental',
];

/** The types that a capability's members must have, where they are there; `*` stands for all. */
interface Shape {
  readonly [member: string]: 'boolean' | Shape;
}

const LIST: Shape = { listChanged: 'boolean', subscribe: 'boolean' };
const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['tools', LIST],
  ['prompts', LIST],
  ['resources', LIST],
  ['tasks', { list: {}, cancel: {}, requests: { tools: { call: {} } } }],
  ['extensions', { '*': {} }],
  ['experimental', { '*': {} }],
]);

/** The capabilities without members that clients reject the whole handshake for: one server's mistake would cost all. */
function fitOnly(settings: unknown, shape: Shape): unknown {
  if (!isObject(settings)) return undefined;
  const kept = Object.entries(settings).flatMap(([key, value]) => {
    const wanted = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
    if (wanted === undefined) return [[key, value]];
    const fit =
      wanted === 'boolean' ? (typeof value === 'boolean' ? value : undefined) : fitOnly(value, wanted);
    return fit === undefined ? [] : [[key, fit]];
  });
  return Object.fromEntries(kept);
}

/**
 * What clients are told: whatever any of the downstreams can.
 *
 * The three lists of the catalog change whenever a downstream comes or goes, so `listChanged` is always true. Where
 * two servers' settings differ, objects are united and of anything else the first one's holds.
 */
export function mergeCapabilities(
  parts: readonly JsonObject[],
  options: { readonly metaTools: boolean },
): JsonObject {
  const merged: Record<string, unknown> = {};
  for (const key of RELAYED) {
    const settings = parts.map((part) => fitOnly(at(part, key), SHAPES.get(key) ?? {})).filter(isObject);
    if (settings.length > 0) merged[key] = settings.reduce(unite);
  }
  if (options.metaTools) merged['tools'] ??= {};
  for (const key of ['tools', 'prompts', 'resources'] as const)
    if (isObject(merged[key])) merged[key] = { ...merged[key], listChanged: true };
  if (parts.some((part) => at(part, 'resources', 'subscribe') === true))
    merged['resources'] = { ...(merged['resources'] as JsonObject), subscribe: true };
  return merged;
}

function unite(first: JsonObject, second: JsonObject): JsonObject {
  const both = new Map(Object.entries(first));
  for (const [key, value] of Object.entries(second)) {
    const before = both.get(key);
    if (isObject(before) && isObject(value)) both.set(key, unite(before, value));
    else if (!both.has(key)) both.set(key, value);
  }
  // `fromEntries` defines own properties, even one called `__proto__`.
  return Object.fromEntries(both);
}
