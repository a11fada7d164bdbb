/**
 * Decodes text that is received in pieces of bytes, which may split a character. Long text is elided, or else decoded,
 * piece by piece, while the rest is on its way.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { Elider } from './elide.ts';
import type { MessageText } from './elided.ts';

/** The length in bytes below which text is decoded at once when it is whole; also the most that is copied together. */
const LONG_FROM = 64 * 1024;
/** Once the text is long, pieces of this size are no longer copied together. */
const LARGE_PIECE = 8 * 1024;
const OPEN_OBJECT = 0x7b;
const STREAM = { stream: true };

export class LongText {
  readonly #strict: boolean;
  /** Bytes that are not decoded yet. A single piece is held as it is, several are copied together. */
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #bytes = 0;
  #text = '';
  #elider: Elider | undefined;
  #decoder: TextDecoder | undefined;
  /** `true` while the decoder holds no part of a character. */
  #between = true;
  #broken = false;

  /** @param strict whether what is not UTF-8 is an error; otherwise it becomes U+FFFD. */
  constructor(strict = false) {
    this.#strict = strict;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#elider && piece.length >= LARGE_PIECE) {
      this.#pass(this.#takeHeld());
      this.#pass(piece);
      return;
    }
    const held = this.#heldBytes + piece.length;
    if (this.#heldBytes === 0) {
      this.#held = piece;
    } else {
      if (held > this.#held.length) this.#grow(held);
      piece.copy(this.#held, this.#heldBytes);
    }
    this.#heldBytes = held;
    if (held < LONG_FROM) return;
    if (held === this.#bytes && this.#held[0] === OPEN_OBJECT) this.#elider = new Elider();
    this.#pass(this.#takeHeld());
  }

  /** Takes the whole text and starts anew. @returns `undefined` if strict and not UTF-8. */
  take(): MessageText | undefined {
    const short = this.#bytes === this.#heldBytes;
    if (!short) this.#pass(this.#takeHeld());
    const elided = this.#elider?.take();
    if (this.#elider && !elided) this.#decodeAfterAll(this.#elider);
    const text = elided ?? (short ? this.#short() : this.#text + this.#decoded(NOTHING));
    const broken = this.#broken;
    this.clear();
    return broken ? undefined : text;
  }

  /** The bytes so far. */
  peek(): Buffer {
    const held = this.#held.subarray(0, this.#heldBytes);
    return Buffer.concat([Buffer.from(this.#text), ...(this.#elider?.blocks ?? []), held]);
  }

  clear(): void {
    this.#held = NOTHING;
    this.#heldBytes = 0;
    this.#bytes = 0;
    this.#text = '';
    this.#elider = undefined;
    this.#decoder = undefined;
    this.#between = true;
    this.#broken = false;
  }

  #takeHeld(): Buffer {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = NOTHING;
    this.#heldBytes = 0;
    return held;
  }

  #pass(block: Buffer): void {
    if (block.length === 0) return;
    if (!this.#elider) this.#text += this.#decoded(block, STREAM);
    else if (!this.#elider.add(block)) this.#decodeAfterAll(this.#elider);
  }

  #decodeAfterAll({ blocks }: Elider): void {
    this.#elider = undefined;
    for (const block of blocks) this.#text += this.#decoded(block, STREAM);
  }

  #short(): string {
    const bytes = this.#held.subarray(0, this.#heldBytes);
    if (this.#strict && !isUtf8(bytes)) this.#broken = true;
    return bytes.toString('utf8');
  }

  #decoded(bytes: Buffer, options?: typeof STREAM): string {
    if (this.#broken) return '';
    if (this.#between && isAscii(bytes)) return bytes.toString('latin1');
    this.#between = (bytes.at(-1) ?? 0) < 0x80;
    this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: true, fatal: this.#strict });
    try {
      return this.#decoder.decode(bytes, options);
    } catch {
      // Only a strict decoder throws.
      this.#broken = true;
      return '';
    }
  }

  /** Doubles the buffer, so that text in single bytes costs linear time and no object for each byte. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length, 1024));
    this.#held.copy(larger, 0, 0, this.#heldBytes);
    this.#held = larger;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Reads a text that came in one piece. */
export function messageText(bytes: Buffer): MessageText {
  if (bytes.length < LONG_FROM) return bytes.toString('utf8');
  const text = new LongText();
  text.add(bytes);
  return text.take() ?? '';
}
