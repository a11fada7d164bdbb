/**
 * Bounds how long a server may be silent on one attempt of a call. The whole call is bounded by `deadline.ts`.
 *
 * Progress is a sign of life. Time in which a person is asked is not the server's.
 */
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { TimeLimits } from './time-limits.ts';
import { TimedCall } from './timed-call.ts';

export interface TimeoutOptions {
  readonly server: string;
  readonly idleMsOf: (call: Call) => number;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; the call is cancelled at the server, and whether it acted is unknown. */
export function timeout({ server, idleMsOf, clock }: TimeoutOptions): Middleware {
  const limits = new TimeLimits(clock);
  return (next) => (call) => new TimedAttempt(call, server, idleMsOf(call), limits).sentTo(next);
}

class TimedAttempt extends TimedCall {
  readonly #server: string;
  readonly #idleMs: number;

  constructor(call: Call, server: string, idleMs: number, limits: TimeLimits) {
    super(call, { limits, idleMs, maxMs: Infinity, reason: 'timed out', expiry: 'attempt' });
    this.#server = server;
    this.#idleMs = idleMs;
  }

  tooLate(): ProxyError {
    return new ProxyError('TIMEOUT', {
      message: `"${this.#server}" was silent for ${this.#idleMs} ms (timeoutMs). Whether the call took effect is unknown.`,
      server: this.#server,
      delivered: 'unknown',
    });
  }
}
