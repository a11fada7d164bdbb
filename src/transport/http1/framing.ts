/** Message framing (RFC 9112, 6): what the header fields say about the end of the body and of the connection. */
import { MessageError } from './message-error.ts';

/** The end of a body: after so many bytes, after the last chunk, or with the connection. */
export type Framing = number | 'chunks' | 'close';

const LENGTH = /^\d{1,15}$/;
const FRAMES: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Tells whether a field says where a body ends. */
export function isFraming(name: string): boolean {
  return FRAMES.has(name);
}

/**
 * @returns `undefined` where neither field is there.
 * @throws MessageError for two lengths, a length beside a transfer coding, or any coding but `chunked`.
 */
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

/** Tells whether a `Connection` field announces that this message is the last. */
export function saysClose(connection: string | readonly string[] | undefined): boolean {
  if (connection === undefined || connection === 'keep-alive') return false;
  const words = typeof connection === 'string' ? connection : connection.join();
  return /(?:^|,)\s*close\s*(?:,|$)/i.test(words);
}
