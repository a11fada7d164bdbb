/** The shape of a JSON value in a few words: keys, types and counts, `{ items: 12,000 × { id: int, name: str } }`. */
import { isObject } from '../json/json.ts';

const MAX_DEPTH = 4;
const MAX_KEYS = 14;
const MAX_KEY = 40;
/** So many items of a list are looked at; the others are taken to be alike. */
const SAMPLE = 20;
/** In all, in characters. */
const MAX_SHAPE = 1500;

export function shapeOf(value: unknown): string {
  for (let depth = MAX_DEPTH; depth > 0; depth--) {
    const text = shape([value], depth);
    if (text.length <= MAX_SHAPE) return text;
  }
  return shape([value], 0).slice(0, MAX_SHAPE);
}

/** The common shape of several values. */
function shape(values: readonly unknown[], depth: number): string {
  const kinds = new Set(values.map(kindOf));
  if (kinds.has('num')) kinds.delete('int');
  if (kinds.size > 1) return [...kinds].sort().slice(0, 4).join('|');
  const [kind = 'nothing'] = kinds;
  if (kind === 'list') return listShape(values as readonly (readonly unknown[])[], depth);
  if (kind === 'obj') return objectShape(values.filter(isObject), depth);
  if (kind === 'str') return stringShape(values as readonly string[]);
  return kind;
}

function listShape(lists: readonly (readonly unknown[])[], depth: number): string {
  const lengths = lists.map(({ length }) => length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const count = least === most ? counted(most) : `${counted(least)}-${counted(most)}`;
  if (most === 0) return 'empty list';
  const samples = lists.flatMap((list) => list.slice(0, SAMPLE)).slice(0, SAMPLE);
  return `${count} × ${depth === 0 ? kindOf(samples[0]) : shape(samples, depth - 1)}`;
}

function objectShape(objects: readonly Readonly<Record<string, unknown>>[], depth: number): string {
  const keys = new Map<string, unknown[]>();
  for (const object of objects)
    for (const key of Object.keys(object)) {
      const values = keys.get(key);
      if (values) values.push(object[key]);
      else keys.set(key, [object[key]]);
    }
  if (keys.size === 0) return '{}';
  if (depth === 0) return `{ ${counted(keys.size)} keys }`;
  const shown = [...keys].slice(0, MAX_KEYS).map(([key, values]) => {
    const optional = values.length < objects.length ? '?' : '';
    return `${spelled(key)}${optional}: ${shape(values, depth - 1)}`;
  });
  const more = keys.size - shown.length;
  return `{ ${[...shown, ...(more > 0 ? [`${counted(more)} more keys`] : [])].join(', ')} }`;
}

function stringShape(texts: readonly string[]): string {
  const longest = Math.max(...texts.map(({ length }) => length));
  return longest < 200 ? 'str' : `str of up to ${counted(longest)} characters`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'num';
    default:
      return 'obj';
  }
}

function spelled(key: string): string {
  return /^[\w$-]{1,40}$/.test(key) ? key : JSON.stringify(key.slice(0, MAX_KEY));
}

function counted(count: number): string {
  return count.toLocaleString('en-US');
}
