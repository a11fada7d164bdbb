/**
 * A call on a stopwatch: cancelled and answered when the time is up.
 *
 * Progress is a sign of life; time in which a person is asked does not count.
 */
import { type Answer, answerOf, type Step } from '../core/answer.ts';
import type { Call, Handler } from '../core/call.ts';
import { callWith } from '../core/call-with.ts';
import { Cancellation, type Cause } from '../core/cancellation.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { Stopwatch, type Timed } from './stopwatch.ts';
import type { TimeLimits } from './time-limits.ts';

export interface Terms {
  readonly limits: TimeLimits;
  /** Of silence; `Infinity`: silence does not matter. */
  readonly idleMs: number;
  readonly maxMs: number;
  /** Why it is cancelled, for whoever reads it. */
  readonly reason: string;
  /** The same, for the parts of the road that go by it. */
  readonly cause: Cause;
  /** The error where the time was up. */
  tooLate(): ProxyError;
}

export class TimedCall implements Step, Timed {
  readonly #call: Call;
  readonly #terms: Terms;
  readonly #signal = new Cancellation();
  readonly #watch: Stopwatch;
  #answer: Answer | undefined;
  #late: ProxyError | undefined;
  #over = false;

  constructor(call: Call, terms: Terms) {
    this.#call = call;
    this.#terms = terms;
    this.#watch = new Stopwatch(this, terms.limits, terms.idleMs, terms.maxMs);
  }

  sentTo(next: Handler): Answer {
    const call = this.#call;
    call.signal.link(this.#signal);
    const onProgress = watchedProgress(call, this.#watch);
    const watched = callWith(call, { signal: this.#signal, onProgress, ask: watchedAsk(call, this.#watch) });
    return (this.#answer = answerOf(next, watched).through(this));
  }

  expired(): void {
    this.#late = this.#terms.tooLate();
    this.#signal.cancel(this.#terms.reason, this.#terms.cause);
    // Whoever does not hear of it is not waited for.
    if (!this.#over) this.#answer?.reject(this.#late);
  }

  onResult(result: Json): Json {
    this.#finish();
    return result;
  }

  onError(error: unknown): never {
    this.#finish();
    throw this.#late ?? error;
  }

  #finish(): void {
    this.#over = true;
    this.#call.signal.unlink(this.#signal);
    this.#watch.stop();
  }
}

function watchedProgress({ onProgress }: Call, watch: Stopwatch): Call['onProgress'] {
  return (
    onProgress &&
    ((params) => {
      watch.alive();
      onProgress(params);
    })
  );
}

function watchedAsk({ ask }: Call, watch: Stopwatch): Call['ask'] {
  return (
    ask &&
    (async (question) => {
      watch.pause();
      try {
        return await ask(question);
      } finally {
        watch.resume();
      }
    })
  );
}
