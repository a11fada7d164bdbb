/**
 * The strings of JSON that comes as bytes, in pieces that end anywhere: where they end, and whether they are JSON.
 *
 * UTF-8 uses the bytes of quotes and backslashes for nothing else, so that nothing has to be decoded.
 */
import { BACKSLASH, NOWHERE, QUOTE } from './reader.ts';

const SPACE = 0x20;

/** Finds the ends of strings by their quotes and backslashes alone. A string need not be JSON for that. */
export class LooseStringEnds {
  /** The next byte stands behind a backslash. */
  #escaped = false;

  /** @returns the place of the closing quote; the length of the piece where the string goes on behind it. */
  find(piece: Buffer, from: number): number {
    let at = from;
    if (this.#escaped && at < piece.length) {
      this.#escaped = false;
      at++;
    }
    for (;;) {
      const quote = piece.indexOf(QUOTE, at);
      const end = quote < 0 ? piece.length : quote;
      let slash = end;
      while (slash > at && piece[slash - 1] === BACKSLASH) slash--;
      const escapes = (end - slash) % 2 === 1;
      if (quote < 0) {
        this.#escaped ||= escapes;
        return end;
      }
      if (!escapes) return quote;
      at = quote + 1;
    }
  }
}

/** Counts for what may follow a backslash: 1, or for `u` the number of its hex digits and one. */
const ESCAPES = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPES[letter.charCodeAt(0)] = 1;
ESCAPES['u'.charCodeAt(0)] = 5;
const HEX = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;
/** The place within an escape where a piece may end: behind its backslash, or with so many hex digits to come. */
const BEHIND_BACKSLASH = 5;

/**
 * Finds the ends of strings and checks what is in them, as the grammar has it.
 *
 * One pass does both: finding the end with `LooseStringEnds` first takes half as long again where escapes are frequent.
 */
export class StrictStringEnds {
  /** The rest of an escape that is still to come: hex digits, or `BEHIND_BACKSLASH`. */
  #due = 0;

  /**
   * @param words the same bytes, four at a time.
   * @returns as `LooseStringEnds`; `NOWHERE` where the string is no JSON.
   */
  find(bytes: Buffer, words: Int32Array, from: number): number {
    let i = from;
    for (;;) {
      if (this.#due > 0) {
        i = this.#escapeEnd(bytes, i);
        if (i < 0) return NOWHERE;
      }
      if ((i & 3) === 0) i = 4 * plainWords(words, i >> 2);
      if (i >= bytes.length) return bytes.length;
      const byte = bytes[i] as number;
      if (byte === QUOTE) return i;
      if (byte < SPACE) return NOWHERE;
      if (byte === BACKSLASH) this.#due = BEHIND_BACKSLASH;
      i++;
    }
  }

  /** @returns where the escape ends, or the bytes do; `NOWHERE` where it is none. */
  #escapeEnd(bytes: Buffer, from: number): number {
    let i = from;
    for (; this.#due > 0 && i < bytes.length; i++) {
      const byte = bytes[i] as number;
      const known = this.#due === BEHIND_BACKSLASH ? ESCAPES[byte] : HEX[byte];
      if (known === 0) return NOWHERE;
      this.#due = this.#due === BEHIND_BACKSLASH ? (known as number) - 1 : this.#due - 1;
    }
    return i;
  }
}

/**
 * Goes on from one word to the next while none of its four bytes ends a string, begins an escape or is a control
 * character. The sums look at all four together; Hacker's Delight, chapter 6, tells how.
 */
function plainWords(words: Int32Array, from: number): number {
  let at = from;
  for (; at < words.length; at++) {
    const word = words[at] as number;
    // Changes places of the quote and the space, so that one comparison serves for all below.
    const low = word ^ 0x02020202;
    const slash = word ^ 0x5c5c5c5c;
    if ((((low - 0x21212121) & ~low) | ((slash - 0x01010101) & ~slash)) & 0x80808080) return at;
  }
  return at;
}
