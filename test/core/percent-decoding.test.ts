import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { percentDecoded } from '../../src/core/percent-decoding.ts';

describe('percent decoding', () => {
  test('gives back whatever was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(percentDecoded(encodeURIComponent(text))).toBe(text);
      }),
    );
  });

  test.each([
    ['%', '%'],
    ['50%off', '50%off'],
    ['5%200%off', '5 0%off'],
    ['%E0%A4%A', '%E0%A4%A'],
    ['%ff%41', '%ff%41'],
  ])('leaves what cannot be decoded as it is: %s is %s', (text, decoded) => {
    expect(percentDecoded(text)).toBe(decoded);
  });
});
