import { describe, expect, test } from 'vitest';
import { Answer } from '../../src/core/answer.ts';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { ProxyError } from '../../src/core/errors.ts';
import { concurrency, ConcurrencyLimit } from '../../src/middleware/concurrency.ts';
import { callOf, client, quiet, Stage } from '../harness/builders.ts';
import { settle } from '../harness/clock.ts';

function arrange(
  maxConcurrency: number,
  maxQueue: number,
): { gate: ConcurrencyLimit; stage: Stage; call: (who: string, name?: string) => Promise<unknown> } {
  const gate = new ConcurrencyLimit({ server: 'tavern', maxConcurrency, maxQueue });
  const stage = new Stage();
  const wrapped = concurrency(gate)(stage.handle);
  return { gate, stage, call: (who, name = who) => quiet(wrapped(callOf(name, { client: client(who) }))) };
}

async function served(stage: Stage, count: number): Promise<string> {
  for (let i = 0; i < count; i++) {
    stage.calls[i]?.resolve();
    await settle();
  }
  return stage.calls.map(({ call }) => call.name).join(' ');
}

describe('concurrency', () => {
  test('lets no more calls through than maxConcurrency', async () => {
    const { gate, stage, call } = arrange(2, 10);
    for (let i = 0; i < 5; i++) void call('anna');
    await settle();
    expect([stage.calls.length, gate.running, gate.queued]).toEqual([2, 2, 3]);
    stage.calls[0]?.resolve();
    await settle();
    expect([stage.calls.length, gate.running, gate.queued]).toEqual([3, 2, 2]);
  });

  test('answers BUSY, surely not delivered, when the queue is full', async () => {
    const { call } = arrange(1, 1);
    void call('anna');
    void call('anna');
    const refused = (await call('anna').catch((error: unknown) => error)) as ProxyError;
    expect([refused.code, refused.delivered, refused.server]).toEqual(['BUSY', false, 'tavern']);
  });

  test('serves the clients in turn, not the one who asked most', async () => {
    const { stage, call } = arrange(1, 10);
    for (const [who, name] of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => [
      name[0] as string,
      name,
    ]))
      void call(who as string, name);
    expect(await served(stage, 7)).toBe('a1 a2 b1 c1 a3 b2 a4');
  });

  test('F13 a client that floods loses its last place to one that has none', async () => {
    const { stage, call } = arrange(1, 4);
    const flood = Array.from({ length: 6 }, (_, i) =>
      call('flood', `f${i}`).then(
        () => 'served',
        () => 'refused',
      ),
    );
    const other = call('anna', 'anna').then(
      () => 'served',
      () => 'refused',
    );
    await served(stage, 7);
    expect(await Promise.all(flood)).toEqual(['served', 'served', 'served', 'served', 'refused', 'refused']);
    expect(await other).toBe('served');
  });

  test('a cancelled call leaves the queue and its place to others', async () => {
    const { gate, stage } = arrange(1, 2);
    const wrapped = concurrency(gate)(stage.handle);
    void quiet(wrapped(callOf('first')));
    const waiting = callOf('second');
    const cancelled = quiet(wrapped(waiting));
    expect(gate.queued).toBe(1);
    waiting.signal.cancel('no longer wanted');
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED', delivered: false });
    expect(gate.queued).toBe(0);
    void quiet(wrapped(callOf('third')));
    expect(await served(stage, 2)).toBe('first third');
    expect(gate.running).toBe(0);
  });

  test('a call that was cancelled before it came takes no place', async () => {
    const { gate, stage } = arrange(1, 2);
    const wrapped = concurrency(gate)(stage.handle);
    void quiet(wrapped(callOf('first')));
    const gone = callOf('gone');
    gone.signal.cancel('left');
    await expect(wrapped(gone)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(gate.queued).toBe(0);
  });

  test('a failed call frees its slot', async () => {
    const { gate, stage, call } = arrange(1, 0);
    const failed = call('anna');
    stage.last.reject(new Error('no'));
    await failed.catch(() => {});
    expect(gate.running).toBe(0);
  });

  test('calls that are cancelled one after the other let none of those that wait go out', async () => {
    let sent = 0;
    const wrapped = concurrency(new ConcurrencyLimit({ server: 'tavern', maxConcurrency: 1, maxQueue: 10 }))((
      call,
    ) => {
      sent++;
      const answer = new Answer();
      call.signal.onCancel((reason) => answer.reject(new Error(reason)));
      return answer;
    });
    const signals = Array.from({ length: 4 }, () => new Cancellation());
    const calls = signals.map((signal) => quiet(wrapped(callOf('x', { signal }))));
    for (const signal of signals) signal.cancel('gone');
    await Promise.allSettled(calls);
    await settle();
    expect(sent).toBe(1);
    const next = new Cancellation();
    void quiet(wrapped(callOf('x', { signal: next })));
    expect(sent).toBe(2);
  });
});
