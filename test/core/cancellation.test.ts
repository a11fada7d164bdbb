import { describe, expect, test, vi } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';

describe('a cancellation', () => {
  test('tells every listener once, with the first reason', () => {
    const signal = new Cancellation();
    const heard = [vi.fn(), vi.fn()] as const;
    for (const listener of heard) signal.onCancel(listener);
    expect(signal.cancelled).toBe(false);
    signal.cancel('first');
    signal.cancel('second');
    for (const listener of heard) expect(listener.mock.calls).toEqual([['first', 'not-needed']]);
    expect([signal.cancelled, signal.reason]).toEqual([true, 'first']);
  });

  test('tells at once who comes late', () => {
    const signal = new Cancellation();
    signal.cancel('over');
    const late = vi.fn();
    signal.onCancel(late)();
    expect(late.mock.calls).toEqual([['over', 'not-needed']]);
  });

  test('does not tell who no longer listens', () => {
    const signal = new Cancellation();
    const [gone, here] = [vi.fn(), vi.fn()];
    const off = signal.onCancel(gone);
    signal.onCancel(here);
    off();
    off();
    signal.cancel('now');
    expect(gone).not.toHaveBeenCalled();
    expect(here).toHaveBeenCalledOnce();
  });

  test('stands a listener that takes another one off, or cancels again', () => {
    const signal = new Cancellation();
    const other = vi.fn();
    let offOther = (): void => {};
    signal.onCancel(() => {
      offOther();
      signal.cancel('again');
    });
    offOther = signal.onCancel(other);
    signal.cancel('now');
    expect(other.mock.calls).toEqual([['now', 'not-needed']]);
    expect(signal.reason).toBe('now');
  });

  test('cancels what is linked to it, until it is unlinked', () => {
    const signal = new Cancellation();
    const [one, gone, late] = [new Cancellation(), new Cancellation(), new Cancellation()];
    for (const other of [gone, one]) signal.link(other);
    signal.unlink(gone);
    signal.cancel('now');
    signal.link(late);
    expect([one.reason, gone.reason, late.reason]).toEqual(['now', undefined, 'now']);
  });

  test('tells whether a limit of ours was reached, whatever a client says for a reason', () => {
    const [ours, theirs] = [new Cancellation(), new Cancellation()];
    const [linked, alike] = [new Cancellation(), new Cancellation()];
    ours.link(linked);
    theirs.link(alike);
    ours.cancel('out of time', 'call-expired');
    theirs.cancel('out of time');
    expect([linked.reason, linked.cause]).toEqual(['out of time', 'call-expired']);
    expect([alike.reason, alike.cause]).toEqual(['out of time', 'not-needed']);
    const late = new Cancellation();
    ours.link(late);
    expect(late.cause).toBe('call-expired');
  });
});
