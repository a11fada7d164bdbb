/**
 * Reads over the text of a JSON object without making anything of it: is it JSON, and where do its members stand?
 *
 * As strict as `JSON.parse`, and wants all of it on one line. Of a small text it takes less than half of the time, and
 * it leaves nothing behind but the places; most of what passes is never looked at further. The reader in `edit.ts`
 * is for text that is known to be JSON, or that is to be understood although it is none.
 */

/** Of each member in order: where its key begins and ends, quotes included, and where its value does. */
export type MemberOffsets = readonly number[];

const TAB = 0x09;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_A = 0x61;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const SLASH = 0x2f;
const LOWER_B = 0x62;
const LOWER_R = 0x72;
/** As a bit it is what makes a letter of ASCII lower case. */
const SPACE = 0x20;
/** From so many characters on a string is gone over by a regular expression. */
const LONG_STRING = 32;
/** No quote, no backslash, nothing below the blank. */
const PLAIN = /[ !#-[\]-\uffff]*/y;

/** Where the reader stands: one text is read at a time, and handing this around would cost as much as the reading. */
let at = 0;
/** How many escapes have been read, ever: what matters is whether it grows. */
let escapes = 0;

/** Deeper ones are left to others: the reader calls itself for every level. */
export const DEEPEST = 500;

/**
 * @param from where the object begins, `to` where it ends, both within the text.
 * @param maxDepth levels of objects and arrays, this one included.
 * @returns places that count from `from`; `undefined` where that is not exactly one JSON object, or is nested deeper, or
 * has a key of its own that is spelt with an escape, or is on several lines.
 */
export function scanObject(
  text: string,
  from: number,
  to: number,
  maxDepth: number,
): MemberOffsets | undefined {
  at = from;
  if (maxDepth < 1 || text.charCodeAt(at++) !== OPEN_OBJECT) return undefined;
  const places: number[] = [];
  if (skipSpace(text) === CLOSE_OBJECT) return ++at === to ? places : undefined;
  for (;;) {
    const key = at - from;
    const escapesBefore = escapes;
    if (!skipString(text) || escapes > escapesBefore) return undefined;
    const keyEnd = at - from;
    if (skipSpace(text) !== COLON) return undefined;
    at++;
    skipSpace(text);
    const value = at - from;
    if (!skipValue(text, Math.min(maxDepth, DEEPEST) - 1)) return undefined;
    places.push(key, keyEnd, value, at - from);
    const next = skipSpace(text);
    at++;
    if (next === CLOSE_OBJECT) return at === to ? places : undefined;
    if (next !== COMMA) return undefined;
    skipSpace(text);
  }
}

/** Where a key stands that does not. */
export const NOWHERE = -1;

/** Which of the places is that of a key; the last one where it stands twice, as `JSON.parse` has it. */
export function lastOffset(text: string, places: MemberOffsets, key: string): number {
  for (let i = places.length - 4; i >= 0; i -= 4) if (isKey(text, places, i, key)) return i;
  return NOWHERE;
}

/** The same, unless the key stands twice. */
export function onlyOffset(text: string, places: MemberOffsets, key: string): number {
  const last = lastOffset(text, places, key);
  for (let i = 0; i < last; i += 4) if (isKey(text, places, i, key)) return NOWHERE;
  return last;
}

function isKey(text: string, places: MemberOffsets, i: number, key: string): boolean {
  const start = (places[i] as number) + 1;
  return (places[i + 1] as number) - start - 1 === key.length && text.startsWith(key, start);
}

/** On one line there are only two kinds. @returns the code of the character that follows. */
function skipSpace(text: string): number {
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== SPACE && c !== TAB) return c;
    at++;
  }
}

function skipValue(text: string, depth: number): boolean {
  const c = text.charCodeAt(at);
  if (c === QUOTE) return skipString(text);
  if (c === OPEN_OBJECT) return depth > 0 && skipObject(text, depth - 1);
  if (c === OPEN_ARRAY) return depth > 0 && skipArray(text, depth - 1);
  if (c === LOWER_T) return skipWord(text, 'true');
  if (c === LOWER_F) return skipWord(text, 'false');
  if (c === LOWER_N) return skipWord(text, 'null');
  return skipNumber(text);
}

function skipObject(text: string, depth: number): boolean {
  at++;
  if (skipSpace(text) === CLOSE_OBJECT) {
    at++;
    return true;
  }
  for (;;) {
    if (!skipString(text) || skipSpace(text) !== COLON) return false;
    at++;
    skipSpace(text);
    if (!skipValue(text, depth)) return false;
    const next = skipSpace(text);
    at++;
    if (next === CLOSE_OBJECT) return true;
    if (next !== COMMA) return false;
    skipSpace(text);
  }
}

function skipArray(text: string, depth: number): boolean {
  at++;
  if (skipSpace(text) === CLOSE_ARRAY) {
    at++;
    return true;
  }
  for (;;) {
    if (!skipValue(text, depth)) return false;
    const next = skipSpace(text);
    at++;
    if (next === CLOSE_ARRAY) return true;
    if (next !== COMMA) return false;
    skipSpace(text);
  }
}

function skipWord(text: string, word: string): boolean {
  if (!text.startsWith(word, at)) return false;
  at += word.length;
  return true;
}

function skipString(text: string): boolean {
  if (text.charCodeAt(at) !== QUOTE) return false;
  at++;
  for (let read = 0; ; read++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) {
      at++;
      return true;
    }
    if (c === BACKSLASH) {
      if (!skipEscape(text)) return false;
    } else if (c >= SPACE) at++;
    // The end of the text is no number, and so comes here as well.
    else return false;
    if (read === LONG_STRING) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      at = PLAIN.lastIndex;
      read = 0;
    }
  }
}

function skipEscape(text: string): boolean {
  const c = text.charCodeAt(at + 1);
  at += 2;
  escapes++;
  if (c !== LOWER_U) return isEscaped(c);
  const end = at + 4;
  for (; at < end; at++) if (!isHex(text.charCodeAt(at))) return false;
  return true;
}

function isEscaped(c: number): boolean {
  return (
    c === QUOTE ||
    c === BACKSLASH ||
    c === LOWER_N ||
    c === LOWER_T ||
    c === LOWER_R ||
    c === SLASH ||
    c === LOWER_B ||
    c === LOWER_F
  );
}

function isHex(c: number): boolean {
  return (c >= ZERO && c <= NINE) || ((c | SPACE) >= LOWER_A && (c | SPACE) <= LOWER_F);
}

function skipNumber(text: string): boolean {
  if (text.charCodeAt(at) === MINUS) at++;
  if (text.charCodeAt(at) === ZERO) at++;
  else if (!skipDigits(text)) return false;
  if (text.charCodeAt(at) === POINT) {
    at++;
    if (!skipDigits(text)) return false;
  }
  if ((text.charCodeAt(at) | SPACE) !== LOWER_E) return true;
  at++;
  const sign = text.charCodeAt(at);
  if (sign === PLUS || sign === MINUS) at++;
  return skipDigits(text);
}

function skipDigits(text: string): boolean {
  const from = at;
  for (let c = text.charCodeAt(at); c >= ZERO && c <= NINE; c = text.charCodeAt(at)) at++;
  return at > from;
}
