import { parseDocument, visit } from 'yaml';
import { type Exact, exactNumber, integer } from '../../json/exact-json.ts';

/** Parses YAML, and so JSON, and keeps numbers as they are spelt. @throws Error where the text is not YAML. */
export function parseExactYaml(text: string): unknown {
  const document = parseDocument(text, { intAsBigInt: true });
  const [first] = document.errors;
  if (first) throw first;
  const kept = new Map<string, Exact>();
  visit(document, {
    Scalar(_key, scalar) {
      const { value, source } = scalar;
      if (typeof value === 'bigint') scalar.value = integer(value);
      if ((typeof value !== 'number' && value !== 0n) || source === undefined) return;
      if (!/\d/.test(source)) throw new Error(`${source} is no number that JSON has`);
      const number = exactNumber(jsonSpelling(source));
      if (typeof number === 'number') return;
      // The library makes plain values of all scalars; exact numbers are put back afterwards.
      const mark = `number-${globalThis.crypto.randomUUID()}`;
      kept.set(mark, number);
      scalar.value = mark;
    },
  });
  // Aliases can make a few lines a giant.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return kept.size === 0 ? value : putBack(value, kept, new Set());
}

/** YAML allows a plus sign, and a point without digits before or after it; JSON does not. */
function jsonSpelling(source: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = ''] =
    /^([-+]?)0*(\d*)(?:\.(\d*))?([eE][-+]?\d+)?$/.exec(source) ?? [];
  return `${sign === '-' ? '-' : ''}${whole || '0'}${fraction === '' ? '' : `.${fraction}`}${exponent}`;
}

/** In place: an alias leads to the same list or table. */
function putBack(value: unknown, kept: ReadonlyMap<string, Exact>, seen: Set<object>): unknown {
  if (typeof value === 'string') return kept.get(value) ?? value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  const parts = value as Record<string, unknown>;
  for (const key of Object.keys(parts)) parts[key] = putBack(parts[key], kept, seen);
  return value;
}
