/** Reads the body of a POST: bounded in size, whole, and surely UTF-8. */
import type { IncomingMessage } from 'node:http';
import type { MessageText } from '../core/abridged.ts';
import { PARSE_ERROR } from '../core/errors.ts';
import type { Refusal } from './http-server-refusal.ts';
import { LongText } from './long-text.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * `done` is called once, or never if the client goes away first. A byte order mark is taken off: RFC 8259
 * lets a reader ignore it, and some Windows programs send one.
 *
 * @returns why the body is not even read.
 */
export function readBody(
  req: IncomingMessage,
  maxBytes: number,
  done: (body: MessageText | Refusal) => void,
): Refusal | undefined {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > maxBytes) return tooLarge(maxBytes);
  const text = new LongText(true);
  const take = (chunk: Buffer): void => {
    if (text.bytes + chunk.length <= maxBytes) return text.add(chunk);
    req.off('data', take);
    req.off('end', end);
    text.clear();
    done(tooLarge(maxBytes));
  };
  const end = (): void => done(whole(text));
  req.on('data', take);
  req.on('end', end);
  return undefined;
}

function whole(text: LongText): MessageText | Refusal {
  if (text.bytes === 0) return unreadable('The body is empty: send one JSON-RPC message.');
  const body = text.take();
  if (body === undefined) return unreadable('The body is not valid UTF-8.');
  return typeof body === 'string' && body.startsWith(BYTE_ORDER_MARK) ? body.slice(1) : body;
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
