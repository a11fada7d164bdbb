/**
 * Takes the long strings out of a JSON message while its bytes come in, and makes sure of what is in them.
 *
 * Only the strings that it takes out are checked, byte by byte as the grammar has them; what is left is parsed by
 * whoever reads the message. Of what is no UTF-8, of a string that is no JSON, and of a message that consists of short
 * things it makes nothing: such a message is read as text.
 */
import { isUtf8 } from 'node:buffer';
import { StrictStringEnds } from './byte-strings.ts';
import { Elided, LONG_STRING, elisionMark } from './elided.ts';
import { QUOTE } from './reader.ts';

/** What is left of a message without its long strings must be short: otherwise reading the text is cheaper. */
const MOST_LEFT = 64 * 1024;

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
  readonly #ends = new StrictStringEnds();
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
