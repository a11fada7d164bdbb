/**
 * Reads and prints JSON with numbers as they are spelt.
 *
 * A double holds integers up to 2^53 and some 17 digits; `JSON.parse` rounds all others without a word. Here they become
 * a `bigint` or an `ExactNumber`, and are printed as they came. `JSON.stringify` refuses both, so that a place that
 * forgets them fails and does not round.
 */
import { looseStringEnd, numberEnd, QUOTE } from './reader.ts';

/** A number that is not a double as spelt, and not an integer in plain digits. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The double that is nearest to it. */
  get nearest(): number {
    return Number(this.text);
  }

  /** `true` for a double in another notation: with an exponent, with 17 digits, or `-0`. */
  get isDouble(): boolean {
    const { nearest } = this;
    if (!Number.isFinite(nearest) || this.text.length > MAX_DIGITS) return false;
    const decimal = decimalOf(this.text);
    return decimalOf(String(nearest)) === decimal || decimalOf(nearest.toPrecision(17)) === decimal;
  }

  toString(): string {
    return this.text;
  }

  /** `JSON.stringify` refuses a `bigint`, and so refuses this. */
  toJSON(): bigint {
    return 0n;
  }
}

/** A number as `parseExact` returns it. */
export type Exact = number | bigint | ExactNumber;

export function isExact(value: unknown): value is bigint | ExactNumber {
  return typeof value === 'bigint' || value instanceof ExactNumber;
}

/** The least number of characters of a number that is longer than a double. */
const LONG = 16;
/** Matches the beginning of a number that is so long, has an exponent that matters, or is a zero with a sign. */
const LONG_NUMBER = /(?:^|[[:,\s])(?:-?[\d.]{16}|-?[\d.]+[eE][-+]?\d\d|-0(?:\.0+)?(?![.\d]))/;
const EXPONENT = /\d[eE][-+]?\d\d/;
const SIGNED_ZERO = /(?:^|[[:,\s])-0/;

/** @returns `false` where `JSON.parse` gives all numbers of this text as they are; most texts have no others. */
export function mayRound(text: string): boolean {
  // Every result of a step is looked at, and three quick looks are sooner done than one at everything.
  const suspect = hasLongRun(text) || EXPONENT.test(text) || (text.includes('-0') && SIGNED_ZERO.test(text));
  return suspect && LONG_NUMBER.test(text);
}

/** Looks for digits and points in a row: one character in sixteen tells whether there may be so many. */
function hasLongRun(text: string): boolean {
  for (let i = LONG - 1; i < text.length; i += LONG) {
    if (!isOfNumber(text.charCodeAt(i))) continue;
    let [first, last] = [i, i];
    while (isOfNumber(text.charCodeAt(first - 1))) first--;
    while (isOfNumber(text.charCodeAt(last + 1))) last++;
    if (last - first >= LONG - 1) return true;
  }
  return false;
}

function isOfNumber(c: number): boolean {
  return c === POINT || (c >= ZERO && c <= NINE);
}

/** @throws SyntaxError as `JSON.parse` does. */
export function parseExact(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  if (!mayRound(text)) return plain;
  const kept: (bigint | ExactNumber)[] = [];
  const marked = markNumbers(text, kept);
  if (kept.length === 0) return plain;
  const mark = markOf();
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? kept[Number(value.slice(mark.length))] : value,
  ) as unknown;
}

/** Prints as `JSON.stringify` does, with each number as it was spelt. */
export function printExact(value: unknown, indent?: number | string): string | undefined {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  const mark = markOf();
  const marked = JSON.stringify(
    value,
    function (this: Readonly<Record<string, unknown>>, key, part: unknown) {
      const own = this[key];
      return isExact(own) ? `${mark}${String(own)}` : part;
    },
    indent,
  );
  return marked.replaceAll(new RegExp(`"${mark}([^"]*)"`, 'g'), '$1');
}

/** Reads a number: a plain one if a double is exact, a `bigint` for other integers, else an `ExactNumber`. */
export function exactNumber(spelling: string): Exact {
  const number = Number(spelling);
  if (Object.is(number, -0) || spelling.length > MAX_DIGITS) return new ExactNumber(spelling);
  if (Number.isSafeInteger(number) && /^-?\d+$/.test(spelling)) return number;
  const decimal = decimalOf(spelling);
  const whole = integerOf(decimal, spelling);
  if (whole !== undefined) return integer(whole);
  const same = decimalOf(String(number)) === decimal && !Number.isInteger(number);
  return same ? number : new ExactNumber(spelling);
}

/** @returns whether both are the same number in whatever notation. */
export function sameNumber(a: Exact, b: Exact): boolean {
  if (decimalOf(String(a)) === decimalOf(String(b))) return true;
  const doubles = [a, b].every((one) => !(one instanceof ExactNumber) || one.isDouble);
  return doubles && typeof a !== 'bigint' && typeof b !== 'bigint' && nearest(a) === nearest(b);
}

function nearest(value: number | ExactNumber): number {
  return typeof value === 'number' ? value : value.nearest;
}

/** Converts an integer to a plain number if that is exact. */
export function integer(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Longer numbers are passed on unread: the time for reading grows faster than the length. */
const MAX_DIGITS = 400;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Replaces each number that `JSON.parse` must not read by a string that refers to it. */
function markNumbers(text: string, kept: (bigint | ExactNumber)[]): string {
  const mark = markOf();
  let marked = '';
  let from = 0;
  for (let i = 0; i < text.length;) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = looseStringEnd(text, i);
    else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      const spelling = text.slice(i, numberEnd(text, i));
      const value = exactNumber(spelling);
      if (typeof value !== 'number') {
        marked += `${text.slice(from, i)}"${mark}${kept.length}"`;
        kept.push(value);
        from = i + spelling.length;
      }
      i += spelling.length;
    } else i++;
  }
  return marked + text.slice(from);
}

let mark: string | undefined;

/** The mark is random, so that no sender can know it. */
function markOf(): string {
  return (mark ??= `number-${globalThis.crypto.randomUUID()}:`);
}

/** Normalises a number: equal numbers give equal texts of significant digits and exponent. */
function decimalOf(spelling: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(spelling) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  if (end === 0) return '0';
  return `${sign}${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

/** An integer with more digits is only written out if it was spelt that way. */
const COUNTED_DIGITS = 19;

function integerOf(decimal: string, spelling: string): bigint | undefined {
  if (/^-?\d+$/.test(spelling)) return BigInt(spelling);
  const [digits = '', exponent = '0'] = decimal.split('e');
  const zeros = Number(exponent);
  if (!(zeros >= 0 && digits.length + zeros <= COUNTED_DIGITS)) return undefined;
  return BigInt(digits + '0'.repeat(zeros));
}
