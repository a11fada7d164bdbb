/** Longer than this a Node timer fires at once. */
export const maxDurationMs = 2_147_483_647;

/** Milliseconds from `1500`, `"1500"`, `"500ms"`, `"30s"`, `"1.5m"`, `"2h"`. Undefined if it is none of these. */
export function readDuration(value: unknown): number | undefined {
  return readAmount(value, durationUnits, maxDurationMs);
}

/** Bytes from `1024`, `"1024"`, `"64KB"` (thousands), `"32MiB"` (1024s). Undefined if it is none of these. */
export function readSize(value: unknown): number | undefined {
  return readAmount(value, sizeUnits, Number.MAX_SAFE_INTEGER);
}

function readAmount(value: unknown, units: ReadonlyMap<string, number>, max: number): number | undefined {
  const amount = typeof value === 'string' ? withUnit(value, units) : value;
  if (typeof amount !== 'number' || !Number.isInteger(amount) || amount < 0 || amount > max) return undefined;
  return amount;
}

function withUnit(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = units.get(match?.[2]?.toLowerCase() ?? '');
  if (match === null || factor === undefined) return undefined;
  return Math.round(Number(match[1]) * factor);
}

const durationUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1000],
  ['mb', 1000 ** 2],
  ['gb', 1000 ** 3],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
]);
