import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeNumber } from '../../src/core/whole-number.ts';
import { retryAfter } from '../../src/transport/http-client/status-error.ts';

describe('a text stands for a number', () => {
  test('where it is what that number is printed as, and in no other case', () => {
    const numeric = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789.eExXoObB+-_ n'.split('')), maxLength: 18 }),
      fc.maxSafeNat().map(String),
      fc.double().map(String),
      fc.string(),
    );
    fc.assert(
      fc.property(numeric, (text) => {
        const number = wholeNumber(text);
        const printed =
          Number.isSafeInteger(Number(text)) && Number(text) >= 0 && String(Number(text)) === text;
        expect(number).toBe(printed ? Number(text) : undefined);
      }),
    );
  });

  test('beyond 2^53 it would be that of another text too, and is none', () => {
    expect(wholeNumber('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(wholeNumber('9007199254740993')).toBeUndefined();
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  test.each([
    ['7', 7000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Thursday, 01-Jan-26 00:00:05 GMT', 5000],
    ['2026-01-01T00:00:05Z', 5000],
    ['-5', undefined],
    ['1.5', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['in 5 minutes', undefined],
  ])('%j says %s milliseconds', (text, ms) => expect(retryAfter(text, now)).toBe(ms));
});
