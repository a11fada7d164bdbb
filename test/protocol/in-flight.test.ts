import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InFlight } from '../../src/protocol/in-flight.ts';

describe('what is in flight', () => {
  test('is found by its number until it is deleted, whatever comes and goes', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat(100)), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (all) => {
        const inFlight = new InFlight<string>();
        const known = new Map<number, string>();
        let last = 0;
        for (const step of all) {
          if (step === 'add') {
            last = inFlight.idAfter(last);
            inFlight.set(last, `value ${last}`);
            known.set(last, `value ${last}`);
          } else {
            const id = [...known.keys()][step % Math.max(1, known.size)] ?? -5;
            expect(inFlight.delete(id)).toBe(known.delete(id));
          }
          expect(inFlight.size).toBe(known.size);
        }
        expect(inFlight.values()).toEqual([...known.values()]);
        for (let id = -1; id <= last + 1; id++) expect(inFlight.get(id)).toBe(known.get(id));
      }),
    );
  });

  test('takes numbers that another one has given out', () => {
    const inFlight = new InFlight<number>();
    for (const id of [1, 17, 33, 65, 1025]) inFlight.set(id, id);
    expect(inFlight.values()).toEqual([1, 17, 33, 65, 1025]);
  });

  test('can be asked for the latest of those that are so', () => {
    const inFlight = new InFlight<string>();
    for (const [id, value] of [
      [3, 'b'],
      [18, 'a'],
      [5, 'b'],
      [40, 'c'],
    ] as const)
      inFlight.set(id, value);
    const latestBut = (value: string): string | undefined => inFlight.latest((one) => one !== value);
    expect([latestBut('a'), latestBut('c')]).toEqual(['c', 'a']);
    inFlight.delete(18);
    expect(latestBut('c')).toBe('b');
    expect(inFlight.latest(() => false)).toBeUndefined();
  });

  test('stays small while one number stays and many come and go', () => {
    const inFlight = new InFlight<string>();
    let last = inFlight.idAfter(0);
    inFlight.set(last, 'stays');
    const skipped: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      const next = inFlight.idAfter(last);
      if (next !== last + 1) skipped.push(next);
      inFlight.set(next, 'goes');
      inFlight.delete(next);
      last = next;
    }
    // One in sixteen: its place in the smallest table.
    expect(skipped.length).toBeGreaterThan(500);
  });
});
