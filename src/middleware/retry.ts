/**
 * Tries a call again, after a pause, that surely did not arrive or is safe to repeat. The router decides where to.
 *
 * An answer is an answer: `isError` results, the server's own JSON-RPC errors and its refusals of one call are never
 * retried.
 */
import { around } from '../core/around.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';
import type { RetryBudget } from './retry-budget.ts';

export interface RetryPolicy {
  /** The number of attempts, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubles up to `maxDelayMs`. */
  readonly delayMs: number;
  /** Milliseconds of the longest pause, also of one that a server asks for. */
  readonly maxDelayMs: number;
}

export interface RetryOptions {
  readonly policyOf: (call: Call) => RetryPolicy;
  /** Returns whether the call can be repeated without harm. */
  readonly isSafe: (call: Call) => boolean;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  readonly retried?: ((call: Call, error: ProxyError) => void) | undefined;
}

/** @throws ProxyError `OUTCOME_UNKNOWN` where the call may have taken effect and must not be repeated. */
export function retry(options: RetryOptions): Middleware {
  const { budget } = options;
  return around((next) => ({
    before() {
      budget.callStarted();
      return true;
    },
    onError: (error, _started, call) => againAfter(error, call, next, options),
    after: () => budget.callEnded(),
  }));
}

/** Tries again after the first attempt has failed. */
async function againAfter(first: unknown, call: Call, next: Handler, options: RetryOptions): Promise<Json> {
  const { budget, clock, retried } = options;
  let error = first;
  let before: ProxyError | undefined;
  for (let attempt = 1; ; attempt++) {
    if (!(error instanceof ProxyError)) throw error;
    const pauseMs = pauseBefore(attempt, call, error, options);
    if (pauseMs === undefined || !budget.take()) throw asSeen(telling(before, error), call, options);
    before = telling(before, error);
    retried?.(call, error);
    try {
      await pause(pauseMs, call, error, clock);
    } catch (cancelled) {
      budget.giveBack();
      throw cancelled;
    }
    try {
      return await next(call);
    } catch (failure) {
      error = failure;
    } finally {
      budget.giveBack();
    }
  }
}

/** Failures that another attempt may not meet. A full queue or an open circuit is there to keep calls away. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'TIMEOUT',
  'RATE_LIMITED',
]);

/** Milliseconds until the next attempt, if there is to be one: half fixed, half at random. */
function pauseBefore(
  attempt: number,
  call: Call,
  error: ProxyError,
  options: RetryOptions,
): number | undefined {
  const { attempts, delayMs, maxDelayMs } = options.policyOf(call);
  if (attempt >= attempts || call.signal.cancelled || error.answered || !PASSING.has(error.code))
    return undefined;
  if (error.delivered !== false && !options.isSafe(call)) return undefined;
  if ((error.retryAfterMs ?? 0) > maxDelayMs) return undefined;
  const full = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1));
  return Math.max(error.retryAfterMs ?? 0, (full / 2) * (1 + options.random()));
}

function pause(ms: number, call: Call, failure: ProxyError, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    let off = (): void => {};
    const stop = clock.after(ms, () => {
      off();
      resolve();
    });
    off = call.signal.onCancel((reason) => {
      stop();
      const message = `The call was cancelled between two attempts: ${reason}. The last one failed: ${failure.message}`;
      reject(new ProxyError('CANCELLED', { ...known(failure), message }));
    });
  });
}

/** Returns the failure to report: a refusal of the latest attempt does not undo what an earlier one may have done. */
function telling(before: ProxyError | undefined, latest: ProxyError): ProxyError {
  return before !== undefined && before.delivered !== false && latest.delivered === false ? before : latest;
}

/** A timeout says by itself that the outcome is unknown; a client that cancels has given up the outcome. */
const SPEAK_FOR_THEMSELVES: ReadonlySet<ErrorCode> = new Set(['TIMEOUT', 'CANCELLED', 'OUTCOME_UNKNOWN']);

function asSeen(error: ProxyError, call: Call, { isSafe }: RetryOptions): ProxyError {
  if (error.delivered !== 'unknown' || SPEAK_FOR_THEMSELVES.has(error.code) || isSafe(call)) return error;
  const message = `${error.message} The outcome is unknown: the call may have taken effect, and as it is not known to be safe to repeat, it was not sent again.`;
  return new ProxyError('OUTCOME_UNKNOWN', { ...known(error), message });
}

function known(cause: ProxyError): {
  delivered: ProxyError['delivered'];
  cause: ProxyError;
  server?: string;
} {
  return { delivered: cause.delivered, cause, ...(cause.server !== undefined && { server: cause.server }) };
}
