import { describe, expect, test } from 'vitest';
import type { Question } from '../../src/core/call.ts';
import { Cancellation } from '../../src/core/cancellation.ts';
import { EMPTY_OBJECT, type Json } from '../../src/json/json.ts';
import { compose } from '../../src/pipeline/compose.ts';
import { deadline } from '../../src/middleware/deadline.ts';
import { retry } from '../../src/middleware/retry.ts';
import { RetryBudget } from '../../src/middleware/retry-budget.ts';
import { callOf, failure, quiet, Stage } from '../harness/builders.ts';
import { HandClock, settle } from '../harness/clock.ts';

function arrange(maxMs: number): { clock: HandClock; stage: Stage; bound: ReturnType<typeof deadline> } {
  const clock = new HandClock();
  return {
    clock,
    stage: new Stage(),
    bound: deadline({ deadlineOf: () => ({ maxMs, server: 'tavern' }), clock }),
  };
}

const QUESTION: Question = {
  method: 'elicitation/create',
  params: EMPTY_OBJECT,
  server: 'tavern',
  signal: new Cancellation(),
};

describe('deadline', () => {
  test('ends a call that takes too long, and cancels it once', async () => {
    const { clock, stage, bound } = arrange(1_000);
    const done = quiet(bound(stage.handle)(callOf()));
    let cancels = 0;
    stage.last.call.signal.onCancel(() => cancels++);
    await clock.pass(999);
    expect(cancels).toBe(0);
    await clock.pass(1);
    await expect(done).rejects.toMatchObject({ code: 'TIMEOUT', delivered: 'unknown', server: 'tavern' });
    stage.last.resolve();
    expect(cancels).toBe(1);
  });

  test('bounds all attempts and pauses together', async () => {
    const { clock, stage, bound } = arrange(1_000);
    const again = retry({
      policyOf: () => ({ attempts: 99, delayMs: 400, maxDelayMs: 400 }),
      isSafe: () => true,
      budget: new RetryBudget({ ratio: 1, min: 3 }),
      clock,
      random: () => 0,
    });
    const done = quiet(compose([bound, again], stage.handle)(callOf()));
    for (let i = 0; i < 20; i++) {
      stage.last.reject(failure('DOWNSTREAM_UNAVAILABLE', false));
      await clock.pass(100);
    }
    await expect(done).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(stage.calls.length).toBeLessThan(6);
  });

  test('does not count the time in which a person is asked', async () => {
    const { clock, stage, bound } = arrange(1_000);
    let say: (result: Json) => void = () => {};
    const ask = (): Promise<Json> => new Promise((resolve) => (say = resolve));
    const done = quiet(bound(stage.handle)(callOf('book', { ask })));
    await clock.pass(900);
    const asked = stage.last.call.ask?.(QUESTION);
    await clock.pass(3_600_000);
    say(EMPTY_OBJECT);
    await asked;
    await clock.pass(99);
    stage.last.resolve();
    await expect(done).resolves.toBeDefined();
  });

  test('a process that stood still looks at what has come before it gives up', async () => {
    const { clock, stage, bound } = arrange(1_000);
    const done = quiet(bound(stage.handle)(callOf()));
    clock.jump(60_000);
    await clock.pass(0);
    await settle();
    stage.last.resolve();
    await expect(done).resolves.toBeDefined();
  });

  test('has one timer for all calls, and none that grows with them', async () => {
    const { clock, stage, bound } = arrange(1_000);
    for (let i = 0; i < 100; i++) {
      const done = bound(stage.handle)(callOf());
      stage.last.resolve();
      await done;
      await clock.pass(100);
    }
    expect(clock.waiting).toBeLessThan(2);
  });
});
