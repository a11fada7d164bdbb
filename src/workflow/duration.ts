/** The longest duration, milliseconds: a year. */
const MAX_MS = 366 * 86_400_000;

/** Milliseconds from `1500`, `"500ms"`, `"30s"`, `"1.5m"`, `"2h"`, `"7d"`; `undefined` for other values. */
export function parseDuration(value: unknown): number | undefined {
  const amount = typeof value === 'string' ? withUnit(value) : value;
  if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0 || amount > MAX_MS)
    return undefined;
  return Math.round(amount);
}

const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function withUnit(text: string): number | undefined {
  const [, number, unit = 'ms'] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS.get(unit) ?? NaN);
}
