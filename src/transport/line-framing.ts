/**
 * Cuts a stream of bytes into lines. The hot path of the product: every message over stdio and TCP runs here.
 *
 * A line is decoded as a whole, so that a character may be split between chunks; what is not UTF-8 becomes
 * U+FFFD. Empty lines, a CR before the line's end and a byte order mark at the very start are left out.
 */
import { OversizedScanner } from './oversized.ts';
import type { Oversized } from './oversized.ts';

export interface LineEvents {
  line(text: string): void;
  /** A line longer than allowed went past without being kept. */
  oversized(line: Oversized): void;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = '\uFEFF';
/** A longer line is read over as it comes: to do so at once when it proves too long would stop everything for a while. */
const SCANNED_FROM = 4 * 1024 * 1024;

export class LineFraming {
  readonly #longest: number;
  readonly #events: LineEvents;
  /** The start of a line whose end has not come. A single chunk is held as it is, more are copied together. */
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #scanner: OversizedScanner | undefined;
  #tooLong = false;
  #atStart = true;

  constructor(longestLineBytes: number, events: LineEvents) {
    this.#longest = longestLineBytes;
    this.#events = events;
  }

  /** @returns how many lines ended in this chunk. */
  push(chunk: Buffer): number {
    let start = 0;
    let ended = 0;
    for (; ; ended++) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      if (this.#heldBytes === 0 && !this.#tooLong && end - start <= this.#longest) {
        this.#emit(chunk, start, end);
      } else {
        this.#hold(chunk.subarray(start, end));
        this.#endLine();
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(start === 0 ? chunk : chunk.subarray(start));
    return ended;
  }

  /** The stream has ended: a last message that lacks only its newline still counts. */
  end(): void {
    if (this.#heldBytes > 0 || this.#tooLong) this.#endLine();
  }

  #endLine(): void {
    const held = this.#held;
    const bytes = this.#heldBytes;
    const oversized = this.#tooLong ? this.#scanner : undefined;
    this.#held = NOTHING;
    this.#heldBytes = 0;
    this.#scanner = undefined;
    this.#tooLong = false;
    if (oversized) this.#events.oversized(oversized.result);
    else this.#emit(held, 0, bytes);
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    const last = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (last === start) return;
    const text = bytes.toString('utf8', start, last);
    if (!this.#atStart) return this.#events.line(text);
    this.#atStart = false;
    this.#events.line(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  }

  #hold(piece: Buffer): void {
    const bytes = this.#heldBytes + piece.length;
    if (this.#tooLong || bytes > this.#longest || bytes > SCANNED_FROM) this.#scan(piece);
    if (this.#tooLong || bytes > this.#longest) return this.#letGo();
    if (this.#heldBytes === 0) {
      this.#held = piece;
    } else {
      if (bytes > this.#held.length) this.#grow(bytes);
      piece.copy(this.#held, this.#heldBytes);
    }
    this.#heldBytes = bytes;
  }

  /** Doubles, so that a line that comes byte by byte costs linear time and no object a byte. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length, 1024));
    this.#held.copy(larger, 0, 0, this.#heldBytes);
    this.#held = larger;
  }

  #scan(piece: Buffer): void {
    if (!this.#scanner) {
      this.#scanner = new OversizedScanner();
      this.#scanner.scan(this.#held.subarray(0, this.#heldBytes));
    }
    this.#scanner.scan(piece);
  }

  #letGo(): void {
    this.#tooLong = true;
    this.#held = NOTHING;
    this.#heldBytes = 0;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
