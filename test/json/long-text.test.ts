import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Elided, type MessageText, wholeText } from '../../src/json/elided.ts';
import { LineReader } from '../../src/transport/bytes/line-reader.ts';
import { LongText, messageText } from '../../src/json/long-text.ts';

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

describe('a long message', () => {
  /** Objects with long strings, some of them damaged, and what stands before and behind them on a transport. */
  const messages = fc
    .record({
      before: fc.constantFrom('', '', '', ' ', '\uFEFF'),
      unit: fc.constantFrom('é', 'x', '€', '🦊', '\\"', '\\u20ac', '\\\\', '{}[],: '),
      times: fc.integer({ min: 60_000, max: 70_000 }),
      key: fc.string({ unit: 'binary' }),
      fault: fc.constantFrom(
        [],
        [],
        [],
        [],
        [0xff],
        [0xc3],
        [0x0a],
        [0x5c, 0x78],
        [0x22],
        [0xed, 0xa0, 0x80],
      ),
      end: fc.constantFrom('"}', '"}', '"}', '"}\r', '" } ', '"', ''),
    })
    .map(({ before, unit, times, key, fault, end }) =>
      Buffer.concat([
        Buffer.from(`${before}{${JSON.stringify(key)}:1,"long":"${unit.repeat(times)}`),
        Buffer.from(fault),
        Buffer.from(`${unit}${end}`),
      ]),
    );

  test('is the text that it is as a whole, in any pieces', () => {
    let elided = 0;
    fc.assert(
      fc.property(messages, sizes, fc.boolean(), (whole, lengths, strict) => {
        const text = new LongText(strict);
        for (const piece of cut(whole, lengths)) text.add(piece);
        expect(text.bytes).toBe(whole.length);
        const found = text.take();
        if (found instanceof Elided) elided++;
        const expected = strict && !isUtf8(whole) ? undefined : whole.toString();
        expect((found && wholeText(found)) === expected).toBe(true);
        expect(text.take()).toBe('');
      }),
      { numRuns: 300 },
    );
    // Otherwise nothing was shown.
    expect(elided).toBeGreaterThan(10);
  });

  test('on a line is what it is in one piece, without what does not belong to it', () => {
    fc.assert(
      fc.property(messages, sizes, (whole, lengths) => {
        const lines: MessageText[] = [];
        const framing = new LineReader(1e6, { line: (text) => lines.push(text), oversized() {} });
        for (const piece of cut(whole, lengths)) framing.push(piece);
        framing.end();
        const expected = whole
          .toString()
          .replace(/^\uFEFF/, '')
          .split(/\r?\n|\r$/)
          .filter((line) => line !== '');
        expect(lines.map(wholeText).join('\n') === expected.join('\n')).toBe(true);
      }),
    );
  });

  test('is handed on without its long strings, however small its pieces, and text of other kinds as it is', () => {
    const string = `"${'né'.repeat(100_000)}"`;
    const whole = Buffer.from(`{"a":${string}}`);
    for (const size of [1000, 8192, 65_536, whole.length]) {
      const text = new LongText();
      for (let at = 0; at < whole.length; at += size) text.add(whole.subarray(at, at + size));
      expect(text.take(), String(size)).toBeInstanceOf(Elided);
    }
    expect(messageText(whole)).toBeInstanceOf(Elided);
    expect(messageText(Buffer.from(string)) === string).toBe(true);
    expect(messageText(whole.subarray(0, 60_000)) === whole.toString('utf8', 0, 60_000)).toBe(true);
  });
});
