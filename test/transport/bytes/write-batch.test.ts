import { expect, test } from 'vitest';
import { batchWrite } from '../../../src/transport/bytes/write-batch.ts';

test('what departs in one turn leaves in its order at the end of the turn, after all its microtasks', async () => {
  const order: string[] = [];
  batchWrite(() => {
    order.push('first');
    batchWrite(() => order.push('caused by the first'));
  });
  batchWrite(() => order.push('second'));
  await Promise.resolve().then(() => order.push('microtask'));
  expect(order).toEqual(['microtask']);
  await new Promise(setImmediate);
  expect(order).toEqual(['microtask', 'first', 'second']);
  await new Promise(setImmediate);
  expect(order.at(-1)).toBe('caused by the first');
});

test('what is alone leaves at once, unless others wait already', async () => {
  const order: string[] = [];
  batchWrite(() => order.push('alone'), true);
  expect(order).toEqual(['alone']);
  batchWrite(() => order.push('first'));
  batchWrite(() => order.push('behind'), true);
  expect(order).toEqual(['alone']);
  await new Promise(setImmediate);
  expect(order).toEqual(['alone', 'first', 'behind']);
});
