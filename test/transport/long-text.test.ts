import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LongText } from '../../src/transport/long-text.ts';

/** Long enough to be decoded as it comes, with anything before, between and behind. */
const bytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }).map((some) => Buffer.from(some)),
      fc.constantFrom('é', 'x', '€', '🦊').map((unit) => Buffer.from(unit.repeat(30_000))),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

function* cut(whole: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (const size of sizes) yield whole.subarray(at, (at += size));
  yield whole.subarray(at);
}

const sizes = fc.array(fc.oneof(fc.nat(8), fc.nat(70_000)));

test('any bytes, in any pieces, are the text that they are as a whole', () => {
  const text = new LongText();
  fc.assert(
    fc.property(bytes, sizes, (whole, lengths) => {
      for (const piece of cut(whole, lengths)) text.add(piece);
      expect(text.bytes).toBe(whole.length);
      expect(text.take() === whole.toString()).toBe(true);
      expect(text.bytes).toBe(0);
    }),
  );
});

test('where it must be UTF-8, all that is not is refused, wherever it stands, and the next text is a new one', () => {
  const text = new LongText(true);
  fc.assert(
    fc.property(bytes, sizes, (whole, lengths) => {
      for (const piece of cut(whole, lengths)) text.add(piece);
      expect(text.take() === (isUtf8(whole) ? whole.toString() : undefined)).toBe(true);
    }),
  );
});
