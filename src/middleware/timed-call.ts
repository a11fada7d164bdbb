/**
 * A call on a stopwatch: cancelled and answered when the time is up.
 *
 * Progress is a sign of life; time in which a person is asked does not count.
 */
import { type Answer, answerOf, type AnswerStep } from '../core/answer.ts';
import { callWith } from '../core/call-with.ts';
import type { Call, Handler } from '../core/call.ts';
import { Cancellation, type Cause } from '../core/cancellation.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';
import { NOT_SCHEDULED, type TimeLimit, type TimeLimits } from './time-limits.ts';

export interface Terms {
  readonly limits: TimeLimits;
  /** Milliseconds of silence; `Infinity` if silence does not matter. */
  readonly idleMs: number;
  readonly maxMs: number;
  /** The reason of the cancellation in words. */
  readonly reason: string;
  /** The cause of the cancellation for the parts of the pipeline that decide by it. */
  readonly cause: Cause;
  /** The error when the time is up. */
  tooLate(): ProxyError;
}

/**
 * A step of its own and no hook of `around`: the watch may reject the answer before any result has come.
 */
export class TimedCall implements AnswerStep, Timed {
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
    // A server that ignores the cancellation is not waited for.
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

/*
 * A clock for silence and for the whole time, which stands still while a person is asked.
 */

/** The receiver of the expiry. */
interface Timed {
  expired(): void;
}

/** A timer that is late by so much shows that this process was blocked, and could not read answers either. */
const STALL_MS = 100;
/** Milliseconds after a stall that reading the answers received meanwhile may take. */
const AFTER_STALL_MS = 250;

export class Stopwatch implements TimeLimit {
  place = NOT_SCHEDULED;
  readonly #limits: TimeLimits;
  readonly #owner: Timed;
  readonly #idleMs: number;
  readonly #maxMs: number;
  #aliveAt: number;
  #startedAt: number;
  #pausedAt = 0;
  #pauses = 0;
  #over = false;

  /** @param idleMs silence, and `maxMs` the whole time; `Infinity` for a hand that is not there. */
  constructor(owner: Timed, limits: TimeLimits, idleMs: number, maxMs: number) {
    this.#owner = owner;
    this.#limits = limits;
    this.#idleMs = idleMs;
    this.#maxMs = maxMs;
    const now = limits.clock.now();
    this.#aliveAt = this.#startedAt = now;
    limits.add(this, now);
  }

  get dueAt(): number {
    return Math.min(this.#aliveAt + this.#idleMs, this.#startedAt + this.#maxMs);
  }

  alive(): void {
    this.#aliveAt = this.#limits.clock.now();
  }

  pause(): void {
    if (this.#pauses++ > 0) return;
    this.#pausedAt = this.#limits.clock.now();
    this.#limits.remove(this);
  }

  resume(): void {
    if (--this.#pauses > 0 || this.#over) return;
    const now = this.#limits.clock.now();
    this.#setBack(now - this.#pausedAt);
    this.#limits.add(this, now);
  }

  /** Stops the watch for good. */
  stop(): void {
    this.#over = true;
    this.#limits.remove(this);
  }

  due(now: number, lateMs: number): void {
    // Another limit that was due at the same time may have ended this one.
    if (this.#over || this.#pauses > 0) return;
    if (lateMs > STALL_MS) this.#setBack(lateMs + AFTER_STALL_MS);
    if (this.dueAt > now) this.#limits.add(this, now);
    else this.#owner.expired();
  }

  #setBack(ms: number): void {
    this.#aliveAt += ms;
    this.#startedAt += ms;
  }
}
