/**
 * Reads HTTP/1.1 messages from the bytes of one connection: strict, bounded, and nothing about MCP.
 *
 * Whatever could be read in two ways is an error, after which the connection is of no more use: a bare CR or LF, a
 * folded field, two lengths, a length beside chunks, any transfer coding but `chunked`.
 */

/** Of the head, and of what follows the last chunk. */
const MAX_HEAD_BYTES = 16 * 1024;
/** Of the line before a chunk, with whatever the sender adds to the size. */
const MAX_SIZE_LINE_BYTES = 4096;
const CR = 0x0d;
const LF = 0x0a;

const LENGTH = /^\d{1,15}$/;

type State = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk end' | 'trailers' | 'idle';

/** How a body is told apart from what follows: by its bytes, by chunks, or by the end of the connection. */
export type Framing = number | 'chunks' | 'close';

/** What cannot be read, or can be read in two ways. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  readonly code = 'NOT_HTTP';
  /** What a server answers to it. */
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

export abstract class MessageReader {
  #state: State = 'idle';
  /** The start of a line or head that is not complete, or what came too early. */
  #held: Buffer = NOTHING;
  /** Of the body or the chunk. */
  #left = 0;
  #trailerBytes = 0;
  #pushing = false;
  readonly #sizeLine: RegExp;
  readonly #spareLine: boolean;
  /** No byte of the head that is expected has come. */
  #fresh = true;
  /** The last head, as from one message to the next it is mostly the same to the letter. */
  #known: Buffer = NOTHING;
  #framing: Framing = 0;

  /**
   * @param sizeLine finds the size of a chunk in the line before it; what may follow the size means nothing to us.
   * @param spareLine whether one empty line may stand before a head, as some senders end a body with.
   */
  constructor(sizeLine: RegExp, spareLine: boolean) {
    this.#sizeLine = sizeLine;
    this.#spareLine = spareLine;
  }

  /** @returns `undefined` where this head only announces another. @throws MessageError */
  protected abstract readHead(text: string): Framing | undefined;
  /** The head has come that was read last. */
  protected abstract begun(): void;
  protected abstract data(part: Buffer): void;
  /** @param early whether bytes of a next message have come already. */
  protected abstract ended(early: boolean): void;
  /** Bytes came while no message is expected: they are kept until one is. */
  protected abstract early(): void;

  /** So many bytes are kept. */
  get heldBytes(): number {
    return this.#held.length;
  }

  protected get isIdle(): boolean {
    return this.#state === 'idle';
  }

  protected get endsWithConnection(): boolean {
    return this.#state === 'close';
  }

  /** The next message may come, or has begun to. @throws MessageError */
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

  /** @returns how many bytes were used; -1: more are needed. */
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

const FRAMES: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Whether a field says where a body ends. */
export function frames(name: string): boolean {
  return FRAMES.has(name);
}

function checkTrailer(line: string): void {
  const [name] = readField(line);
  if (frames(name)) throw new MessageError('a length behind its body');
}

/** Name in lower case, and value. @throws MessageError */
export function readField(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = withoutBlanks(line, colon + 1);
  if (!isField(name, value)) throw new MessageError('a field that cannot be read');
  return [name.toLowerCase(), value];
}

/** Not `trim`, which takes away more than the blanks that may stand there. */
function withoutBlanks(line: string, from: number): string {
  let [start, end] = [from, line.length];
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** @throws MessageError where a body that is announced in this way could be read in two. */
export function framingOf(
  length: string | readonly string[] | undefined,
  coding: string | readonly string[] | undefined,
): Framing | undefined {
  if (coding !== undefined) {
    if (length !== undefined) throw new MessageError('a length beside a transfer coding');
    if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked')
      throw new MessageError('an unknown transfer coding');
    return 'chunks';
  }
  if (length === undefined) return undefined;
  if (typeof length !== 'string' || !LENGTH.test(length)) throw new MessageError('no usable length');
  return Number(length);
}

/** Whether a `Connection` field says that this message is the last. */
export function saysClose(connection: string | readonly string[] | undefined): boolean {
  if (connection === undefined || connection === 'keep-alive') return false;
  const words = typeof connection === 'string' ? connection : connection.join();
  return /(?:^|,)\s*close\s*(?:,|$)/i.test(words);
}

function lineEnd(bytes: Buffer, most: number): number {
  const end = bytes.indexOf(LF);
  if ((end < 0 ? bytes.length : end) > most) throw new MessageError('a line that is too long', 413);
  if (end >= 0 && bytes[end - 1] !== CR) throw new MessageError('a line end without CR');
  return end < 0 ? -1 : end - 1;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** What a header field may consist of; anything else could be read as the end of it. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value);
}
