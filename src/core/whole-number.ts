/**
 * Reads a whole number from a foreign text, only in the one decimal spelling that `String` prints. `Number` would take
 * `0x10` for 16, `1.1e1` for 11 and an empty text for 0, so that two texts could mean one number.
 */
export function wholeNumber(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
