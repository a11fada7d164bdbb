/**
 * Reads HTTP/1.1 responses from the bytes of one connection: strict, bounded, and nothing about MCP.
 *
 * Whatever could be read in two ways is an error, after which the connection is of no more use: a bare CR or LF, a
 * folded field, two lengths, a length beside chunks, any transfer coding but `chunked`.
 */
import type { ResponseHeaders } from './http-client-errors.ts';
import { isField } from './http-field.ts';

export interface ResponseEvents {
  head(status: number, headers: ResponseHeaders): void;
  data(chunk: Buffer): void;
  /** @param keeps whether the connection may take another request. */
  end(keeps: boolean): void;
}

/** Of the head, and of what follows the last chunk. */
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_FIELDS = 512;
/** Of the line before a chunk, with whatever a server adds to the size. */
const MAX_SIZE_LINE_BYTES = 4096;
const CR = 0x0d;
const LF = 0x0a;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const LENGTH = /^\d{1,15}$/;
/** The size of a chunk; what may follow it means nothing to us. */
const SIZE_LINE = /^([\da-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk end' | 'trailers' | 'idle';

/** What cannot be read, or can be read in two ways. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly code = 'NOT_HTTP';
}

export class ResponseReader {
  readonly #events: ResponseEvents;
  #state: State = 'idle';
  /** The start of a line or head that is not complete. */
  #held: Buffer = NOTHING;
  /** Of the body or the chunk. */
  #left = 0;
  #keeps = false;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** A request is on its way. */
  expect(): void {
    this.#state = 'head';
  }

  /** @throws ResponseError */
  push(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    while (bytes.length > 0) {
      const taken = this.#take(bytes);
      if (taken < 0) {
        this.#held = bytes;
        return;
      }
      bytes = taken === bytes.length ? NOTHING : bytes.subarray(taken);
    }
  }

  /** The server has closed the connection. @throws Error in the middle of a response. */
  close(): void {
    if (this.#state === 'close') this.#ended(false);
    else if (this.#state !== 'idle') throw new Error('other side closed');
  }

  /** @returns how many bytes were used; -1: more are needed. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'idle':
        throw new ResponseError('bytes that belong to no response');
      case 'head':
        return this.#head(bytes);
      case 'length':
      case 'chunk': {
        const part = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
        this.#left -= part.length;
        const over = this.#left === 0;
        if (over && this.#state === 'chunk') this.#state = 'chunk end';
        this.#events.data(part);
        if (over && this.#state === 'length') this.#ended(this.#keeps && part.length === bytes.length);
        return part.length;
      }
      case 'close':
        this.#events.data(bytes);
        return bytes.length;
      case 'chunk end':
        if (bytes.length < 2) return -1;
        if (bytes[0] !== CR || bytes[1] !== LF) throw new ResponseError('a chunk longer than its size');
        this.#state = 'size';
        return 2;
      case 'size': {
        const end = lineEnd(bytes, MAX_SIZE_LINE_BYTES);
        if (end < 0) return -1;
        const [, size] = SIZE_LINE.exec(bytes.toString('latin1', 0, end)) ?? [];
        if (size === undefined) throw new ResponseError('a chunk without a size');
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        return end + 2;
      }
      case 'trailers': {
        const end = lineEnd(bytes, MAX_HEAD_BYTES);
        if (end < 0) return -1;
        const used = end + 2;
        if (end === 0) this.#ended(this.#keeps && used === bytes.length);
        else field(bytes.toString('latin1', 0, end));
        return used;
      }
    }
  }

  #head(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if (end < 0) {
      if (bytes.length > MAX_HEAD_BYTES) throw new ResponseError('a head that is too long');
      return -1;
    }
    if (end > MAX_HEAD_BYTES) throw new ResponseError('a head that is too long');
    const lines = bytes.toString('latin1', 0, end).split('\r\n');
    const [, minor, digits] = STATUS_LINE.exec(lines[0] as string) ?? [];
    if (digits === undefined) throw new ResponseError('no status line');
    if (lines.length > MAX_FIELDS) throw new ResponseError('too many fields');
    const status = Number(digits);
    const headers = fields(lines);
    // Of what comes before the response itself nothing is of use; and nobody has asked for another protocol.
    if (status === 101) throw new ResponseError('another protocol');
    if (status < 200) return end + 4;
    this.#body(status, headers, minor === '1');
    this.#events.head(status, headers);
    const after = end + 4;
    if (this.#left === 0 && this.#state === 'length') this.#ended(this.#keeps && after === bytes.length);
    return after;
  }

  #body(status: number, headers: ResponseHeaders, persistent: boolean): void {
    const length = headers['content-length'];
    const coding = headers['transfer-encoding'];
    const connection = headers['connection'];
    const words = (typeof connection === 'string' ? connection : (connection?.join() ?? '')).toLowerCase();
    this.#keeps = persistent && !/(?:^|,)\s*close\s*(?:,|$)/.test(words);
    this.#left = 0;
    if (status === 204 || status === 304) this.#state = 'length';
    else if (coding !== undefined) {
      if (length !== undefined) throw new ResponseError('a length beside a transfer coding');
      if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked')
        throw new ResponseError('an unknown transfer coding');
      this.#state = 'size';
    } else if (length === undefined) this.#state = 'close';
    else {
      if (typeof length !== 'string' || !LENGTH.test(length)) throw new ResponseError('no usable length');
      this.#left = Number(length);
      this.#state = 'length';
    }
  }

  #ended(keeps: boolean): void {
    this.#state = 'idle';
    this.#events.end(keeps);
  }
}

function fields(lines: readonly string[]): ResponseHeaders {
  const found = Object.create(null) as Record<string, string | string[]>;
  for (let i = 1; i < lines.length; i++) {
    const [name, value] = field(lines[i] as string);
    const before = found[name];
    if (before === undefined) found[name] = value;
    else if (typeof before === 'string') found[name] = [before, value];
    else before.push(value);
  }
  return found;
}

/** Name in lower case, and value. */
function field(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = line.slice(colon + 1).trim();
  if (!isField(name, value)) throw new ResponseError('a field that cannot be read');
  return [name.toLowerCase(), value];
}

function lineEnd(bytes: Buffer, most: number): number {
  const end = bytes.indexOf(LF);
  if ((end < 0 ? bytes.length : end) > most) throw new ResponseError('a line that is too long');
  if (end >= 0 && bytes[end - 1] !== CR) throw new ResponseError('a line end without CR');
  return end < 0 ? -1 : end - 1;
}

const NOTHING: Buffer = Buffer.alloc(0);
