/**
 * Bounds how long a server may be silent on one attempt of a call. The whole call is bounded by `deadline.ts`.
 *
 * Progress is a sign of life. Time in which a person is asked is not the server's.
 */
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { TimeLimits } from './time-limits.ts';
import { type Terms, TimedCall } from './timed-call.ts';

export interface TimeoutOptions {
  readonly server: string;
  /** Milliseconds; the config has a few different values only. */
  readonly idleMsOf: (call: Call) => number;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; the call is cancelled at the server, and whether it acted is unknown. */
export function timeout({ server, idleMsOf, clock }: TimeoutOptions): Middleware {
  const limits = new TimeLimits(clock);
  const known = new Map<number, Terms>();
  return (next) => (call) => {
    const idleMs = idleMsOf(call);
    let terms = known.get(idleMs);
    if (!terms) known.set(idleMs, (terms = termsOf(server, idleMs, limits)));
    return new TimedCall(call, terms).sentTo(next);
  };
}

function termsOf(server: string, idleMs: number, limits: TimeLimits): Terms {
  return {
    limits,
    idleMs,
    maxMs: Infinity,
    reason: 'timed out',
    cause: 'attempt-expired',
    tooLate: () =>
      new ProxyError('TIMEOUT', {
        message: `"${server}" was silent for ${idleMs} ms (timeoutMs). Whether the call took effect is unknown.`,
        server,
        delivered: 'unknown',
      }),
  };
}
