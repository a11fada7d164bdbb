/**
 * Reads over a JSON message that is too large to keep, and finds its id.
 *
 * A state machine over bytes, which holds nothing but the value of a short top-level member.
 */
import { LooseStringEnds } from './byte-strings.ts';
import { CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './reader.ts';

/** The facts that are kept of a message that was too large. */
export interface Oversized {
  readonly bytes: number;
  /** The top-level `id`; `undefined` if there is none, or if the message is no object. */
  readonly id: number | string | undefined;
  /** The message has a `method`: it is a request or a notification, so that `id` is the sender's and answers nothing. */
  readonly hasMethod: boolean;
}

/** A longer key or id is not one that we could have given out. */
const LONGEST_TOKEN = 1024;

export class OversizedScanner {
  #bytes = 0;
  #id: number | string | undefined;
  #hasMethod = false;

  #noObject = false;
  #depth = 0;
  #inString = false;
  readonly #ends = new LooseStringEnds();
  #atKey = false;
  #key = '';
  /** The raw spelling of the top-level key or value being read; cut at `LONGEST_TOKEN`. */
  #token = '';

  get result(): Oversized {
    return { bytes: this.#bytes, id: this.#id, hasMethod: this.#hasMethod };
  }

  /** The next piece of the message, in order; the line's end is not part of it. */
  scan(piece: Buffer): void {
    this.#bytes += piece.length;
    let i = 0;
    while (i < piece.length && !this.#noObject)
      i = this.#inString ? this.#string(piece, i) : this.#plain(piece, i);
  }

  /** Runs inside a string. @returns where it stopped: behind the closing quote, or at the end of the piece. */
  #string(piece: Buffer, from: number): number {
    const end = this.#ends.find(piece, from);
    this.#inString = end === piece.length;
    const i = this.#inString ? end : end + 1;
    if (this.#depth === 1) this.#keep(piece, from, i);
    if (!this.#inString && this.#depth === 1 && this.#atKey) {
      this.#key = String(parsed(this.#token));
      this.#token = '';
    }
    return i;
  }

  /** Runs outside of strings, up to the next quote. */
  #plain(piece: Buffer, from: number): number {
    for (let i = from; i < piece.length; i++) {
      const byte = piece[i] as number;
      if (byte === QUOTE) {
        if (this.#depth === 1) this.#keep(piece, i, i + 1);
        else if (this.#depth === 0) this.#noObject = true;
        this.#inString = true;
        return i + 1;
      }
      if (this.#depth > 1) {
        if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth++;
        else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#depth--;
      } else if (this.#depth === 1) this.#topLevel(piece, i, byte);
      else if (byte === OPEN_OBJECT) {
        this.#depth = 1;
        this.#atKey = true;
      } else if (byte > 0x20) {
        this.#noObject = true;
        return piece.length;
      }
    }
    return piece.length;
  }

  #topLevel(piece: Buffer, i: number, byte: number): void {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth = 2;
    else if (byte === COLON) this.#atKey = false;
    else if (byte === COMMA || byte === CLOSE_OBJECT) {
      this.#endMember();
      this.#atKey = true;
      // Text behind the object is not read: at depth 0 only another opening brace counts.
      if (byte === CLOSE_OBJECT) this.#depth = 0;
    } else if (byte > 0x20) this.#keep(piece, i, i + 1);
  }

  #endMember(): void {
    if (this.#key === 'method') this.#hasMethod = true;
    if (this.#key === 'id') {
      const id = parsed(this.#token);
      this.#id = typeof id === 'number' || typeof id === 'string' ? id : undefined;
    }
    this.#key = '';
    this.#token = '';
  }

  #keep(piece: Buffer, from: number, to: number): void {
    if (!this.#atKey && this.#key !== 'id') return;
    const room = LONGEST_TOKEN - this.#token.length;
    // latin1 keeps one character a byte, also where a character is split between two pieces.
    if (room > 0) this.#token += piece.toString('latin1', from, Math.min(to, from + room));
  }
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'latin1').toString());
  } catch {
    return undefined;
  }
}
