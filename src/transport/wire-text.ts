/** From so many characters on it pays to encode a text before it is written. */
const LONG = 64 * 1024;

/** A text as a stream takes it best: streams make room for three bytes a character, and fill it slowly. */
export function wireText(text: string): string | Buffer {
  if (text.length < LONG) return text;
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
