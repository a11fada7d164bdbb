/**
 * Bounds a whole call, all its attempts, pauses and queues together. One attempt is bounded by `timeout.ts`.
 *
 * Time in which a person is asked does not count.
 */
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { TimeLimits } from './time-limits.ts';
import { TimedCall, type Terms } from './timed-call.ts';

/** The same object for all calls with the same bound. */
export interface Deadline {
  readonly maxMs: number;
  /** The server or pool that is asked. */
  readonly server: string;
}

export interface DeadlineOptions {
  readonly deadlineOf: (call: Call) => Deadline | undefined;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; whatever is under way is cancelled, and whether it took effect is unknown. */
export function deadline({ deadlineOf, clock }: DeadlineOptions): Middleware {
  const limits = new TimeLimits(clock);
  const known = new WeakMap<Deadline, Terms>();
  return (next) => (call) => {
    const limit = deadlineOf(call);
    if (!limit) return next(call);
    let terms = known.get(limit);
    if (!terms) known.set(limit, (terms = termsOf(limit, limits)));
    return new TimedCall(call, terms).sentTo(next);
  };
}

function termsOf({ maxMs, server }: Deadline, limits: TimeLimits): Terms {
  return {
    limits,
    idleMs: Infinity,
    maxMs,
    reason: 'out of time',
    cause: 'call-expired',
    tooLate: () =>
      new ProxyError('TIMEOUT', {
        message: `"${server}" did not finish within ${maxMs} ms (maxTimeoutMs). Whether the call took effect is unknown.`,
        server,
        delivered: 'unknown',
      }),
  };
}
