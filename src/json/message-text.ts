/** Encodes messages for sending. */

/** The length in characters from which it pays to encode a text before it is written. */
const LONG = 64 * 1024;

/** One message: its text, or parts if it holds something long, which is then not copied again. */
export type EncodedMessage = string | readonly (string | Buffer)[];

export function isLong(text: string): boolean {
  return text.length >= LONG;
}

function utf8(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Encodes a long text, because streams reserve three bytes for a character and fill them slowly. */
export function encodedText(text: string): string | Buffer {
  return isLong(text) ? utf8(text) : text;
}

/** Encodes a message that is one long text. */
export function inParts(wire: EncodedMessage): EncodedMessage {
  return typeof wire === 'string' && isLong(wire) ? [utf8(wire)] : wire;
}

/** The whole message in UTF-8. */
export function bytesOf(wire: EncodedMessage): Buffer {
  return typeof wire === 'string'
    ? utf8(wire)
    : Buffer.concat(wire.map((part) => (typeof part === 'string' ? utf8(part) : part)));
}

export function textOf(wire: EncodedMessage): string {
  return typeof wire === 'string' ? wire : bytesOf(wire).toString('utf8');
}

/** The length in about as many bytes: text counts in characters. */
export function lengthOf(wire: EncodedMessage): number {
  return typeof wire === 'string' ? wire.length : wire.reduce((length, part) => length + part.length, 0);
}

/** The exact length in bytes. */
export function byteLengthOf(wire: EncodedMessage): number {
  if (typeof wire === 'string') return Buffer.byteLength(wire);
  return wire.reduce((bytes, part) => bytes + Buffer.byteLength(part), 0);
}
