/**
 * The life of one downstream server: started, up, down, started again, stopped.
 *
 * The first restart comes at once, later ones after pauses that grow, for ever; a call brings the next one forward.
 * A server that falls again soon after each start is in a loop: it counts as `critical` until it has stayed up for a
 * while. What a start consists of is told by `connect`.
 */
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, messageOf, ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { withoutSecretForms } from '../core/redaction/secret-forms.ts';
import type { Stage } from '../core/status.ts';
import { HttpStatusError } from '../transport/http-client/errors.ts';
import { Backoff } from './backoff.ts';
import type { ReconnectLimiter } from './reconnect-limiter.ts';

/** Failures in a row after which a server is called critical. */
const CRITICAL_AFTER = 5;
/** Starts that failed in a row after which a server is told as critical. */
const FAILING_AFTER = 2;
/** A server that falls sooner than this after a start has not recovered. */
const STABLE_MS = 10_000;
/** A server that demands a login is not broken: it is looked at again now and then, until somebody has logged in. */
const LOGIN_MS = 30_000;

/** Errors of a start that tell a caller more than that the server is not there. */
const TELLING: ReadonlySet<ErrorCode> = new Set(['CANCELLED', 'LOGIN_REQUIRED', 'RATE_LIMITED']);

export type LifecyclePhase = 'stopped' | 'starting' | 'up' | 'down' | 'stopping';

/** What a life is about: something that can end by itself. */
export interface LifecycleEvents {
  readonly closed: boolean;
  close(): Promise<void>;
}

export interface LifecycleOptions<C extends LifecycleEvents> {
  readonly server: string;
  readonly connect: () => Promise<C>;
  /** It is up: told before any call goes out. */
  readonly up: (connection: C) => void;
  readonly changed: () => void;
  readonly restart: { readonly enabled: boolean; readonly delayMs: number; readonly maxDelayMs: number };
  readonly reconnects: ReconnectLimiter;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class Lifecycle<C extends LifecycleEvents> {
  readonly #options: LifecycleOptions<C>;
  readonly #backoff: Backoff;
  #phase: LifecyclePhase = 'stopped';
  #connection: C | undefined;
  #starting: Promise<C> | undefined;
  /** The start that calls wait for, in the pause before it. */
  #next: Promise<C> | undefined;
  #cancelNext: (() => void) | undefined;
  #hurryNext: (() => void) | undefined;
  #cancelRestart: (() => void) | undefined;
  #cancelStable: (() => void) | undefined;
  #restartAt: number | undefined;
  /** Not before this: the server asked for it. */
  #notBefore = -Infinity;
  #lastAttempt = -Infinity;
  #lastFailure: { stage: Stage; what: string; at: number } | undefined;
  /** It fell soon after a start, and has not shown since that it stays up. */
  #shaky = false;
  #upAt = -Infinity;
  #startMs: number | undefined;
  #failedStarts = 0;
  #restarts = 0;
  #stopping: Promise<void> | undefined;
  #closed = false;

  constructor(options: LifecycleOptions<C>) {
    this.#options = options;
    this.#backoff = new Backoff({ ...options.restart, random: options.random });
  }

  get phase(): LifecyclePhase {
    return this.#phase;
  }

  /** What calls can go out on now. */
  get connection(): C | undefined {
    return this.#connection;
  }

  /** It failed often in a row, or may not be restarted: nobody expects it back soon. */
  get critical(): boolean {
    const { failures } = this.#backoff;
    return (
      failures >= CRITICAL_AFTER || (failures > 0 && !this.#options.restart.enabled && this.#phase === 'down')
    );
  }

  /** It does not come up: more than once in a row by now. */
  get failing(): boolean {
    return this.#phase !== 'up' && this.#failedStarts >= FAILING_AFTER;
  }

  get startingMs(): number | undefined {
    if (this.#phase !== 'starting') return undefined;
    return Math.round(this.#options.clock.now() - this.#lastAttempt);
  }

  get startMs(): number | undefined {
    return this.#startMs;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get restartInMs(): number | undefined {
    return this.#restartAt === undefined
      ? undefined
      : Math.max(0, Math.round(this.#restartAt - this.#options.clock.now()));
  }

  get lastFailure(): { readonly stage: Stage; readonly what: string; readonly agoMs: number } | undefined {
    if (!this.#lastFailure) return undefined;
    const { stage, what, at } = this.#lastFailure;
    return { stage, what, agoMs: Math.round(this.#options.clock.now() - at) };
  }

  /** Begins, where it has not begun; trouble shows in the state and in the log, and is tried again. */
  start(): void {
    if (this.#closed || this.#starting || this.#connection || this.#cancelRestart) return;
    this.#beginAlone();
  }

  /**
   * The connection, or the next one: joins a start under way, or brings one about.
   *
   * @throws ProxyError `DOWNSTREAM_UNAVAILABLE`, `RATE_LIMITED`, `CANCELLED`; the call was not sent.
   */
  async ready(signal: Cancellation): Promise<C> {
    if (this.#connection) return this.#connection;
    let off: () => void = () => {};
    const cancelled = new Promise<never>((_, reject) => {
      off = signal.onCancel((reason) =>
        reject(this.#unavailable(`the call was cancelled: ${reason}`, 'CANCELLED')),
      );
    });
    try {
      return await Promise.race([this.#join(), cancelled]);
    } catch (error) {
      if (error instanceof ProxyError && TELLING.has(error.code)) throw error;
      throw this.#unavailable(withoutSecretForms(messageOf(error)), 'DOWNSTREAM_UNAVAILABLE', error);
    } finally {
      off();
    }
  }

  /** The connection in use has ended by itself. */
  lost(connection: C, error: ProxyError | undefined): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#cancelStable?.();
    if (this.#stopping) return;
    this.#shaky ||= this.#options.clock.now() - this.#upAt < STABLE_MS;
    this.#failed('run', error ?? new Error('the connection ended'));
  }

  /** What stood in the way of a start is gone: does not wait for the next one. */
  again(): void {
    if (this.#phase === 'down') this.#beginAlone(true);
  }

  /** It is up and of no use: ends it, which is a failure of its own, and starts it again. */
  fail(stage: Stage, what: string): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = undefined;
    this.#cancelStable?.();
    this.#failed(stage, new Error(what));
    void connection.close();
  }

  /** Something that does not end it, but belongs into the record. */
  note(stage: Stage, what: string): void {
    this.#lastFailure = { stage, what: withoutSecretForms(what), at: this.#options.clock.now() };
  }

  /** Nobody needs it for now: ends it until it is started again. */
  async stop(): Promise<void> {
    const connection = this.#connection;
    if (!connection || this.#closed) return;
    this.#connection = undefined;
    this.#cancelStable?.();
    this.#stopping = connection.close();
    this.#enter('stopping');
    await this.#stopping;
    this.#stopping = undefined;
    if (!this.#closed) this.#enter('stopped');
  }

  /** For good. What `connect` opened and is not in use yet, its owner ends. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart?.();
    this.#cancelNext?.();
    this.#hurryNext?.();
    this.#cancelStable?.();
    this.#restartAt = undefined;
    this.#enter('stopping');
    const connection = this.#connection;
    this.#connection = undefined;
    await Promise.all([connection?.close(), this.#stopping]);
  }

  closed(): void {
    this.#enter('stopped');
  }

  async #join(): Promise<C> {
    if (this.#starting) return this.#starting;
    if (this.#closed) throw new Error('it is being stopped');
    await this.#stopping;
    if (this.#connection) return this.#connection;
    if (this.#starting) return this.#starting;
    const { restart, clock } = this.#options;
    const failure = this.#lastFailure;
    const now = clock.now();
    if (failure && this.#phase === 'down') {
      if (now < this.#notBefore) throw this.#tooEarly(failure.what, this.#notBefore - now);
      if (!restart.enabled) throw new Error(failure.what);
      // A pause is kept for a server that falls again and again; else a call is worth an attempt, but not a storm of them.
      const rest = this.#backoff.failures > 1 ? this.#lastAttempt + restart.delayMs - now : 0;
      if (rest > 0 && this.critical) throw new Error(failure.what);
      if (rest > 0) return (this.#next ??= this.#after(rest));
    }
    return this.#starting ?? this.#connection ?? this.#begin(this.#phase === 'down');
  }

  /** One attempt for all who wait for it. */
  async #after(ms: number): Promise<C> {
    await new Promise<void>((resolve) => {
      this.#cancelNext = this.#options.clock.after(ms, resolve);
      this.#hurryNext = resolve;
    });
    this.#next = undefined;
    return this.#starting ?? this.#connection ?? this.#begin(true);
  }

  #beginAlone(again = false): void {
    this.#begin(again).catch(() => {
      // Recorded and logged; nobody waits for this start.
    });
  }

  #begin(again: boolean): Promise<C> {
    if (this.#closed) return Promise.reject(new Error('it is being stopped'));
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    this.#restartAt = undefined;
    if (again) this.#restarts++;
    this.#lastAttempt = this.#options.clock.now();
    this.#enter('starting');
    this.#starting = this.#attempt(again).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #attempt(again: boolean): Promise<C> {
    const { clock, reconnects, connect, up } = this.#options;
    const release = again ? await reconnects.take() : undefined;
    const from = clock.now();
    try {
      if (this.#closed) throw new Error('stopped while it started');
      const connection = await connect();
      if (this.#closed || connection.closed) {
        void connection.close();
        throw new Error(
          this.#closed ? 'stopped while it started' : 'the connection ended right after the handshake',
        );
      }
      this.#connection = connection;
      this.#upAt = clock.now();
      this.#startMs = Math.round(this.#upAt - from);
      this.#failedStarts = 0;
      this.#recovered();
      this.#enter('up');
      up(connection);
      return connection;
    } catch (error) {
      this.#failedStarts++;
      this.#failed('start', error);
      throw error;
    } finally {
      release?.();
    }
  }

  /** One that could not be reached and now can is well; one that fell after its start has to stay up first. */
  #recovered(): void {
    const { clock } = this.#options;
    if (!this.#shaky) return this.#backoff.succeeded();
    this.#cancelStable = clock.after(STABLE_MS, () => {
      this.#shaky = false;
      this.#backoff.succeeded();
      this.#options.changed();
    });
  }

  /** Records why, and plans the next start. */
  #failed(stage: Stage, error: unknown): void {
    const { restart, server, log, clock } = this.#options;
    if (this.#closed) return;
    // It may quote what the server said.
    const what = withoutSecretForms(messageOf(error));
    const wantsLogin = isForSomebody(error);
    const known = wantsLogin && this.#lastFailure?.what === what;
    const now = clock.now();
    this.#lastFailure = { stage, what, at: now };
    const asked = error instanceof ProxyError ? (error.retryAfterMs ?? 0) : 0;
    this.#notBefore = asked > 0 ? now + asked : -Infinity;
    const delayMs = wantsLogin ? LOGIN_MS : Math.max(asked, Math.round(this.#backoff.failed()));
    log[known ? 'debug' : 'warn'](
      { server, stage, why: what, ...(restart.enabled && { restartInMs: delayMs }) },
      'downstream server failed',
    );
    if (restart.enabled) {
      this.#restartAt = now + delayMs;
      this.#cancelRestart = clock.after(delayMs, () => this.#beginAlone(true));
    }
    this.#enter('down');
  }

  #enter(phase: LifecyclePhase): void {
    if (this.#phase === phase || (this.#closed && phase !== 'stopping' && phase !== 'stopped')) return;
    this.#phase = phase;
    this.#options.changed();
  }

  #tooEarly(what: string, ms: number): ProxyError {
    const { server } = this.#options;
    return new ProxyError('RATE_LIMITED', {
      message: what,
      server,
      delivered: false,
      retryAfterMs: Math.ceil(ms),
    });
  }

  #unavailable(
    why: string,
    code: 'DOWNSTREAM_UNAVAILABLE' | 'CANCELLED' = 'DOWNSTREAM_UNAVAILABLE',
    cause?: unknown,
  ): ProxyError {
    const { server } = this.#options;
    const message = why.includes(`"${server}"`) ? why : `"${server}" is not available: ${why}.`;
    return new ProxyError(code, { message, server, delivered: false, cause });
  }
}

/** A login that somebody has to make; where the server refused what the config gave it may change its mind. */
function isForSomebody(error: unknown): boolean {
  if (!(error instanceof ProxyError) || error.code !== 'LOGIN_REQUIRED') return false;
  return !(error.cause instanceof HttpStatusError);
}
