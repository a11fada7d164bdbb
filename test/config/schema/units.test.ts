import { expect, test } from 'vitest';

import { readDuration, readSize } from '../../../src/config/schema/units.ts';

test.each([
  [1500, 1500],
  ['1500', 1500],
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  [0, 0],
])('%j is a duration of %d ms', (value, ms) => expect(readDuration(value)).toBe(ms));

test.each(['soon', '', '-1s', '3d', -1, 1.5, null, true, '9999h', Infinity])('%j is no duration', (value) =>
  expect(readDuration(value)).toBeUndefined(),
);

test.each([
  [1024, 1024],
  ['64KB', 64_000],
  ['32MiB', 33_554_432],
  ['1 gib', 1_073_741_824],
  ['10b', 10],
])('%j is a size of %d bytes', (value, bytes) => expect(readSize(value)).toBe(bytes));

test.each(['32M', 'big', -1, 0.5])('%j is no size', (value) => expect(readSize(value)).toBeUndefined());
