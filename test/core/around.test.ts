import { describe, expect, test } from 'vitest';
import { Answer } from '../../src/core/answer.ts';
import { around } from '../../src/core/around.ts';
import type { Handler } from '../../src/core/call.ts';
import { Json } from '../../src/json/json.ts';
import { callOf } from '../harness/builders.ts';

const boom = new Error('boom');
const result = Json.of('result');

/** Middleware that writes down which of its hooks run. */
function noting(next: Handler, onError?: () => Json | Promise<Json>) {
  const ran: string[] = [];
  const handle = around<string>(() => ({
    before({ name }) {
      ran.push('before');
      if (name === 'refused') throw boom;
      return name === 'passed' ? undefined : name;
    },
    onResult(value, state) {
      ran.push(`result of ${state}`);
      return value;
    },
    onError(error, state) {
      ran.push(`error of ${state}`);
      if (!onError) throw error;
      return onError();
    },
    after: (state) => void ran.push(`after ${state}`),
  }))(next);
  return { ran, handle };
}

describe('the hooks around a call', () => {
  test('run as the code around `await next(call)` would', async () => {
    const { ran, handle } = noting(() => Answer.of(result));
    expect(await handle(callOf('t'))).toBe(result);
    expect(ran).toEqual(['before', 'result of t', 'after t']);
  });

  test('see an error, also one that the handler throws at once', async () => {
    for (const next of [
      () => Answer.failed(boom),
      () => {
        throw boom;
      },
    ]) {
      const { ran, handle } = noting(next);
      await expect(handle(callOf('t'))).rejects.toBe(boom);
      expect(ran).toEqual(['before', 'error of t', 'after t']);
    }
  });

  test('do not run for a call that `before` answers with an error', async () => {
    const { ran, handle } = noting(() => Answer.of(result));
    await expect(handle(callOf('refused'))).rejects.toBe(boom);
    expect(ran).toEqual(['before']);
  });

  test('do not run for a call that `before` has no interest in', async () => {
    const { ran, handle } = noting(() => Answer.of(result));
    expect(await handle(callOf('passed'))).toBe(result);
    expect(ran).toEqual(['before']);
  });

  test('run `after` when the promise of a hook has settled, and before the middleware outside', async () => {
    let settle: (value: Json) => void = () => {};
    const { ran, handle } = noting(
      () => Answer.failed(boom),
      () => new Promise((resolve) => (settle = resolve)),
    );
    const outside = handle(callOf('t')).on((value) => {
      ran.push('outside');
      return value;
    });
    expect(ran).toEqual(['before', 'error of t']);
    settle(result);
    expect(await outside).toBe(result);
    expect(ran).toEqual(['before', 'error of t', 'after t', 'outside']);
  });

  test('run `after` at once when the answer is rejected while a hook waits', async () => {
    const { ran, handle } = noting(
      () => Answer.failed(boom),
      () => new Promise(() => {}),
    );
    const answer = handle(callOf('t'));
    const late = new Error('late');
    answer.reject(late);
    expect(ran).toEqual(['before', 'error of t', 'after t']);
    await expect(answer).rejects.toBe(late);
  });

  test('fail the call with what they throw, and `after` runs all the same', async () => {
    const ran: string[] = [];
    const handle = around(() => ({
      before: () => 1,
      onResult() {
        throw boom;
      },
      after: () => void ran.push('after'),
    }))(() => Answer.of(result));
    await expect(handle(callOf('t'))).rejects.toBe(boom);
    expect(ran).toEqual(['after']);
  });
});
