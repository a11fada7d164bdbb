/** Lenient looks into a client's table: what has another type counts as not given. */
import type { PlainValue } from '../text/tree.ts';
import type { ClientTable } from './client-dialect.ts';

export function textIn(table: ClientTable, key: string): string | undefined {
  const value = table.get(key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberIn(table: ClientTable, key: string): number | undefined {
  const value = table.get(key);
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** Numbers and switches become text; anything else in the list is left out. */
export function textsIn(table: ClientTable, key: string): readonly string[] | undefined {
  const value = table.get(key);
  return Array.isArray(value) ? value.flatMap((item: PlainValue) => asText(item) ?? []) : undefined;
}

export function textMapIn(table: ClientTable, key: string): ReadonlyMap<string, string> {
  const pairs = [...(tableIn(table, key) ?? [])].flatMap(([name, value]) => {
    const text = asText(value);
    return text === undefined ? [] : [[name, text] as const];
  });
  return new Map(pairs);
}

export function tableIn(table: ClientTable, key: string): ClientTable | undefined {
  return asTable(table.get(key));
}

export function asTable(value: PlainValue | undefined): ClientTable | undefined {
  return value instanceof Map ? (value as ClientTable) : undefined;
}

function asText(value: PlainValue): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value : undefined;
}
