/** Objects that hold strings around and far beyond the length from which they are taken out, as texts and in pieces. */
import fc from 'fast-check';
import { LONG_STRING } from '../../src/json/elided.ts';
import { keyText, type Member, type ObjectParts, stringText, valueText } from './json-text.ts';

/** Spelt in every way, up to a few kilobytes; some end within a byte or two of the limit. */
export const longString: fc.Arbitrary<string> = fc
  .tuple(
    stringText.map((text) => text.slice(1, -1)),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: -2, max: 2 }),
  )
  .map(([unit, times, more]) => {
    const text = unit.repeat(times * 8);
    const missing = LONG_STRING + more - Buffer.byteLength(text);
    return `"${text}${'x'.repeat(Math.max(0, missing))}"`;
  });

const longValue: fc.Arbitrary<string> = fc.oneof(
  longString,
  longString.map((text) => `[0, {"a":${text}} ,${text}]`),
  fc.tuple(longString, valueText).map(([key, value]) => `{${key}:${value},"b" : ${key}}`),
);

/** These members among others, some of them long, in any order and spacing. */
export function withLongMembers(known: readonly Member[]): fc.Arbitrary<ObjectParts> {
  const more = fc.record({
    key: fc.oneof({ weight: 5, arbitrary: keyText }, longString),
    value: fc.oneof(valueText, longValue),
  });
  return fc.tuple(longValue, fc.array(more, { maxLength: 4 })).chain(([value, others]) => {
    const all = [...known, { key: '"long"', value }, ...others];
    return fc.record({
      members: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      spaces: fc.array(fc.constantFrom('', '', ' ', '\r\n', '\t'), { minLength: 1, maxLength: 3 }),
    });
  });
}

/** Lengths of pieces, in turn. */
export const pieceSizes: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3000 })),
  { minLength: 1, maxLength: 20 },
);

export function* piecesOf(whole: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield whole.subarray(at, (at += size));
  }
}
