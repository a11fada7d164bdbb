import { describe, expect, test } from 'vitest';
import { Answer, answerOf, asyncHandler } from '../../src/core/answer.ts';
import { Json } from '../../src/json/json.ts';
import { callOf } from '../harness/builders.ts';

const json = (value: unknown): Json => Json.of(value);
const boom = new Error('boom');

describe('an answer', () => {
  test('runs its steps in order, in the turn that settles it', () => {
    const seen: unknown[] = [];
    const answer = new Answer();
    answer
      .on((result) => json([result.value, 'inner']))
      .on((result) => json([result.value, 'outer']))
      .end(
        (result) => seen.push(result.value),
        () => seen.push('failed'),
      );
    answer.resolve(json('result'));
    expect(seen).toEqual([[['result', 'inner'], 'outer']]);
  });

  test('passes through an object that keeps what it needs', async () => {
    const step = {
      seen: [] as unknown[],
      onResult(result: Json): Json {
        this.seen.push(result.value);
        throw boom;
      },
      onError(error: unknown): Json {
        this.seen.push(error);
        return json('well');
      },
    };
    expect((await Answer.of(json(1)).through(step).through(step)).value).toBe('well');
    expect(step.seen).toEqual([1, boom]);
  });

  test('keeps its first outcome', async () => {
    const answer = new Answer();
    answer.reject(boom);
    answer.resolve(json(1));
    answer.reject(new Error('later'));
    await expect(answer).rejects.toBe(boom);
  });

  test('fails with what a step throws, and is well again with what a step makes of an error', async () => {
    const answer = Answer.of(json(1))
      .on(() => {
        throw boom;
      })
      .on(undefined, (error) => json((error as Error).message));
    expect((await answer).value).toBe('boom');
  });

  test('lets the steps behind wait for one that takes its time', async () => {
    const slow = new Answer();
    const seen: string[] = [];
    const answer = Answer.failed(boom)
      .on(undefined, () => slow)
      .on((result) => {
        seen.push('behind');
        return result;
      });
    expect(seen).toEqual([]);
    slow.resolve(json('again'));
    expect(seen).toEqual(['behind']);
    expect((await answer).value).toBe('again');
  });

  test('can be ended while a step waits; what that step comes to is too late', async () => {
    const slow = new Answer();
    const answer = Answer.failed(boom).on(undefined, () => slow);
    const ended = new Error('ended');
    answer.reject(ended);
    slow.resolve(json('too late'));
    await expect(answer).rejects.toBe(ended);
  });

  test('of a handler that throws, or is a promise, is an answer all the same', async () => {
    const throwing = answerOf(() => {
      throw boom;
    }, callOf('t'));
    await expect(throwing).rejects.toBe(boom);
    expect(
      (
        await answerOf(
          asyncHandler(async () => json(2)),
          callOf('t'),
        )
      ).value,
    ).toBe(2);
  });
});
