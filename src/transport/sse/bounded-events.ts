/**
 * Passes the bytes of an event stream on event by event, so that whoever parses them never holds more than the limit.
 *
 * An event over the limit is left out. Bytes are held until their event is whole: a parser behind this need not search
 * the start of a long line again for every chunk of it.
 */
import type { Oversized } from '../../json/oversized.ts';
import { ByteChunks } from '../bytes/byte-chunks.ts';
import { LineEnds } from './line-ends.ts';
import { OversizedEvent } from './oversized-event.ts';

export interface BoundedEventsSink {
  /** One event or more, whole. */
  bytes(events: Buffer): void;
  oversized(event: Oversized): void;
}

const COLON = 0x3a;
const CR = 0x0d;
const LF = 0x0a;
const LINE_FEED: Buffer = Buffer.from([LF]);
const NOTHING: Buffer = Buffer.alloc(0);

export class BoundedEvents {
  readonly #limit: number;
  readonly #sink: BoundedEventsSink;
  readonly #lines = new LineEnds();
  /** The start of an event whose end has not come. */
  readonly #held = new ByteChunks();
  /** The line that has not ended: how long it is, and what it begins with. */
  #lineBytes = 0;
  #lineStart: number | undefined;
  /** Lines of the event have ended before. */
  #isBegun = false;
  #oversized: OversizedEvent | undefined;
  /** A line end was passed on as CR LF of which only CR had come. */
  #owesLf = false;

  constructor(limitBytes: number, sink: BoundedEventsSink) {
    this.#limit = limitBytes;
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    const chunk = this.#owesLf && bytes[0] === LF ? bytes.subarray(1) : bytes;
    if (bytes.length > 0) this.#owesLf = false;
    /** The start of the bytes that have not been passed on, and of the event that has not ended. */
    let [from, event] = [0, 0];
    const rest = this.#lines.find(chunk, (start, end, next) => {
      if (this.#oversized) {
        if (!this.#oversized.line(chunk, start, end, true)) return;
        this.#leaveOut(this.#oversized);
        from = event = next;
        return;
      }
      if (!this.#endsEvent(chunk, start, end)) return;
      if (this.#held.bytes + next - event > this.#limit) {
        this.#passAll(chunk, from, event);
        this.#begin(chunk.subarray(event, next));
        from = next;
      } else if (this.#held.bytes > 0) {
        this.#pass(this.#heldWith(chunk.subarray(0, next)));
        from = next;
      }
      event = next;
    });
    if (this.#oversized) {
      this.#owesLf = false;
      if (rest < chunk.length) this.#oversized.line(chunk, rest, chunk.length, false);
      return;
    }
    this.#passAll(chunk, from, event);
    this.#endsLater(chunk, rest);
    if (event < chunk.length) {
      this.#owesLf = false;
      this.#held.add(chunk.subarray(event));
    }
    if (this.#held.bytes > this.#limit) this.#begin(NOTHING);
  }

  /** An empty line ends an event; a comment before any other line is passed on by itself, as it is no part of one. */
  #endsEvent(chunk: Buffer, start: number, end: number): boolean {
    const isEmpty = this.#lineBytes === 0 && start === end;
    const isComment = (this.#lineStart ?? chunk[start]) === COLON;
    this.#lineBytes = 0;
    this.#lineStart = undefined;
    const ends = isEmpty || (isComment && !this.#isBegun);
    this.#isBegun = !ends;
    return ends;
  }

  #endsLater(chunk: Buffer, start: number): void {
    if (start === chunk.length) return;
    this.#lineStart ??= chunk[start];
    this.#lineBytes += chunk.length - start;
  }

  #passAll(chunk: Buffer, from: number, to: number): void {
    if (from < to) this.#pass(chunk.subarray(from, to));
  }

  #pass(events: Buffer): void {
    this.#sink.bytes(events);
    if (events.at(-1) !== CR) return;
    // A parser behind this would wait for what follows: it may be the other half of the line end.
    this.#sink.bytes(LINE_FEED);
    this.#owesLf = true;
  }

  #heldWith(more: Buffer): Buffer {
    if (this.#held.bytes === 0) return more;
    if (more.length > 0) this.#held.add(more);
    return this.#held.take();
  }

  /** Reads over what has come of an event that is too large. */
  #begin(more: Buffer): void {
    const bytes = this.#heldWith(more);
    const oversized = new OversizedEvent();
    this.#oversized = oversized;
    this.#lineBytes = 0;
    this.#lineStart = undefined;
    this.#isBegun = false;
    const rest = new LineEnds().find(bytes, (start, end) => {
      if (oversized.line(bytes, start, end, true)) this.#leaveOut(oversized);
    });
    if (rest < bytes.length) oversized.line(bytes, rest, bytes.length, false);
  }

  #leaveOut(event: OversizedEvent): void {
    this.#oversized = undefined;
    this.#sink.oversized(event.result);
  }
}
