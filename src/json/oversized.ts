/**
 * Reads over a JSON message that is too large to keep, and remembers whose it is.
 *
 * A byte-level state machine: nothing but the value of a short top-level member is ever held.
 */

/** What is left of a message that was not kept. */
export interface Oversized {
  readonly bytes: number;
  /** The top-level `id`; `undefined` where there is none, or where the message is no object. */
  readonly id: number | string | undefined;
  /** It has a `method`: a request or a notification, so that `id` is the sender's own and answers nothing. */
  readonly hasMethod: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** A longer key or id is not one that we could have given out. */
const LONGEST_TOKEN = 1024;

export class OversizedScanner {
  #bytes = 0;
  #id: number | string | undefined;
  #hasMethod = false;

  #noObject = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
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
    let i = from;
    while (i < piece.length) {
      if (this.#escaped) {
        this.#escaped = false;
        i++;
        continue;
      }
      const quote = piece.indexOf(QUOTE, i);
      const end = quote < 0 ? piece.length : quote;
      let slashes = 0;
      while (end - slashes > i && piece[end - slashes - 1] === BACKSLASH) slashes++;
      i = end;
      this.#escaped = slashes % 2 === 1;
      if (quote < 0 || this.#escaped) continue;
      this.#inString = false;
      i++;
      break;
    }
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
      // Whatever follows the object is not read: depth 0 takes only another opening brace.
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
