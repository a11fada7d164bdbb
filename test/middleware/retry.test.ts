import { describe, expect, test } from 'vitest';
import { answerOf, asyncHandler, Answer } from '../../src/core/answer.ts';
import type { Call, Handler } from '../../src/core/call.ts';
import {
  type Delivered,
  type ErrorCode,
  INVALID_PARAMS,
  type ProxyError,
  RpcError,
} from '../../src/core/errors.ts';
import { retry } from '../../src/middleware/retry.ts';
import { RetryBudget } from '../../src/middleware/retry-budget.ts';
import { answer, callOf, failure, quiet } from '../harness/builders.ts';
import { HandClock, settle } from '../harness/clock.ts';

const POLICY = { attempts: 3, delayMs: 200, maxDelayMs: 5_000 };

function arrange(options: {
  safe?: boolean;
  budget?: RetryBudget;
  random?: number;
  failing: (attempt: number) => Error | undefined;
}): {
  clock: HandClock;
  attempts: () => number;
  budget: RetryBudget;
  call: (call?: Call) => Promise<unknown>;
} {
  const clock = new HandClock();
  const budget = options.budget ?? new RetryBudget({ ratio: 0.2, min: 3 });
  let attempts = 0;
  const handle: Handler = asyncHandler(async () => {
    const error = options.failing(++attempts);
    if (error) throw error;
    return answer();
  });
  const wrapped = retry({
    policyOf: () => POLICY,
    isSafe: () => options.safe ?? false,
    budget,
    clock,
    random: () => options.random ?? 0,
  })(handle);
  return { clock, attempts: () => attempts, budget, call: (call = callOf()) => quiet(wrapped(call)) };
}

describe('what a client sees after a failed attempt', () => {
  const table: [Delivered, boolean, number, ErrorCode][] = [
    [false, false, 3, 'DOWNSTREAM_FAILED'],
    [false, true, 3, 'DOWNSTREAM_FAILED'],
    [true, false, 1, 'DOWNSTREAM_FAILED'],
    [true, true, 3, 'DOWNSTREAM_FAILED'],
    ['unknown', false, 1, 'OUTCOME_UNKNOWN'],
    ['unknown', true, 3, 'DOWNSTREAM_FAILED'],
  ];
  test.each(table)(
    'H07 delivered %s, safe %s: %i attempts, then %s',
    async (delivered, safe, attempts, code) => {
      const {
        clock,
        call,
        attempts: made,
      } = arrange({ safe, failing: () => failure('DOWNSTREAM_FAILED', delivered) });
      const done = call();
      await clock.pass(10_000);
      await expect(done).rejects.toMatchObject({ code, server: 'tavern', delivered });
      expect(made()).toBe(attempts);
    },
  );

  test('H07 the error says that the outcome is unknown, and why', async () => {
    const { call } = arrange({ failing: () => failure('DOWNSTREAM_FAILED', 'unknown') });
    await expect(call()).rejects.toThrow(/"tavern" failed \(DOWNSTREAM_FAILED\)\. The outcome is unknown/);
  });

  test('a timeout stays a timeout: it says by itself that the outcome is unknown', async () => {
    const { call } = arrange({ failing: () => failure('TIMEOUT', 'unknown') });
    await expect(call()).rejects.toMatchObject({ code: 'TIMEOUT', delivered: 'unknown' });
  });
});

describe('retry', () => {
  test('answers with the attempt that succeeds', async () => {
    const { clock, call, attempts } = arrange({
      failing: (n) => (n < 3 ? failure('DOWNSTREAM_UNAVAILABLE', false) : undefined),
    });
    const done = call();
    await clock.pass(10_000);
    await expect(done).resolves.toBeDefined();
    expect(attempts()).toBe(3);
  });

  test('pauses longer and longer, half of it at random', async () => {
    const { clock, call, attempts } = arrange({
      random: 0,
      failing: () => failure('DOWNSTREAM_UNAVAILABLE', false),
    });
    void call();
    await clock.pass(99);
    expect(attempts()).toBe(1);
    await clock.pass(1);
    expect(attempts()).toBe(2);
    await clock.pass(199);
    expect(attempts()).toBe(2);
    await clock.pass(1);
    expect(attempts()).toBe(3);
  });

  test('waits as long as the server asks for, if that is not too long', async () => {
    const { clock, call, attempts } = arrange({
      failing: () => failure('RATE_LIMITED', false, { retryAfterMs: 3_000 }),
    });
    void call();
    await clock.pass(2_999);
    expect(attempts()).toBe(1);
    await clock.pass(1);
    expect(attempts()).toBe(2);
  });

  test('hands the hint on where the server asks for more patience than a call has', async () => {
    const { call, attempts } = arrange({
      failing: () => failure('RATE_LIMITED', false, { retryAfterMs: 60_000 }),
    });
    await expect(call()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 60_000 });
    expect(attempts()).toBe(1);
  });

  test.each([
    ['an error of the server', RpcError.of(INVALID_PARAMS, 'no')],
    ['an open circuit', failure('CIRCUIT_OPEN', false, { retryAfterMs: 100 })],
    ['a full queue', failure('BUSY', false)],
    ['a login that is missing', failure('LOGIN_REQUIRED', false)],
    ['a result that is too large', failure('RESULT_TOO_LARGE', true)],
  ])('does not try again after %s', async (_, error) => {
    const { call, attempts } = arrange({ safe: true, failing: () => error });
    await expect(call()).rejects.toBe(error);
    expect(attempts()).toBe(1);
  });

  test('does not try again after isError', async () => {
    const wrapped = retry({
      policyOf: () => POLICY,
      isSafe: () => true,
      budget: new RetryBudget({ ratio: 1, min: 3 }),
      clock: new HandClock(),
      random: () => 0,
    });
    let attempts = 0;
    const result = await wrapped(() => {
      attempts++;
      return Answer.of(answer({ isError: true }));
    })(callOf());
    expect([attempts, result.text]).toEqual([1, '{"isError":true}']);
  });

  test('a failure that may have done something is not hidden by a later refusal', async () => {
    const refusals = (n: number): Error => (n === 1 ? failure('TIMEOUT') : failure('CIRCUIT_OPEN', false));
    const { clock, call } = arrange({ safe: true, failing: refusals });
    const done = call();
    await clock.pass(10_000);
    await expect(done).rejects.toMatchObject({ code: 'TIMEOUT', delivered: 'unknown' });
  });

  test('a client that cancels ends the pause', async () => {
    const { clock, call, attempts } = arrange({ failing: () => failure('DOWNSTREAM_UNAVAILABLE', false) });
    const cancelled = callOf();
    const done = call(cancelled);
    await settle();
    cancelled.signal.cancel('enough');
    await expect(done).rejects.toMatchObject({ code: 'CANCELLED' });
    await clock.pass(10_000);
    expect([attempts(), clock.waiting]).toEqual([1, 0]);
  });
});

describe('the retry budget', () => {
  test('allows three at a time where few calls are under way', () => {
    const budget = new RetryBudget({ ratio: 0.2, min: 3 });
    budget.callStarted();
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  test('H09 allows a fifth of the calls under way', async () => {
    const budget = new RetryBudget({ ratio: 0.2, min: 3 });
    const { call, attempts } = arrange({ budget, failing: () => failure('DOWNSTREAM_UNAVAILABLE', false) });
    const all = Array.from({ length: 100 }, () =>
      call().catch((error: unknown) => (error as ProxyError).code),
    );
    await settle();
    expect(budget.spent).toBe(20);
    expect(attempts()).toBe(100);
    void all;
  });

  test('gets everything back in the end', async () => {
    const { clock, budget, call } = arrange({
      safe: true,
      failing: (n) => (n % 3 === 0 ? undefined : failure('TIMEOUT')),
    });
    const all = Array.from({ length: 50 }, () => call().catch(() => {}));
    await clock.pass(60_000);
    await Promise.all(all);
    expect(budget.spent).toBe(0);
  });

  test('has a call that is given up during a second attempt as over at once', async () => {
    const budget = new RetryBudget({ ratio: 1, min: 0 });
    const clock = new HandClock();
    let attempts = 0;
    const wrapped = retry({ policyOf: () => POLICY, isSafe: () => true, budget, clock, random: () => 0 })(
      () => {
        if (++attempts === 1) return Answer.failed(failure('TIMEOUT'));
        return new Answer();
      },
    );
    // It hears of nothing any more, and never ends.
    const given = answerOf(wrapped, callOf());
    void quiet(given);
    await clock.pass(1_000);
    expect(attempts).toBe(2);
    budget.giveBack();
    expect(budget.take()).toBe(true);
    budget.giveBack();
    given.reject(failure('TIMEOUT'));
    expect(budget.take()).toBe(false);
  });
});
