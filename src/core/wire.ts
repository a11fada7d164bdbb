/** Messages on their way out. */

/** From so many characters on it pays to encode a text before it is written. */
const LONG = 64 * 1024;

/** One message: its text, or the parts of one that holds something long, which is not copied once more. */
export type Wire = string | readonly [head: string, long: Buffer, tail: string];

export function isLong(text: string): boolean {
  return text.length >= LONG;
}

export function utf8(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** A text as a stream takes it best: streams make room for three bytes a character, and fill it slowly. */
export function wireText(text: string): string | Buffer {
  return isLong(text) ? utf8(text) : text;
}

export function textOf(wire: Wire): string {
  return typeof wire === 'string' ? wire : wire.join('');
}
