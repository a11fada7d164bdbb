/**
 * Takes the long strings out of a JSON message while its bytes come in, and makes sure of what is in them.
 *
 * Only the strings that it takes out are checked, byte by byte as the grammar has them; what is left is parsed by
 * whoever reads the message. Of what is no UTF-8, of a string that is no JSON, and of a message that consists of short
 * things it makes nothing: such a message is read as text.
 */
import { isUtf8 } from 'node:buffer';
import { Elided, LONG_STRING, elisionMark } from './elided.ts';

/** What is left of a message without its long strings must be short: otherwise reading the text is cheaper. */
const MOST_LEFT = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** What may follow a backslash: 1, or for `u` the number of its hex digits and one. */
const ESCAPES = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPES[letter.charCodeAt(0)] = 1;
ESCAPES['u'.charCodeAt(0)] = 5;
const HEX = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;
/** Where within an escape a block may end: behind its backslash, or with so many hex digits to come. */
const BEHIND_BACKSLASH = 5;

export class Elider {
  /** All that has come. */
  readonly blocks: Buffer[] = [];
  readonly #strings: Buffer[][] = [];
  /** What is left of the message up to the last string that was taken out. */
  #text = '';
  /** What is left behind it. */
  #left: Buffer[] = [];
  #leftBytes = 0;
  #inString = false;
  /** What earlier blocks hold of the string that is being read. */
  #string: Buffer[] = [];
  #stringBytes = 0;
  /** How much of an escape is still to come: hex digits, or `BEHIND_BACKSLASH`. */
  #due = 0;
  /** The bytes of a character that the last block ended in. */
  #begun: Buffer = NOTHING;

  /** @returns `false` where it is no good: nothing more may be added then. */
  add(block: Buffer): boolean {
    this.blocks.push(block);
    return this.#isUtf8(block) && this.#scan(block) && this.#leftBytes <= MOST_LEFT;
  }

  /** The message has ended. */
  take(): Elided | undefined {
    if (this.#inString || this.#begun.length > 0 || this.#strings.length === 0) return undefined;
    return new Elided(this.#text + this.#takeLeft(), this.#strings);
  }

  #isUtf8(block: Buffer): boolean {
    let from = 0;
    if (this.#begun.length > 0) {
      while (from < 3 && from < block.length && isContinuation(block[from])) from++;
      const character = Buffer.concat([this.#begun, block.subarray(0, from)]);
      this.#begun = NOTHING;
      if (!isUtf8(character)) {
        this.#begun = character;
        return from === block.length && character.length < 4;
      }
    }
    const end = block.length - unfinished(block, from);
    if (end < block.length) this.#begun = block.subarray(end);
    return isUtf8(block.subarray(from, end));
  }

  /** @returns `false` where a string is no JSON. */
  #scan(block: Buffer): boolean {
    // Words have to begin at a multiple of four.
    const before = block.byteOffset & 3;
    const bytes = Buffer.from(block.buffer, block.byteOffset - before, before + block.length);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    let from = before;
    let start = before;
    for (;;) {
      if (!this.#inString) {
        const quote = bytes.indexOf(QUOTE, start);
        if (quote < 0) break;
        this.#inString = true;
        start = quote + 1;
      }
      const end = this.#stringEnd(bytes, words, start);
      if (end < 0) return false;
      this.#stringBytes += end - start;
      if (end === bytes.length) {
        this.#leave(bytes.subarray(from, start));
        this.#string.push(bytes.subarray(start));
        return true;
      }
      if (this.#stringBytes >= LONG_STRING) {
        this.#leave(bytes.subarray(from, start));
        this.#text += this.#takeLeft() + elisionMark(this.#strings.length);
        this.#strings.push([...this.#string, bytes.subarray(start, end)]);
        from = end;
      } else for (const piece of this.#string) this.#leave(piece);
      this.#string = [];
      this.#stringBytes = 0;
      this.#inString = false;
      start = end + 1;
    }
    this.#leave(bytes.subarray(from));
    return true;
  }

  /** @returns where the closing quote stands, the end of the bytes where there is none, -1 where it is no JSON. */
  #stringEnd(bytes: Buffer, words: Int32Array, from: number): number {
    let i = from;
    for (;;) {
      if (this.#due > 0) {
        i = this.#escapeEnd(bytes, i);
        if (i < 0) return -1;
      }
      if ((i & 3) === 0) i = 4 * plainWords(words, i >> 2);
      if (i >= bytes.length) return bytes.length;
      const byte = bytes[i] as number;
      if (byte === QUOTE) return i;
      if (byte < SPACE) return -1;
      if (byte === BACKSLASH) this.#due = BEHIND_BACKSLASH;
      i++;
    }
  }

  /** @returns where the escape ends, or the bytes do; -1 where it is none. */
  #escapeEnd(bytes: Buffer, from: number): number {
    let i = from;
    for (; this.#due > 0 && i < bytes.length; i++) {
      const byte = bytes[i] as number;
      const known = this.#due === BEHIND_BACKSLASH ? ESCAPES[byte] : HEX[byte];
      if (known === 0) return -1;
      this.#due = this.#due === BEHIND_BACKSLASH ? (known as number) - 1 : this.#due - 1;
    }
    return i;
  }

  #leave(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#left.push(bytes);
    this.#leftBytes += bytes.length;
  }

  #takeLeft(): string {
    const [first, ...more] = this.#left;
    const text = more.length === 0 ? first : Buffer.concat(this.#left);
    this.#left = [];
    return text?.toString('utf8') ?? '';
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

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

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** How many bytes at the end belong to a character that has only begun. */
function unfinished(block: Buffer, from: number): number {
  for (let count = 1; count <= 3 && block.length - count >= from; count++) {
    const byte = block[block.length - count] as number;
    if (isContinuation(byte)) continue;
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > count ? count : 0;
  }
  return 0;
}
