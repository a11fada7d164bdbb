import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Stopwatch } from '../../src/middleware/timed-call.ts';
import { TimeLimits } from '../../src/middleware/time-limits.ts';
import { HandClock } from '../harness/clock.ts';

class Kept {
  readonly watch: Stopwatch;
  ended: number | undefined;

  constructor(limits: TimeLimits, idleMs: number, maxMs: number) {
    const { clock } = limits;
    const expired = (): void => void (this.ended ??= clock.now());
    this.watch = new Stopwatch({ expired }, limits, idleMs, maxMs);
  }
}

const deed = fc.record({
  what: fc.constantFrom('start', 'stop', 'alive', 'pause', 'resume', 'pass'),
  which: fc.nat(9),
  idleMs: fc.integer({ min: 1, max: 500 }),
  maxMs: fc.integer({ min: 1, max: 500 }),
});

test('watches end when the one of their hands is up, however many share the timer and whatever befalls the others', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const clock = new HandClock();
      const limits = new TimeLimits(clock);
      const all: {
        kept: Kept;
        alive: number;
        began: number;
        paused: number;
        pausedAt: number;
        idleMs: number;
        maxMs: number;
        over: boolean;
      }[] = [];
      const check = (): void => {
        const now = clock.now();
        for (const one of all) {
          const dueAt = Math.min(one.alive + one.idleMs, one.began + one.maxMs);
          if (!one.over && one.paused === 0 && dueAt <= now) {
            one.over = true;
            expect(one.kept.ended).toBe(dueAt);
          } else if (!one.over) expect(one.kept.ended).toBeUndefined();
        }
      };
      for (const { what, which, idleMs, maxMs } of deeds) {
        const now = clock.now();
        const one = all[which];
        if (what === 'start')
          all.push({
            kept: new Kept(limits, idleMs, maxMs),
            alive: now,
            began: now,
            paused: 0,
            pausedAt: 0,
            idleMs,
            maxMs,
            over: false,
          });
        else if (what === 'pass')
          for (let ms = 0; ms < idleMs; ms++) {
            clock.passNow(1);
            check();
          }
        else if (!one || one.over) continue;
        else if (what === 'stop') {
          one.kept.watch.stop();
          one.over = true;
        } else if (what === 'alive') {
          if (one.paused > 0) continue;
          one.kept.watch.alive();
          one.alive = now;
        } else if (what === 'pause') {
          one.kept.watch.pause();
          if (one.paused++ === 0) one.pausedAt = now;
        } else if (one.paused > 0) {
          one.kept.watch.resume();
          if (--one.paused > 0) continue;
          one.alive += now - one.pausedAt;
          one.began += now - one.pausedAt;
        }
      }
      clock.passNow(1000);
      check();
    }),
  );
});

test('one that throws does not take those beside it with it', async () => {
  const clock = new HandClock();
  const limits = new TimeLimits(clock);
  const thrown: unknown[] = [];
  const heard = (error: unknown): void => void thrown.push(error);
  const boom = new Error('of its own');
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', heard);
  try {
    new Stopwatch(
      {
        expired: () => {
          throw boom;
        },
      },
      limits,
      100,
      Infinity,
    );
    const beside = new Kept(limits, 100, Infinity);
    await clock.pass(100);
    await new Promise((done) => setImmediate(done));
    expect(beside.ended).toBe(clock.now());
    expect(thrown).toEqual([boom]);
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of listeners) process.on('unhandledRejection', listener);
  }
});

test('a timer is left for no longer than seconds where all have stopped', () => {
  const clock = new HandClock();
  const limits = new TimeLimits(clock);
  const hour = new Kept(limits, Infinity, 3_600_000);
  clock.passNow(100_000);
  expect(clock.waiting).toBe(1);
  hour.watch.stop();
  clock.passNow(5000);
  expect(clock.waiting).toBe(0);
});
