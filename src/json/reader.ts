/**
 * The reader of JSON text: goes over a text without making anything of it, and tells where its tokens end.
 *
 * Everything that checks, cuts or replaces parts of a text stands on these functions. `valueEnd` is as strict as
 * `JSON.parse`. `looseValueEnd` only looks for brackets and quotes: it agrees with the strict one on all valid text, is
 * faster where strings are long, and still finds its way through text that is damaged or too deep. Places are handed
 * around as numbers, and no function keeps any state.
 */

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** The blank; its bit makes a letter of ASCII lower case. */
const SPACE = 0x20;
export const QUOTE = 0x22;
const PLUS = 0x2b;
export const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
const LOWER_A = 0x61;
const LOWER_B = 0x62;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_R = 0x72;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

/** The place of what is not there, or is no JSON. */
export const NOWHERE = -1;

/** A string is gone over by a regular expression from so many characters on. */
const LONG_STRING = 32;
/** No quote, no backslash, nothing below the blank. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
/** The number of levels that fit into the bits of one number. */
const LEVELS_A_NUMBER = 30;

/** @returns the place of the next character that is no white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== SPACE && c !== LINE_FEED && c !== CARRIAGE_RETURN && c !== TAB) return at;
    at++;
  }
}

/** `skipSpace` within one line. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== SPACE && c !== TAB) return at;
    at++;
  }
}

/**
 * Reads one value that is JSON and stands on one line.
 *
 * @param maxDepth levels of objects and arrays within the value, its own included.
 * @returns where the value ends; `NOWHERE` where it is no JSON, is nested deeper, or holds a line break.
 */
export function valueEnd(text: string, from: number, maxDepth: number): number {
  let at = from;
  let depth = 0;
  /** One bit for each of the inner levels: whether it is an object. The levels further out stand in `outer`. */
  let kinds = 0;
  let outer: number[] | undefined;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) at = stringEnd(text, at);
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      at = skipBlanks(text, at + 1);
      if (depth >= maxDepth) return NOWHERE;
      // An empty one is read like a scalar, any other as a level.
      if (text.charCodeAt(at) === c + 2) at++;
      else {
        if (depth > 0 && depth % LEVELS_A_NUMBER === 0) {
          (outer ??= []).push(kinds);
          kinds = 0;
        }
        depth++;
        kinds <<= 1;
        if (c === OPEN_OBJECT) {
          kinds |= 1;
          at = keyEnd(text, at);
          if (at < 0) return NOWHERE;
        }
        continue;
      }
    } else at = scalarEnd(text, at, c);
    if (at < 0) return NOWHERE;
    for (;;) {
      if (depth === 0) return at;
      at = skipBlanks(text, at);
      const next = text.charCodeAt(at++);
      if (next === COMMA) {
        at = skipBlanks(text, at);
        if (kinds & 1) {
          at = keyEnd(text, at);
          if (at < 0) return NOWHERE;
        }
        break;
      }
      if (next !== (kinds & 1 ? CLOSE_OBJECT : CLOSE_ARRAY)) return NOWHERE;
      depth--;
      kinds = depth > 0 && depth % LEVELS_A_NUMBER === 0 ? (outer?.pop() as number) : kinds >> 1;
    }
  }
}

/** Skips a key and its colon. @returns where the value begins. */
function keyEnd(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) return NOWHERE;
  const end = stringEnd(text, from);
  if (end < 0) return NOWHERE;
  const colon = skipBlanks(text, end);
  return text.charCodeAt(colon) === COLON ? skipBlanks(text, colon + 1) : NOWHERE;
}

/** @returns where the string that begins with the quote here ends, or `NOWHERE`. */
export function stringEnd(text: string, from: number): number {
  let at = from + 1;
  for (let read = 0; ; read++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return at + 1;
    if (c === BACKSLASH) {
      at = escapeEnd(text, at);
      if (at < 0) return NOWHERE;
    } else if (c >= SPACE) at++;
    // The end of the text is no number, and so comes here as well.
    else return NOWHERE;
    if (read === LONG_STRING) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      at = PLAIN.lastIndex;
      read = 0;
    }
  }
}

function escapeEnd(text: string, from: number): number {
  const c = text.charCodeAt(from + 1);
  const at = from + 2;
  if (c !== LOWER_U) return isEscaped(c) ? at : NOWHERE;
  for (let i = at; i < at + 4; i++) if (!isHex(text.charCodeAt(i))) return NOWHERE;
  return at + 4;
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

/** A word or a number that begins with the character `c`. */
function scalarEnd(text: string, at: number, c: number): number {
  if (c === LOWER_T) return text.startsWith('true', at) ? at + 4 : NOWHERE;
  if (c === LOWER_F) return text.startsWith('false', at) ? at + 5 : NOWHERE;
  if (c === LOWER_N) return text.startsWith('null', at) ? at + 4 : NOWHERE;
  return numberEnd(text, at);
}

/** @returns where the number that begins here ends, or `NOWHERE`. */
export function numberEnd(text: string, from: number): number {
  let at = text.charCodeAt(from) === MINUS ? from + 1 : from;
  at = text.charCodeAt(at) === ZERO ? at + 1 : digitsEnd(text, at);
  if (at >= 0 && text.charCodeAt(at) === POINT) at = digitsEnd(text, at + 1);
  if (at < 0 || (text.charCodeAt(at) | SPACE) !== LOWER_E) return at;
  const sign = text.charCodeAt(at + 1);
  return digitsEnd(text, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** Skips digits, one at least. */
function digitsEnd(text: string, from: number): number {
  let at = from;
  for (let c = text.charCodeAt(at); c >= ZERO && c <= NINE; c = text.charCodeAt(at)) at++;
  return at > from ? at : NOWHERE;
}

/** @returns where the string that begins here ends; the end of the text where its closing quote is missing. */
export function looseStringEnd(text: string, from: number): number {
  let at = from + 1;
  for (;;) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let slash = at - 1;
    while (text.charCodeAt(slash) === BACKSLASH) slash--;
    at++;
    if ((at - slash) % 2 === 0) return at;
  }
}

/** @returns where the value ends, or the text does; `NOWHERE` where it is nested deeper than `maxDepth`. */
export function looseValueEnd(text: string, from: number, maxDepth: number): number {
  if (text.charCodeAt(from) === QUOTE) return looseStringEnd(text, from);
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) at = looseStringEnd(text, at) - 1;
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (++depth > maxDepth) return NOWHERE;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
      if (depth === 0) return withoutSpace(text, from, at);
      if (--depth === 0) return at + 1;
    } else if (c === COMMA && depth === 0) return withoutSpace(text, from, at);
  }
  return text.length;
}

function withoutSpace(text: string, from: number, end: number): number {
  let at = end;
  while (at > from && text.charCodeAt(at - 1) <= SPACE) at--;
  return at;
}
