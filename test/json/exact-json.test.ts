import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExactNumber, exactNumber, parseExact, printExact, sameNumber } from '../../src/json/exact-json.ts';
import { Json } from '../../src/json/json.ts';

const digits = fc.stringMatching(/^(0|[1-9]\d{0,30})$/);
const spelling = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.stringMatching(/^(\.\d{1,30})?$/),
    fc.stringMatching(/^([eE][-+]?\d{1,3})?$/),
  )
  .map((parts) => parts.join(''));

/** The value of a decimal, as integers: `digits * 10^exponent`. */
function decimal(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = 2000 + Number(exponent) - fraction.length;
  return String(BigInt(whole.replace('-', '') + fraction) * 10n ** BigInt(scale)) + whole.replace(/\d/g, '');
}

describe('JSON as it is spelt', () => {
  test('every number is printed as the same decimal, wherever it stands', () => {
    fc.assert(
      fc.property(fc.array(spelling, { minLength: 1 }), (numbers) => {
        const printed = printExact(
          parseExact(`{"a":[${numbers.join(' , ')}],"b":"${numbers[0]} ${numbers[0]}"}`),
        );
        const inner = /\[(.*?)\]/.exec(printed ?? '')?.[1]?.split(',') ?? [];
        expect(inner.map(decimal)).toEqual(numbers.map(decimal));
      }),
    );
  });

  test('a text without such numbers is what the parser makes of it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(printExact(parseExact(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test('what is like a number in a text, or a key, stays text', () => {
    const text = '{"9007199254740993":": 9007199254740993, -0 \\" 1e400","a":9007199254740993}';
    expect(printExact(parseExact(text))).toBe(text);
  });

  test('what a place forgets is refused, not rounded', () => {
    expect(() => JSON.stringify(parseExact('[9007199254740993]'))).toThrow(TypeError);
    expect(() => JSON.stringify(parseExact('[1e400]'))).toThrow(TypeError);
  });

  test('what is no JSON is refused as the parser refuses it', () => {
    for (const text of ['', '[9007199254740993', '01', '-', '1e400e', '[1e400}', '{"a":-0,}'])
      expect(() => parseExact(text)).toThrow(SyntaxError);
  });

  test('a number of a million digits is passed on and not counted with', () => {
    const text = `[${'1'.repeat(1_000_000)},0.${'0'.repeat(1_000_000)}1]`;
    expect(printExact(parseExact(text))).toBe(text);
  });

  test('a double in another spelling is the same number, one digit away it is not', () => {
    expect(sameNumber(exactNumber('0.10000000000000001'), 0.1)).toBe(true);
    expect(sameNumber(exactNumber('0.1234567890123456789'), 0.12345678901234568)).toBe(false);
    expect(sameNumber(exactNumber('9007199254740993'), 9007199254740992)).toBe(false);
    expect(sameNumber(exactNumber('-0'), 0)).toBe(true);
    expect(exactNumber('1e16')).toBe(10_000_000_000_000_000n);
    expect(exactNumber('1.0')).toBe(1);
    expect(exactNumber('1e300')).toBeInstanceOf(ExactNumber);
  });

  test('a value made of such parts is looked at as if it had come in', () => {
    const { value } = Json.ofExact({ id: 9007199254740993n });
    expect(JSON.stringify(value)).toBe('{"id":9007199254740992}');
  });
});
