import { describe, expect, test } from 'vitest';
import { randomKeys } from '../../src/middleware/idempotency.ts';

describe('random keys', () => {
  const makeKey = randomKeys();
  const keys = Array.from({ length: 5000 }, makeKey);

  test('are UUIDs of version 4', () => {
    const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
    expect(keys.filter((key) => !uuid.test(key))).toEqual([]);
  });

  test('do not come again, not from another maker either', () => {
    const others = Array.from({ length: 5000 }, randomKeys());
    expect(new Set([...keys, ...others]).size).toBe(10_000);
  });

  test('have every digit at every place that is free', () => {
    const fixed = new Set([8, 13, 14, 18, 19, 23]);
    for (let place = 0; place < 36; place++)
      if (!fixed.has(place)) expect(new Set(keys.map((key) => key[place])).size).toBe(16);
    expect(new Set(keys.map((key) => key[19])).size).toBe(4);
  });
});
