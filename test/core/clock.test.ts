import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

test('a long wait ends never early, and at most a slot late', () => {
  const late: number[] = [];
  for (let i = 0; i < 200; i++) {
    const due = systemClock.now() + 5000;
    systemClock.after(5000, () => late.push(systemClock.now() - due));
    vi.advanceTimersByTime(7);
  }
  vi.advanceTimersByTime(6000);
  expect(late).toHaveLength(200);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(51);
});

test('waits that end together share a timer', () => {
  const before = vi.getTimerCount();
  for (let i = 0; i < 1000; i++) systemClock.after(60_000, () => {});
  expect(vi.getTimerCount() - before).toBe(1);
});

test('a wait that is cancelled does not end, and those beside it do', () => {
  const ended: string[] = [];
  const cancel = systemClock.after(3000, () => ended.push('cancelled'));
  systemClock.after(3000, () => ended.push('beside'));
  systemClock.after(20, () => ended.push('short'));
  cancel();
  vi.advanceTimersByTime(20);
  expect(ended).toEqual(['short']);
  vi.advanceTimersByTime(4000);
  expect(ended).toEqual(['short', 'beside']);
});

test('one that throws does not take those beside it with it', () => {
  const ended: string[] = [];
  systemClock.after(3000, () => {
    throw new Error('of its own');
  });
  systemClock.after(3000, () => ended.push('beside'));
  expect(() => vi.advanceTimersByTime(4000)).toThrow('of its own');
  vi.advanceTimersByTime(4000);
  expect(ended).toEqual(['beside']);
});
