import { describe, expect, test } from 'vitest';
import { LatestWins } from '../../src/downstream/rate-limits.ts';
import type { RpcMessage } from '../harness/ledger.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { HandClock } from '../harness/clock.ts';
import { until } from '../harness/until.ts';

describe('a flood', () => {
  test('C07 of 50,000 progress notes in one call is thinned out, the last one comes, and then the answer', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const id = proxy.askTool('a__progressFlood', { count: 50_000 }, { _meta: { progressToken: 'mine' } });
    const answer = await proxy.answer(id, 15_000);
    expect(textOf(answer)).toBe('done');
    const notes = proxy.clientNotifications('notifications/progress').map(({ params }) => params);
    expect(notes.length).toBeLessThan(1500);
    expect(notes.at(-1)).toEqual({ progressToken: 'mine', progress: 50_000 });
    const order = notes.map((params) => params?.['progress'] as number);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(proxy.messages.findLastIndex(({ method }) => method === 'notifications/progress')).toBeLessThan(
      proxy.messages.indexOf(answer),
    );
    const { skipped } = await proxy.status('a');
    expect((skipped as Record<string, number>)['progress in a flood of it']).toBe(50_000 - notes.length);
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('C08 of 100,000 log messages is cut, with a word about how many were left out', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const flood = proxy.askTool('a__logFlood', { count: 100_000 });
    const logs = (): RpcMessage['params'][] =>
      proxy.clientNotifications('notifications/message').map(({ params }) => params);
    const words = (): string[] =>
      logs()
        .filter((params) => params?.['logger'] === 'switchyard')
        .map((params) => String(params?.['data']));
    const leftOut = (): number => words().reduce((sum, word) => sum + Number(/^\d+/.exec(word)?.[0]), 0);
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
    // The other server's answer is not behind the flood.
    expect(proxy.ledger.answerTo(flood)).toBeUndefined();
    expect(textOf(await proxy.answer(flood, 20_000))).toBe('done');
    // The last word comes with the next second.
    await until(
      'word of all that were left out',
      () => leftOut() === 100_000 - (logs().length - words().length),
    );
    expect(logs().length).toBeLessThan(5000);
  });

  test('C09 a result of 100,000 parts costs that call alone', async () => {
    const proxy = await startProxy({ a: server() });
    const answer = await proxy.call('parts', { count: 100_000 });
    expect(failureOf(answer)).toEqual({ code: 'RESULT_TOO_LARGE', server: 'a', delivered: true });
    expect(textOf(answer)).toContain('has 100000 parts ("content"); at most 10000 are taken');
    expect((await proxy.call('parts', { count: 10_000 })).result?.['content']).toHaveLength(10_000);
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });
});

describe('the newest of a flood', () => {
  test('comes with the next second where nothing else does, and the timer ends with it', async () => {
    const clock = new HandClock();
    const passed: number[] = [];
    let leftOut = 0;
    const newest = new LatestWins<number>({
      perSecond: 2,
      clock,
      pass: (n) => passed.push(n),
      leftOut: (n) => (leftOut += n),
    });
    for (let i = 1; i <= 10; i++) newest.push(i);
    expect(passed).toEqual([1, 2]);
    await clock.pass(1000);
    expect(passed).toEqual([1, 2, 10]);
    expect(leftOut).toBe(7);
    newest.push(11);
    newest.push(12);
    newest.push(13);
    newest.stop();
    await clock.pass(5000);
    expect(passed).toEqual([1, 2, 10, 11, 12]);
    expect(clock.waiting).toBe(0);
  });
});
