/**
 * Text that comes as bytes in pieces, a character split anywhere. What is long is decoded as it comes: in the time in
 * which the rest is on its way.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

/** Shorter text is decoded at once, when it is whole. Also the most that is copied together. */
const DECODED_FROM = 64 * 1024;
const STREAM = { stream: true };

export class LongText {
  readonly #strict: boolean;
  /** Not decoded yet. A single piece is held as it is, more are copied together. */
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #bytes = 0;
  #text = '';
  #decoder: TextDecoder | undefined;
  /** Nothing of a character that has begun is with the decoder. */
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
    const held = this.#heldBytes + piece.length;
    this.#bytes += piece.length;
    if (this.#heldBytes === 0) {
      this.#held = piece;
    } else {
      if (held > this.#held.length) this.#grow(held);
      piece.copy(this.#held, this.#heldBytes);
    }
    this.#heldBytes = held;
    if (held < DECODED_FROM) return;
    this.#text += this.#decoded(STREAM);
    this.#held = NOTHING;
    this.#heldBytes = 0;
  }

  /** All of it; afterwards there is nothing left. `undefined`: it is not UTF-8, and must be. */
  take(): string | undefined {
    const short = this.#bytes === this.#heldBytes;
    const text = short ? this.#short() : this.#text + this.#decoded();
    const broken = this.#broken;
    this.clear();
    return broken ? undefined : text;
  }

  /** What has come, whole characters of it. */
  peek(): Buffer {
    return Buffer.concat([Buffer.from(this.#text), this.#held.subarray(0, this.#heldBytes)]);
  }

  clear(): void {
    this.#held = NOTHING;
    this.#heldBytes = 0;
    this.#bytes = 0;
    this.#text = '';
    this.#decoder = undefined;
    this.#between = true;
    this.#broken = false;
  }

  #short(): string {
    const bytes = this.#held.subarray(0, this.#heldBytes);
    if (this.#strict && !isUtf8(bytes)) this.#broken = true;
    return bytes.toString('utf8');
  }

  #decoded(options?: typeof STREAM): string {
    if (this.#broken) return '';
    const bytes = this.#held.subarray(0, this.#heldBytes);
    if (this.#between && isAscii(bytes)) return bytes.toString('latin1');
    this.#between = (bytes.at(-1) ?? 0) < 0x80;
    this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: true, fatal: this.#strict });
    try {
      return this.#decoder.decode(bytes, options);
    } catch {
      // Only where it is strict.
      this.#broken = true;
      return '';
    }
  }

  /** Doubles, so that text that comes byte by byte costs linear time and no object a byte. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length, 1024));
    this.#held.copy(larger, 0, 0, this.#heldBytes);
    this.#held = larger;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
