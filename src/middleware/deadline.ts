/**
 * Bounds a whole call, all its attempts, pauses and queues together. One attempt is bounded by `timeout.ts`.
 *
 * Time in which a person is asked does not count.
 */
import { answerOf } from '../core/answer.ts';
import type { Call, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { OUT_OF_TIME } from './circuit-breaker.ts';
import { Stopwatch, watchedAsk } from './stopwatch.ts';

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
  return (next) => (call) => {
    const limit = deadlineOf(call);
    if (!limit) return next(call);
    const signal = new Cancellation();
    let late: ProxyError | undefined;
    let over = false;
    const watch = new Stopwatch({
      clock,
      idleMs: Infinity,
      maxMs: limit.maxMs,
      expired: () => {
        late = tooLate(limit);
        signal.cancel(OUT_OF_TIME);
        // Whoever does not hear of it is not waited for.
        if (!over) answer.reject(late);
      },
    });
    const off = call.signal.onCancel((reason) => signal.cancel(reason));
    const finish = (): void => {
      over = true;
      off();
      watch.stop();
    };
    const answer = answerOf(next, callWith(call, { signal, ask: watchedAsk(call, watch) })).on(
      (result) => {
        finish();
        return result;
      },
      (error) => {
        finish();
        throw late ?? error;
      },
    );
    return answer;
  };
}

function tooLate({ who, server, maxMs }: Deadline): ProxyError {
  return new ProxyError('TIMEOUT', {
    message: `${who} did not finish within ${maxMs} ms (maxTimeoutMs). Whether the call took effect is unknown.`,
    ...(server !== undefined && { server }),
    delivered: 'unknown',
  });
}
