/**
 * Bounds a whole call, all its attempts, pauses and queues together. One attempt is bounded by `timeout.ts`.
 *
 * Time in which a person is asked does not count.
 */
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { TimeLimits } from './time-limits.ts';
import { TimedCall } from './timed-call.ts';

export interface Deadline {
  readonly maxMs: number;
  /** Who is asked, for the error's sentence: `"github"`. */
  readonly who: string;
  readonly server?: string | undefined;
}

export interface DeadlineOptions {
  readonly deadlineOf: (call: Call) => Deadline | undefined;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; whatever is under way is cancelled, and whether it took effect is unknown. */
export function deadline({ deadlineOf, clock }: DeadlineOptions): Middleware {
  const limits = new TimeLimits(clock);
  return (next) => (call) => {
    const limit = deadlineOf(call);
    return limit ? new BoundedCall(call, limit, limits).sentTo(next) : next(call);
  };
}

class BoundedCall extends TimedCall {
  readonly #limit: Deadline;

  constructor(call: Call, limit: Deadline, limits: TimeLimits) {
    super(call, { limits, idleMs: Infinity, maxMs: limit.maxMs, reason: 'out of time', expiry: 'call' });
    this.#limit = limit;
  }

  tooLate(): ProxyError {
    const { who, server, maxMs } = this.#limit;
    return new ProxyError('TIMEOUT', {
      message: `${who} did not finish within ${maxMs} ms (maxTimeoutMs). Whether the call took effect is unknown.`,
      ...(server !== undefined && { server }),
      delivered: 'unknown',
    });
  }
}
