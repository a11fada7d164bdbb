/** Reads the body of a POST: bounded in size, whole, and surely UTF-8. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { PARSE_ERROR } from '../core/errors.ts';
import type { Refusal } from './http-server-refusal.ts';

/**
 * `done` is called once, or never if the client goes away first. A byte order mark is taken off: RFC 8259
 * lets a reader ignore it, and some Windows programs send one.
 *
 * @returns why the body is not even read.
 */
export function readBody(
  req: IncomingMessage,
  maxBytes: number,
  done: (body: string | Refusal) => void,
): Refusal | undefined {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > maxBytes) return tooLarge(maxBytes);
  let bytes: Buffer | undefined;
  let length = 0;
  const take = (chunk: Buffer): void => {
    const total = length + chunk.length;
    if (total > maxBytes) {
      req.off('data', take);
      req.off('end', end);
      bytes = undefined;
      return done(tooLarge(maxBytes));
    }
    // Nearly every body is one chunk. The others are copied together as they come: kept apart, a body sent
    // one byte a chunk would cost a hundred times its size.
    bytes = length === 0 ? chunk : append(bytes as Buffer, length, chunk, maxBytes);
    length = total;
  };
  const end = (): void => done(decode(bytes?.subarray(0, length)));
  req.on('data', take);
  req.on('end', end);
  return undefined;
}

function append(bytes: Buffer, length: number, chunk: Buffer, maxBytes: number): Buffer {
  const total = length + chunk.length;
  let target = bytes;
  if (total > bytes.length) {
    target = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(65_536, total * 2)));
    bytes.copy(target, 0, 0, length);
  }
  chunk.copy(target, length);
  return target;
}

function decode(bytes: Buffer | undefined): string | Refusal {
  if (bytes === undefined || bytes.length === 0)
    return unreadable('The body is empty: send one JSON-RPC message.');
  if (!isUtf8(bytes)) return unreadable('The body is not valid UTF-8.');
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return marked ? bytes.toString('utf8', 3) : bytes.toString('utf8');
}

function tooLarge(maxBytes: number): Refusal {
  return {
    status: 413,
    message: `The body is larger than ${maxBytes} bytes (http.maxBodyBytes).`,
  };
}

function unreadable(message: string): Refusal {
  return { status: 400, code: PARSE_ERROR, message };
}
