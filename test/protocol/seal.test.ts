import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Sealer } from '../../src/protocol/seal.ts';

const alice = { clientId: 'alice', purpose: 'task' };
const anything = fc.jsonValue();
const context = fc.record({ clientId: fc.string(), purpose: fc.string() });

describe('a sealed value', () => {
  test('comes back as it was', () => {
    const { sealer } = atTime();
    fc.assert(
      fc.property(anything, context, (value, whose) => {
        const opened = sealer.open(sealer.seal(value, whose, 1000), whose);
        expect(isDeepStrictEqual(opened, JSON.parse(JSON.stringify(value)))).toBe(true);
      }),
    );
  });

  test('is worthless to another client and for another purpose', () => {
    const { sealer } = atTime();
    fc.assert(
      fc.property(context, context, (whose, other) => {
        fc.pre(!isDeepStrictEqual(whose, other));
        expect(sealer.open(sealer.seal('secret', whose, 1000), other)).toBeUndefined();
      }),
    );
  });

  test('does not let a client and a purpose run into each other', () => {
    const { sealer } = atTime();
    const sealed = sealer.seal(1, { clientId: 'a', purpose: 'bc' }, 1000);
    expect(sealer.open(sealed, { clientId: 'ab', purpose: 'c' })).toBeUndefined();
  });

  test('is worthless with any character changed, added or lost', () => {
    const { sealer } = atTime();
    const sealed = sealer.seal({ server: 'a', taskId: '7' }, alice, 1000);
    const character = fc.oneof(
      fc.constantFrom(...'ABCxyz019-_+/= \n'),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(
        fc.nat(sealed.length),
        fc.constantFrom(0, 1),
        fc.oneof(fc.constant(''), character),
        (i, lost, added) => {
          const forged = sealed.slice(0, i) + added + sealed.slice(i + lost);
          fc.pre(forged !== sealed);
          expect(sealer.open(forged, alice)).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is worthless under another key', () => {
    const sealed = atTime().sealer.seal(1, alice, 1000);
    expect(atTime().sealer.open(sealed, alice)).toBeUndefined();
  });

  test('is worthless when its time is over', () => {
    const { sealer, time } = atTime();
    const sealed = sealer.seal('x', alice, 1000);
    time.now += 1000;
    expect(sealer.open(sealed, alice)).toBe('x');
    time.now += 1;
    expect(sealer.open(sealed, alice)).toBeUndefined();
  });

  test('cannot be read from outside, and never looks the same twice', () => {
    const { sealer } = atTime();
    const sealed = sealer.seal('a secret of the server', alice, 1000);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('secret');
    expect(sealer.seal('a secret of the server', alice, 1000)).not.toBe(sealed);
  });
});

test('what was never sealed opens to nothing', () => {
  const { sealer } = atTime();
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      expect(sealer.open(text, alice)).toBeUndefined();
    }),
  );
});

function atTime(): { sealer: Sealer; time: { now: number } } {
  const time = { now: 1_800_000_000_000 };
  return { sealer: new Sealer(randomBytes(32), () => time.now), time };
}
