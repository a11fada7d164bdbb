/**
 * Finds its way in a long JSON text by its bytes, without making a value of it: where items end, and where the value
 * of a JSON pointer stands.
 *
 * The text must be valid JSON.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export interface JsonSpan {
  readonly from: number;
  readonly to: number;
}

/** Where a scan is: how deep, and whether within a string. */
export interface Position {
  readonly at: number;
  readonly depth: number;
  readonly inString: boolean;
}

export const START: Position = { at: 0, depth: 0, inString: false };

/** @param onBorder is told where one item ends and the next begins: behind the comma, and how deep it is. */
export function scan(
  bytes: Buffer,
  from: Position,
  to: number,
  onBorder?: (at: number, depth: number) => void,
): Position {
  let { at, depth, inString } = from;
  const end = Math.min(to, bytes.length);
  while (at < end) {
    if (inString) {
      const close = stringEnd(bytes, at);
      // Never between a backslash and what it escapes, or who goes on from here would misread it.
      if (close >= end) return { at: end + (slashesBefore(bytes, end) % 2), depth, inString: true };
      at = close + 1;
      inString = false;
      continue;
    }
    const byte = bytes[at++];
    if (byte === QUOTE) inString = true;
    else if (byte === COMMA) onBorder?.(at, depth);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  return { at: end, depth, inString };
}

/** @returns where the value of the pointer stands; `undefined` where there is none. */
export function pointed(bytes: Buffer, pointer: string): JsonSpan | undefined {
  let span: JsonSpan | undefined = trimmed(bytes, { from: 0, to: bytes.length });
  for (const step of stepsOf(pointer)) {
    if (!span) return undefined;
    span = bytes[span.from] === OPEN_LIST ? element(bytes, span, step) : member(bytes, span, step);
  }
  return span;
}

/** @returns what stands directly within a list or an object, in order; of an object with its key. */
export function* items(bytes: Buffer, span: JsonSpan): Generator<JsonSpan> {
  const isObject = bytes[span.from] === OPEN_OBJECT;
  if (!isObject && bytes[span.from] !== OPEN_LIST) return;
  let at = skipSpace(bytes, span.from + 1);
  while (at < span.to - 1) {
    const from = at;
    if (isObject) at = skipSpace(bytes, skipSpace(bytes, stringEnd(bytes, at + 1) + 1) + 1);
    const to = valueEnd(bytes, at);
    yield { from, to };
    at = skipSpace(bytes, to);
    if (bytes[at] !== COMMA) return;
    at = skipSpace(bytes, at + 1);
  }
}

function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function element(bytes: Buffer, span: JsonSpan, step: string): JsonSpan | undefined {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(step)) return undefined;
  let rest = Number(step);
  for (const item of items(bytes, span)) if (rest-- === 0) return item;
  return undefined;
}

function member(bytes: Buffer, span: JsonSpan, step: string): JsonSpan | undefined {
  if (bytes[span.from] !== OPEN_OBJECT) return undefined;
  let found: JsonSpan | undefined;
  for (const { from, to } of items(bytes, span)) {
    const keyEnd = stringEnd(bytes, from + 1) + 1;
    // Of members of the same name the last one counts, as for JSON.parse.
    if (keyOf(bytes, from, keyEnd) === step) {
      const colon = skipSpace(bytes, keyEnd);
      if (bytes[colon] === COLON) found = { from: skipSpace(bytes, colon + 1), to };
    }
  }
  return found;
}

function keyOf(bytes: Buffer, from: number, to: number): string {
  return JSON.parse(bytes.toString('utf8', from, to)) as string;
}

/** @returns where the string's closing quote stands, that is begun before `from`. */
function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from; ;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return bytes.length;
    if (slashesBefore(bytes, quote) % 2 === 0) return quote;
    at = quote + 1;
  }
}

function slashesBefore(bytes: Buffer, at: number): number {
  let slashes = 0;
  while (bytes[at - slashes - 1] === BACKSLASH) slashes++;
  return slashes;
}

function valueEnd(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return stringEnd(bytes, from + 1) + 1;
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = stringEnd(bytes, at + 1);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
  }
  return bytes.length;
}

function trimmed(bytes: Buffer, { from, to }: JsonSpan): JsonSpan {
  let end = to;
  while (end > from && isSpace(bytes[end - 1])) end--;
  return { from: skipSpace(bytes, from), to: end };
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
