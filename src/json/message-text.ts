/** Messages on their way out. */

/** From so many characters on it pays to encode a text before it is written. */
const LONG = 64 * 1024;

/** One message: its text, or the parts of one that holds something long, which is not copied once more. */
export type EncodedMessage = string | readonly (string | Buffer)[];

export function isLong(text: string): boolean {
  return text.length >= LONG;
}

function utf8(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** A text as a stream takes it best: streams make room for three bytes a character, and fill it slowly. */
export function encodedText(text: string): string | Buffer {
  return isLong(text) ? utf8(text) : text;
}

/** The same with a long text encoded. */
export function inParts(wire: EncodedMessage): EncodedMessage {
  return typeof wire === 'string' && isLong(wire) ? [utf8(wire)] : wire;
}

/** The whole in UTF-8. */
export function bytesOf(wire: EncodedMessage): Buffer {
  return typeof wire === 'string'
    ? utf8(wire)
    : Buffer.concat(wire.map((part) => (typeof part === 'string' ? utf8(part) : part)));
}

export function textOf(wire: EncodedMessage): string {
  return typeof wire === 'string' ? wire : bytesOf(wire).toString('utf8');
}

/** About so many bytes: characters of what is text. */
export function lengthOf(wire: EncodedMessage): number {
  return typeof wire === 'string' ? wire.length : wire.reduce((length, part) => length + part.length, 0);
}

/** Exactly so many. */
export function byteLengthOf(wire: EncodedMessage): number {
  if (typeof wire === 'string') return Buffer.byteLength(wire);
  return wire.reduce((bytes, part) => bytes + Buffer.byteLength(part), 0);
}
