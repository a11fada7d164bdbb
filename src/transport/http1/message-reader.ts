/**
 * Reads HTTP/1.1 messages: bytes in, events out. No sockets, no timers, and nothing about MCP.
 *
 * The reader is strict and bounded. Whatever could be read in two ways is an error: a bare CR or LF, a folded field,
 * two lengths, a length beside chunks, any transfer coding but `chunked`.
 */

import { readField } from './fields.ts';
import { type Framing, isFraming } from './framing.ts';
import { MAX_HEAD_BYTES } from './limits.ts';
import { MessageError } from './message-error.ts';

/** The most that the line before a chunk may have, chunk extensions included. */
const MAX_SIZE_LINE_BYTES = 4096;
const CR = 0x0d;
const LF = 0x0a;

type State = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk end' | 'trailers' | 'idle';

export abstract class MessageReader {
  #state: State = 'idle';
  /** The start of a line or head that is not complete, or bytes that came too early. */
  #held: Buffer = NOTHING;
  /** Bytes of the body, or of the chunk, that have not come. */
  #left = 0;
  #trailerBytes = 0;
  #pushing = false;
  readonly #sizeLine: RegExp;
  readonly #spareLine: boolean;
  /** No byte of the head that is expected has come. */
  #fresh = true;
  /** The bytes of the last head: the next one is mostly the same, and then need not be parsed. */
  #known: Buffer = NOTHING;
  #framing: Framing = 0;

  /**
   * @param sizeLine finds the size of a chunk in the line before it; chunk extensions mean nothing to us.
   * @param spareLine whether one empty line may stand before a head, as some senders end a body with one.
   */
  constructor(sizeLine: RegExp, spareLine: boolean) {
    this.#sizeLine = sizeLine;
    this.#spareLine = spareLine;
  }

  /** @returns `undefined` for an interim response: another head follows. @throws MessageError */
  protected abstract readHead(text: string): Framing | undefined;
  /** The head that `readHead` read last has come, maybe once more. */
  protected abstract begun(): void;
  protected abstract data(part: Buffer): void;
  /** @param early whether bytes of a next message have come already. */
  protected abstract ended(early: boolean): void;
  /** Bytes came while no message is expected; they are kept until `expect`. */
  protected abstract early(): void;

  /** Bytes that wait for more, or for `expect`. */
  get heldBytes(): number {
    return this.#held.length;
  }

  protected get isIdle(): boolean {
    return this.#state === 'idle';
  }

  protected get endsWithConnection(): boolean {
    return this.#state === 'close';
  }

  /** Lets the next message come; bytes of it that came early are read now. @throws MessageError */
  expect(): void {
    this.#state = 'head';
    this.#fresh = true;
    if (!this.#pushing && this.#held.length > 0) this.push(NOTHING);
  }

  /** @throws MessageError */
  push(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    this.#pushing = true;
    try {
      while (bytes.length > 0) {
        const taken = this.#take(bytes);
        if (taken < 0) {
          this.#held = bytes;
          return;
        }
        bytes = taken === bytes.length ? NOTHING : bytes.subarray(taken);
      }
    } finally {
      this.#pushing = false;
    }
  }

  protected finish(early: boolean): void {
    this.#state = 'idle';
    this.ended(early);
  }

  /** @returns the number of bytes that were used; -1: more are needed. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'idle':
        this.early();
        return -1;
      case 'head':
        return this.#head(bytes);
      case 'length':
      case 'chunk': {
        const part = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
        this.#left -= part.length;
        const over = this.#left === 0;
        if (over && this.#state === 'chunk') this.#state = 'chunk end';
        this.data(part);
        if (over && this.#state === 'length') this.finish(part.length < bytes.length);
        return part.length;
      }
      case 'close':
        this.data(bytes);
        return bytes.length;
      case 'chunk end':
        if (bytes.length < 2) return -1;
        if (bytes[0] !== CR || bytes[1] !== LF) throw new MessageError('a chunk longer than its size');
        this.#state = 'size';
        return 2;
      case 'size': {
        const end = lineEnd(bytes, MAX_SIZE_LINE_BYTES);
        if (end < 0) return -1;
        const [, size] = this.#sizeLine.exec(bytes.toString('latin1', 0, end)) ?? [];
        if (size === undefined) throw new MessageError('a chunk without a size');
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        this.#trailerBytes = 0;
        return end + 2;
      }
      case 'trailers': {
        const end = lineEnd(bytes, MAX_HEAD_BYTES - this.#trailerBytes);
        if (end < 0) return -1;
        const used = end + 2;
        this.#trailerBytes += used;
        if (end === 0) this.finish(used < bytes.length);
        else checkTrailer(bytes.toString('latin1', 0, end));
        return used;
      }
    }
  }

  #head(bytes: Buffer): number {
    if (this.#fresh && this.#spareLine && bytes[0] === CR) {
      if (bytes.length < 2) return -1;
      this.#fresh = false;
      if (bytes[1] === LF) return 2;
    }
    this.#fresh = false;
    if (this.#isKnown(bytes)) return this.#begin(bytes, this.#known.length, this.#framing);
    const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if ((end < 0 ? bytes.length : end) > MAX_HEAD_BYTES)
      throw new MessageError('a head that is too long', 431);
    if (end < 0) return -1;
    const used = end + 4;
    this.#known = NOTHING;
    const framing = this.readHead(bytes.toString('latin1', 0, end));
    if (framing === undefined) return used;
    this.#known = Buffer.from(bytes.subarray(0, used));
    this.#framing = framing;
    return this.#begin(bytes, used, framing);
  }

  #isKnown(bytes: Buffer): boolean {
    const { length } = this.#known;
    return length > 0 && length <= bytes.length && this.#known.compare(bytes, 0, length) === 0;
  }

  #begin(bytes: Buffer, used: number, framing: Framing): number {
    this.#left = typeof framing === 'number' ? framing : 0;
    this.#state = typeof framing === 'number' ? 'length' : framing === 'chunks' ? 'size' : 'close';
    this.begun();
    if (framing === 0) this.finish(used < bytes.length);
    return used;
  }
}

function checkTrailer(line: string): void {
  const [name] = readField(line);
  if (isFraming(name)) throw new MessageError('a length behind its body');
}

function lineEnd(bytes: Buffer, most: number): number {
  const end = bytes.indexOf(LF);
  if ((end < 0 ? bytes.length : end) > most) throw new MessageError('a line that is too long', 413);
  if (end >= 0 && bytes[end - 1] !== CR) throw new MessageError('a line end without CR');
  return end < 0 ? -1 : end - 1;
}

const NOTHING: Buffer = Buffer.alloc(0);
