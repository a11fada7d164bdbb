/**
 * Bounds how long a server may be silent on one attempt of a call. The whole call is bounded by `deadline.ts`.
 *
 * Progress is a sign of life. Time in which a person is asked is not the server's.
 */
import { answerOf } from '../core/answer.ts';
import type { Call, Middleware } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { Stopwatch, watchedAsk, watchedProgress } from './stopwatch.ts';

export interface TimeoutOptions {
  readonly server: string;
  readonly idleMsOf: (call: Call) => number;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; the call is cancelled at the server, and whether it acted is unknown. */
export function timeout({ server, idleMsOf, clock }: TimeoutOptions): Middleware {
  return (next) => (call) => {
    const signal = new Cancellation();
    const idleMs = idleMsOf(call);
    let late: ProxyError | undefined;
    let over = false;
    const watch = new Stopwatch({
      clock,
      idleMs,
      maxMs: Infinity,
      expired: () => {
        late = silent(server, idleMs);
        signal.cancel('timed out');
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
    const onProgress = watchedProgress(call, watch);
    const attempt = callWith(call, { signal, onProgress, ask: watchedAsk(call, watch) });
    const answer = answerOf(next, attempt).on(
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

function silent(server: string, idleMs: number): ProxyError {
  return new ProxyError('TIMEOUT', {
    message: `"${server}" was silent for ${idleMs} ms (timeoutMs). Whether the call took effect is unknown.`,
    server,
    delivered: 'unknown',
  });
}
