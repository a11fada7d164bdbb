/**
 * The failures of one server: how often in a row, what was last, when the next start is due.
 *
 * A server that could not be reached and now can is well; one that fell soon after a start has to stay up for a while
 * first.
 */
import type { Clock } from '../core/clock.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import { withoutSecretForms } from '../core/redaction/secret-forms.ts';
import type { DownstreamStatus, Stage } from '../core/status.ts';
import { HttpStatusError } from '../transport/http-client/errors.ts';
import { Backoff } from './backoff.ts';

/** Failures in a row after which a server is called critical. */
const CRITICAL_AFTER = 5;
/** Starts that failed in a row after which a server is told as critical. */
const FAILING_AFTER = 2;
/** A server that falls sooner than this after a start has not recovered. */
const STABLE_MS = 10_000;
/** A server that demands a login is not broken: it is looked at again now and then, until somebody has logged in. */
const LOGIN_MS = 30_000;

export interface FailureRecordOptions {
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** The server has stayed up: its failures no longer count. */
  readonly recovered: () => void;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A failure that was just recorded. */
export interface RecordedFailure {
  readonly what: string;
  /** The pause before the next start, milliseconds. */
  readonly delayMs: number;
  /** The same was recorded just before, and nothing can be done but wait. */
  readonly known: boolean;
}

export class FailureRecord {
  readonly #options: FailureRecordOptions;
  readonly #backoff: Backoff;
  #last: { readonly stage: Stage; readonly what: string; readonly at: number } | undefined;
  /** The server asked for no start before this; the clock's time. */
  #notBefore = -Infinity;
  /** The server fell soon after a start, and has not shown since that it stays up. */
  #shaky = false;
  #upAt = -Infinity;
  #failedStarts = 0;
  #cancelStable: (() => void) | undefined;

  constructor(options: FailureRecordOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options);
  }

  /** Failures in a row. */
  get count(): number {
    return this.#backoff.failures;
  }

  get many(): boolean {
    return this.#backoff.failures >= CRITICAL_AFTER;
  }

  /** More than one start in a row failed. */
  get startsFail(): boolean {
    return this.#failedStarts >= FAILING_AFTER;
  }

  get last(): DownstreamStatus['lastFailure'] {
    if (!this.#last) return undefined;
    const { stage, what, at } = this.#last;
    return { stage, what, agoMs: Math.round(this.#options.clock.now() - at) };
  }

  /** The rest of a pause that the server asked for, milliseconds; 0 or less: none. */
  get pauseMs(): number {
    return this.#notBefore - this.#options.clock.now();
  }

  started(): void {
    const { clock, recovered } = this.#options;
    this.#upAt = clock.now();
    this.#failedStarts = 0;
    if (!this.#shaky) return this.#backoff.succeeded();
    this.#cancelStable = clock.after(STABLE_MS, () => {
      this.#shaky = false;
      this.#backoff.succeeded();
      recovered();
    });
  }

  /** The connection in use is no longer. */
  ended(): void {
    this.#cancelStable?.();
  }

  /** The connection in use has ended by itself. */
  fell(): void {
    this.#shaky ||= this.#options.clock.now() - this.#upAt < STABLE_MS;
  }

  startFailed(): void {
    this.#failedStarts++;
  }

  failed(stage: Stage, error: unknown): RecordedFailure {
    const now = this.#options.clock.now();
    // The message may quote what the server sent.
    const what = withoutSecretForms(messageOf(error));
    const wantsLogin = isForSomebody(error);
    const known = wantsLogin && this.#last?.what === what;
    this.#last = { stage, what, at: now };
    const asked = error instanceof ProxyError ? (error.retryAfterMs ?? 0) : 0;
    this.#notBefore = asked > 0 ? now + asked : -Infinity;
    const delayMs = wantsLogin ? LOGIN_MS : Math.max(asked, Math.round(this.#backoff.failed()));
    return { what, delayMs, known };
  }

  /** Something that does not end the connection, but belongs into the record. */
  note(stage: Stage, what: string): void {
    this.#last = { stage, what: withoutSecretForms(what), at: this.#options.clock.now() };
  }
}

/** A login that a person has to make; a server that refused what the config gave it may change its mind. */
function isForSomebody(error: unknown): boolean {
  if (!(error instanceof ProxyError) || error.code !== 'LOGIN_REQUIRED') return false;
  return !(error.cause instanceof HttpStatusError);
}
