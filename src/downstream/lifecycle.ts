/**
 * The life cycle of one downstream server: started, up, down, started again, stopped.
 *
 * The first restart comes at once, later ones after pauses that grow, without end; a call brings the next one forward.
 * A server that falls again soon after each start is in a loop: it counts as `critical` until it has stayed up for a
 * while. The steps of a start are the business of `connect`.
 */
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, messageOf, ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { withoutSecretForms } from '../core/redaction/secret-forms.ts';
import type { DownstreamStatus, Stage } from '../core/status.ts';
import { FailureRecord } from './failure-record.ts';
import type { ReconnectLimiter } from './reconnect-limiter.ts';

/** Errors of a start that tell a caller more than that the server is not there. */
const TELLING: ReadonlySet<ErrorCode> = new Set(['CANCELLED', 'LOGIN_REQUIRED', 'RATE_LIMITED']);

export type LifecyclePhase = 'stopped' | 'starting' | 'up' | 'down' | 'stopping';

/** Something that can end by itself: a connection. */
export interface LifecycleEvents {
  readonly closed: boolean;
  close(): Promise<void>;
}

export interface LifecycleOptions<C extends LifecycleEvents> {
  readonly server: string;
  readonly connect: () => Promise<C>;
  /** The server is up: told before any call goes out. */
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
  readonly #failures: FailureRecord;
  #phase: LifecyclePhase = 'stopped';
  #connection: C | undefined;
  #starting: Promise<C> | undefined;
  /** The start that calls wait for, in the pause before it. */
  #next: Promise<C> | undefined;
  #cancelNext: (() => void) | undefined;
  #hurryNext: (() => void) | undefined;
  #cancelRestart: (() => void) | undefined;
  #restartAt: number | undefined;
  #lastAttempt = -Infinity;
  #startMs: number | undefined;
  #restarts = 0;
  #stopping: Promise<void> | undefined;
  #closed = false;

  constructor(options: LifecycleOptions<C>) {
    this.#options = options;
    const { restart, changed, clock, random } = options;
    this.#failures = new FailureRecord({ ...restart, recovered: changed, clock, random });
  }

  get phase(): LifecyclePhase {
    return this.#phase;
  }

  /** The connection that calls can go out on now. */
  get connection(): C | undefined {
    return this.#connection;
  }

  /** The server failed often in a row, or may not be restarted: nobody expects it back soon. */
  get critical(): boolean {
    const { many, count } = this.#failures;
    return many || (count > 0 && !this.#options.restart.enabled && this.#phase === 'down');
  }

  /** The server does not come up: more than once in a row by now. */
  get failing(): boolean {
    return this.#phase !== 'up' && this.#failures.startsFail;
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

  get lastFailure(): DownstreamStatus['lastFailure'] {
    return this.#failures.last;
  }

  /** Begins, unless a start is under way or planned; trouble shows in the state and in the log, and is tried again. */
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
    this.#failures.ended();
    if (this.#stopping) return;
    this.#failures.fell();
    this.#failed('run', error ?? new Error('the connection ended'));
  }

  /** Starts now: what stood in the way of the last start is gone. */
  again(): void {
    if (this.#phase === 'down') this.#beginAlone(true);
  }

  /** Ends a connection that is of no use, which is a failure of its own, and starts the server again. */
  fail(stage: Stage, what: string): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = undefined;
    this.#failures.ended();
    this.#failed(stage, new Error(what));
    void connection.close();
  }

  /** Records what does not end the connection. */
  note(stage: Stage, what: string): void {
    this.#failures.note(stage, what);
  }

  /** Ends the connection until the server is started again: nobody needs it for now. */
  async stop(): Promise<void> {
    const connection = this.#connection;
    if (!connection || this.#closed) return;
    this.#connection = undefined;
    this.#failures.ended();
    this.#stopping = connection.close();
    this.#enter('stopping');
    await this.#stopping;
    this.#stopping = undefined;
    if (!this.#closed) this.#enter('stopped');
  }

  /** Ends the server for good. What `connect` opened and is not in use yet, the owner of `connect` ends. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart?.();
    this.#cancelNext?.();
    this.#hurryNext?.();
    this.#failures.ended();
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
    const failure = this.#failures.last;
    if (failure && this.#phase === 'down') {
      const { pauseMs } = this.#failures;
      if (pauseMs > 0) throw this.#tooEarly(failure.what, pauseMs);
      if (!restart.enabled) throw new Error(failure.what);
      // A server that falls again and again keeps its pause; else a call is worth an attempt, but not a storm of them.
      const rest = this.#failures.count > 1 ? this.#lastAttempt + restart.delayMs - clock.now() : 0;
      if (rest > 0 && this.critical) throw new Error(failure.what);
      if (rest > 0) return (this.#next ??= this.#after(rest));
    }
    return this.#starting ?? this.#connection ?? this.#begin(this.#phase === 'down');
  }

  /** Makes one attempt for all calls that wait for it. */
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
      this.#startMs = Math.round(clock.now() - from);
      this.#failures.started();
      this.#enter('up');
      up(connection);
      return connection;
    } catch (error) {
      this.#failures.startFailed();
      this.#failed('start', error);
      throw error;
    } finally {
      release?.();
    }
  }

  /** Records why, and plans the next start. */
  #failed(stage: Stage, error: unknown): void {
    const { restart, server, log, clock } = this.#options;
    if (this.#closed) return;
    const { what, delayMs, known } = this.#failures.failed(stage, error);
    log[known ? 'debug' : 'warn'](
      { server, stage, why: what, ...(restart.enabled && { restartInMs: delayMs }) },
      'downstream server failed',
    );
    if (restart.enabled) {
      this.#restartAt = clock.now() + delayMs;
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
