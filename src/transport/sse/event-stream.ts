/**
 * Reads server-sent events from bytes as they come, with a cap on every event.
 *
 * Own code, because the cap has to count bytes, an id without data has to be remembered, and a line is
 * decoded only once it is whole (a line break is never inside a UTF-8 character).
 */
import { type MessageText, wholeText } from '../../json/elided.ts';
import { ByteChunks } from '../bytes/byte-chunks.ts';
import { messageText } from '../../json/long-text.ts';
import type { Oversized } from '../../json/oversized.ts';
import { isData, OversizedEvent } from './oversized-event.ts';

export interface StreamEvent {
  /** Several `data` lines joined by a line break; may be empty. */
  readonly data: MessageText;
  /** The empty string where the server named none. */
  readonly type: string;
}

export interface EventSink {
  event(event: StreamEvent): void;
  /** The server's wish for the pause before a reconnect. */
  retry(ms: number): void;
  /**
   * An event was larger than the limit and has been read over. Without this the stream ends there: right
   * where it belongs to one request, wrong where many share it.
   */
  oversized?(event: Oversized): void;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = '\uFEFF';

export class EventStream {
  /** The id to resume behind; undefined until the server has sent one. */
  lastEventId: string | undefined;
  readonly #limit: number;
  readonly #sink: EventSink;
  readonly #unfinished = new ByteChunks();
  #data: MessageText | undefined;
  #eventBytes = 0;
  #type = '';
  #afterCr = false;
  #first = true;
  /** Set while an event that is too large goes past. */
  #skipping: OversizedEvent | undefined;

  constructor(limitBytes: number, sink: EventSink) {
    this.#limit = limitBytes;
    this.#sink = sink;
  }

  /** @returns false once a line or an event has grown over the limit; the stream is then of no use any more. */
  push(chunk: Buffer): boolean {
    let start = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      if (chunk[0] === LF) start = 1;
    }
    // Each kind of line end is looked for once per hit, so that a chunk costs no more than its length.
    let cr = chunk.indexOf(CR, start);
    let lf = chunk.indexOf(LF, start);
    while (cr >= 0 || lf >= 0) {
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (this.#skipping) this.#skip(this.#skipping, chunk, start, end, true);
      else if (!this.#lineEnds(chunk, start, end)) return false;
      start = end + 1;
      if (end === cr) {
        if (lf === start) start++;
        else this.#afterCr = start === chunk.length;
        cr = chunk.indexOf(CR, start);
      }
      if (lf >= 0 && lf < start) lf = chunk.indexOf(LF, start);
    }
    if (start === chunk.length) return true;
    if (this.#skipping) {
      this.#skip(this.#skipping, chunk, start, chunk.length, false);
      return true;
    }
    this.#unfinished.add(start === 0 ? chunk : chunk.subarray(start));
    if (this.#eventBytes + this.#unfinished.bytes <= this.#limit) return true;
    const begun = this.#unfinished.take();
    return this.#tooLarge(begun, 0, begun.length, false);
  }

  #lineEnds(chunk: Buffer, start: number, end: number): boolean {
    let line = chunk;
    let from = start;
    let to = end;
    if (this.#unfinished.bytes > 0) {
      if (end > start) this.#unfinished.add(chunk.subarray(start, end));
      line = this.#unfinished.take();
      from = 0;
      to = line.length;
    }
    if (this.#eventBytes + to - from > this.#limit) return this.#tooLarge(line, from, to, true);
    this.#line(line, from, to);
    return true;
  }

  #tooLarge(line: Buffer, start: number, end: number, ends: boolean): boolean {
    if (!this.#sink.oversized) return false;
    const event = new OversizedEvent();
    if (this.#data !== undefined) event.data(Buffer.from(wholeText(this.#data)));
    this.#data = undefined;
    this.#skipping = event;
    this.#skip(event, line, start, end, ends);
    return true;
  }

  #skip(event: OversizedEvent, bytes: Buffer, start: number, end: number, ends: boolean): void {
    if (!event.line(bytes, start, end, ends)) return;
    this.#skipping = undefined;
    this.#type = '';
    this.#eventBytes = 0;
    this.#sink.oversized?.(event.result);
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (start === end) {
      this.#dispatch();
      return;
    }
    if (bytes[start] === COLON) return;
    this.#eventBytes += end - start + 1;
    if (isData(bytes, start) && (bytes[start + 4] === COLON || end === start + 4)) {
      const from = bytes[start + 5] === SPACE ? start + 6 : start + 5;
      const value = from < end ? messageText(bytes.subarray(from, end)) : '';
      this.#data = this.#data === undefined ? value : `${wholeText(this.#data)}\n${wholeText(value)}`;
      this.#first = false;
      return;
    }
    let line = bytes.toString('utf8', start, end);
    if (this.#first && line.startsWith(BOM)) {
      this.#first = false;
      const rest = Buffer.from(line.slice(1));
      this.#line(rest, 0, rest.length);
      return;
    }
    this.#first = false;
    let value = '';
    const colon = line.indexOf(':');
    if (colon >= 0) {
      value = line.slice(line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1);
      line = line.slice(0, colon);
    }
    this.#field(line, value);
  }

  #field(name: string, value: string): void {
    if (name === 'event') this.#type = value;
    // An id with other characters could not be sent back in a header field.
    else if (name === 'id' && /^[\x20-\x7e\x80-\xff]*$/.test(value)) this.lastEventId = value || undefined;
    else if (name === 'retry' && /^\d{1,15}$/.test(value)) this.#sink.retry(Number(value));
  }

  #dispatch(): void {
    const data = this.#data;
    const type = this.#type;
    this.#data = undefined;
    this.#type = '';
    this.#eventBytes = 0;
    if (data !== undefined) this.#sink.event({ data, type });
  }
}
