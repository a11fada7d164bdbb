/**
 * Cuts a stream of bytes into lines. The hot path of the product: every message over stdio and TCP runs here.
 *
 * A line is decoded as a whole, so that a character may be split between chunks; what is not UTF-8 becomes
 * U+FFFD. Empty lines, a CR before the line's end and a byte order mark at the very start are left out.
 */
import type { MessageText } from '../../json/elided.ts';
import { LongText } from '../../json/long-text.ts';
import { OversizedScanner } from '../../json/oversized.ts';
import type { Oversized } from '../../json/oversized.ts';

export interface LineEvents {
  line(text: MessageText): void;
  /** A line longer than allowed went past without being kept. */
  oversized(line: Oversized): void;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = '\uFEFF';
/** A longer line is read over as it comes: to do so at once when it proves too long would stop everything for a while. */
const SCANNED_FROM = 4 * 1024 * 1024;

export class LineReader {
  readonly #longest: number;
  readonly #events: LineEvents;
  /** The start of a line whose end has not come. */
  readonly #start = new LongText();
  #scanner: OversizedScanner | undefined;
  /** Bytes of a line that is too long, so far. */
  #tooLongBytes = 0;
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
      if (this.#start.bytes === 0 && this.#tooLongBytes === 0 && end - start <= this.#longest) {
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
    if (this.#start.bytes > 0 || this.#tooLongBytes > 0) this.#endLine();
  }

  #endLine(): void {
    const scanner = this.#scanner;
    const bytes = this.#tooLongBytes;
    this.#scanner = undefined;
    this.#tooLongBytes = 0;
    if (scanner && bytes > 0) return this.#events.oversized({ ...scanner.result, bytes });
    const text = this.#start.take() ?? '';
    if (typeof text === 'string') this.#line(text.endsWith('\r') ? text.slice(0, -1) : text);
    else this.#line(text.text.endsWith('\r') ? text.with(text.text.slice(0, -1)) : text);
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    const last = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    this.#line(bytes.toString('utf8', start, last));
  }

  #line(text: MessageText): void {
    if (text === '') return;
    const marked = this.#atStart && typeof text === 'string' && text.startsWith(BYTE_ORDER_MARK);
    this.#atStart = false;
    this.#events.line(marked ? text.slice(1) : text);
  }

  #hold(piece: Buffer): void {
    const before = this.#tooLongBytes || this.#start.bytes;
    const bytes = before + piece.length;
    const tooLong = bytes > this.#longest;
    if (tooLong || bytes > SCANNED_FROM) this.#scan(piece);
    if (!tooLong) return this.#start.add(piece);
    this.#tooLongBytes = bytes;
    this.#start.clear();
  }

  #scan(piece: Buffer): void {
    if (!this.#scanner) {
      this.#scanner = new OversizedScanner();
      this.#scanner.scan(this.#start.peek());
    }
    this.#scanner.scan(piece);
  }
}
