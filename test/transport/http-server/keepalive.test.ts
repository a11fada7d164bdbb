import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BEATS_PER_SILENCE, Keepalive } from '../../../src/transport/http-server/keepalive.ts';

describe('the pulse', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('has one timer for all its members, and none while there are none', () => {
    const pulse = new Keepalive<Counter>(1_000);
    expect(vi.getTimerCount()).toBe(0);
    const counters = [new Counter(), new Counter(), new Counter()];
    counters.forEach((counter) => pulse.add(counter));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(counters.map(({ beats }) => beats)).toEqual(counters.map(() => BEATS_PER_SILENCE));
    counters.forEach((counter) => pulse.delete(counter));
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('starts again with the next member', () => {
    const pulse = new Keepalive<Counter>(1_000);
    const counter = new Counter();
    pulse.add(counter);
    pulse.delete(counter);
    vi.advanceTimersByTime(1_000);
    pulse.add(counter);
    vi.advanceTimersByTime(1_000);
    expect(counter.beats).toBe(BEATS_PER_SILENCE);
  });

  test('bears members that leave while it beats', () => {
    const pulse = new Keepalive<Counter>(1_000);
    const leaver = new Counter(() => pulse.delete(leaver));
    const stayer = new Counter();
    pulse.add(leaver);
    pulse.add(stayer);
    vi.advanceTimersByTime(1_000);
    expect([leaver.beats, stayer.beats]).toEqual([1, BEATS_PER_SILENCE]);
  });
});

class Counter {
  readonly #then: () => void;
  beats = 0;

  constructor(then: () => void = () => {}) {
    this.#then = then;
  }

  beat(): void {
    this.beats++;
    this.#then();
  }
}
