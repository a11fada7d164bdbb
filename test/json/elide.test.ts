import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Elider } from '../../src/json/elide.ts';
import { type Elided, LONG_STRING } from '../../src/json/elided.ts';
import { textOf } from '../../src/json/message-text.ts';
import { print } from '../fuzz/json-text.ts';
import { pieceSizes, piecesOf, withLongMembers } from '../fuzz/long-messages.ts';

const anyText = withLongMembers([]).map(print);

function elided(bytes: Buffer, sizes: readonly number[] = [bytes.length]): Elided | undefined {
  const elider = new Elider();
  for (const piece of piecesOf(bytes, sizes)) if (!elider.add(piece)) return undefined;
  return elider.take();
}

/** What the grammar allows between two quotes. */
const STRINGS = /"((?:[^"\\]|\\.)*)"/gs;

describe('a text without its long strings', () => {
  test('is JSON with a mark for each of them, and is the whole to the letter when it leaves, however it came', () => {
    fc.assert(
      fc.property(anyText, pieceSizes, (text, sizes) => {
        const found = elided(Buffer.from(text), sizes);
        const inner = [...text.matchAll(STRINGS)].map(([, string = '']) => string);
        const long = inner.filter((string) => Buffer.byteLength(string) >= LONG_STRING);
        expect(found !== undefined).toBe(long.length > 0);
        if (!found) return;
        expect(found.whole === text).toBe(true);
        expect(textOf(found.wire) === text).toBe(true);
        expect(Buffer.byteLength(found.text)).toBeLessThan(Buffer.byteLength(text) - 1000 * long.length);
        for (const string of long) expect(found.text.includes(string)).toBe(false);
        expect(() => JSON.parse(found.text) as unknown).not.toThrow();
      }),
    );
  });

  test('is made only of UTF-8, and is JSON where the whole is JSON and nowhere else', () => {
    const bytes = fc.constantFrom(
      ...Buffer.from('"\\/ux,:{} \x00\x1f\x7f'),
      0x80,
      0xa9,
      0xc3,
      0xed,
      0xf0,
      0xff,
    );
    const faults = fc.array(fc.tuple(fc.nat(), bytes), { maxLength: 2 });
    let made = 0;
    let broken = 0;
    fc.assert(
      fc.property(anyText, faults, fc.nat(3), pieceSizes, (text, wrong, without, sizes) => {
        const whole = Buffer.from(text);
        for (const [at, byte] of wrong) whole[at % whole.length] = byte;
        const cut = whole.subarray(0, whole.length - without);
        const found = elided(cut, sizes);
        if (!found) return;
        made++;
        expect(isUtf8(cut)).toBe(true);
        expect(found.whole === cut.toString()).toBe(true);
        const isJson = parses(cut.toString());
        if (!isJson) broken++;
        expect(parses(found.text)).toBe(isJson);
      }),
      { numRuns: 2000 },
    );
    // Otherwise nothing was shown.
    expect(made).toBeGreaterThan(200);
    expect(broken).toBeGreaterThan(50);
  });

  test.each([
    ['a control character', '\n'],
    ['an escape that is none', '\\x'],
    ['a character code of three digits', '\\u00eg'],
    ['a lone backslash at the end', '\\'],
  ])('is not made where a long string holds %s, wherever a piece ends', (_, fault) => {
    const bytes = Buffer.from(`{"a":"${'é'.repeat(600)}${fault}"}`);
    for (let size = 1; size < 20; size++) expect(elided(bytes, [size]), String(size)).toBeUndefined();
  });

  test.each(['é', '€', '🦊', '\\"', '\\\\', '\\u20AC', '\\ud800', '\u2028', '"}'])(
    'is made of %s as of anything, wherever a piece ends',
    (unit) => {
      const text = `{"a":"${unit === '"}' ? 'x'.repeat(2000) : unit.repeat(2000)}","${unit.replace('"}', '')}":1}`;
      const bytes = Buffer.from(text);
      for (let size = 1; size < 20; size++)
        expect(elided(bytes, [size])?.whole === text, String(size)).toBe(true);
    },
  );

  test('is not made of what consists of short things', () => {
    const text = `{"a":"${'x'.repeat(100_000)}","b":[${'"short",'.repeat(20_000)}0]}`;
    expect(elided(Buffer.from(text), [65_536])).toBeUndefined();
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
