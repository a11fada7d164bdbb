/**
 * Takes the long strings out of a JSON message while its bytes are received, and checks them.
 *
 * Strings are checked byte by byte, as the grammar has them; the rest of the message is parsed by its reader. A message
 * that is no UTF-8, has a string that is no JSON, or consists of short things is not elided, and is read as text.
 */
import { isUtf8 } from 'node:buffer';
import { StrictStringEnds } from './byte-strings.ts';
import { Elided, LONG_STRING, elisionMark } from './elided.ts';
import { QUOTE } from './reader.ts';

/** A message whose remainder is longer than this is cheaper to read as text. */
const MOST_LEFT = 64 * 1024;

export class Elider {
  /** All blocks so far. */
  readonly blocks: Buffer[] = [];
  readonly #strings: Buffer[][] = [];
  /** The remaining text up to the last string that was taken out. */
  #text = '';
  /** The remaining bytes behind that string. */
  #left: Buffer[] = [];
  #leftBytes = 0;
  #inString = false;
  /** The parts of the current string in earlier blocks. */
  #string: Buffer[] = [];
  #stringBytes = 0;
  readonly #ends = new StrictStringEnds();
  /** The first bytes of a character that the last block ended in. */
  #begun: Buffer = NOTHING;

  /** @returns `false` if the message cannot be elided: nothing more may be added then. */
  add(block: Buffer): boolean {
    this.blocks.push(block);
    return this.#isUtf8(block) && this.#scan(block) && this.#leftBytes <= MOST_LEFT;
  }

  /** Ends the message. @returns `undefined` if there is nothing to elide. */
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
    // An `Int32Array` has to begin at a multiple of four.
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
      const end = this.#ends.find(bytes, words, start);
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

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** @returns the number of bytes at the end that belong to an unfinished character. */
function unfinished(block: Buffer, from: number): number {
  for (let count = 1; count <= 3 && block.length - count >= from; count++) {
    const byte = block[block.length - count] as number;
    if (isContinuation(byte)) continue;
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > count ? count : 0;
  }
  return 0;
}
