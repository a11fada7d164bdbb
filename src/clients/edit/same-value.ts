import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../json/json.ts';

/** @returns true where two parsed values are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** Libraries differ in what their tables inherit. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(plain);
  if (!isObject(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}
