/** A time of day in milliseconds, from ISO text or from milliseconds since 1970; `undefined` if it is no time. */
export function toTime(value: unknown): number | undefined {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? time : undefined;
}
