/**
 * One circuit: closed, open after consecutive failures, half-open after a recovery time, closed again after successes.
 *
 * opossum holds the state from the first opening on. This file adds what opossum lacks: it counts percentages, admits
 * one probe and closes at its first success, takes no clock, and can be made half-open only when it is created.
 */
import CircuitBreaker from 'opossum';
import { EventEmitter } from 'node:events';
import type { Clock } from '../core/clock.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failureThreshold: number;
  readonly recoveryTimeoutMs: number;
  /** Calls at a time while half-open. */
  readonly halfOpenMaxCalls: number;
  /** Successes while half-open that close it. */
  readonly successThreshold: number;
}

export interface BreakerOptions extends BreakerSettings {
  readonly clock: Clock;
  readonly changed?: ((state: BreakerState) => void) | undefined;
}

/** A permission for one call. The outcome counts only in the period and generation of the permit. */
export interface Permit {
  readonly period: number;
  readonly generation: number;
  readonly since: number;
}

/** Further facts about a failure. */
export interface BreakerFailure {
  /** A cause counts once, however many calls failed with it. */
  readonly cause?: object | undefined;
  /** The tool that may be to blame alone; failures with one and the same suspect do not open the circuit. */
  readonly suspect?: string | undefined;
}

export class Breaker {
  readonly #options: BreakerOptions;
  #circuit: CircuitBreaker | undefined;
  /** Counts the transitions. */
  #period = 0;
  /** Counts the handshakes. */
  #generation = 0;
  #failures = 0;
  #suspect: string | undefined;
  #successes = 0;
  #restUntil = 0;
  #cancelRest: (() => void) | undefined;
  #closedPass: Permit = { period: 0, generation: 0, since: 0 };
  readonly #probes = new Set<Permit>();
  readonly #counted = new WeakSet<object>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    if (this.#circuit === undefined || this.#circuit.closed) return 'closed';
    return this.#circuit.opened ? 'open' : 'half-open';
  }

  /** Consecutive failures so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds after which a refused call is worth another try. */
  get retryAfterMs(): number {
    const { clock, recoveryTimeoutMs } = this.#options;
    if (this.state === 'half-open') return Math.min(PROBE_PAUSE_MS, recoveryTimeoutMs);
    return Math.max(0, Math.ceil(this.#restUntil - clock.now()));
  }

  /**
   * @param connected whether the call goes to the generation that is there, or will wait for the next.
   * @returns `undefined` where it is refused.
   */
  enter(connected = true): Permit | undefined {
    const { clock, halfOpenMaxCalls } = this.#options;
    let state = this.state;
    // The timer may be late: a caller who waited as long as it was told is not refused again.
    if (state === 'open' && clock.now() >= this.#restUntil) state = this.#halfOpen();
    if (state === 'closed' && connected) return this.#closedPass;
    if (state === 'open' || (state === 'half-open' && this.#probesUnderWay() >= halfOpenMaxCalls))
      return undefined;
    const generation = this.#generation + (connected ? 0 : 1);
    const pass = { period: this.#period, generation, since: clock.now() };
    if (state === 'half-open') this.#probes.add(pass);
    return pass;
  }

  succeeded(pass: Permit): void {
    if (!this.#counts(pass)) return;
    this.#failures = 0;
    if (this.state === 'half-open' && ++this.#successes >= this.#options.successThreshold) this.#close();
  }

  failed(pass: Permit, { cause, suspect }: BreakerFailure = {}): void {
    if (!this.#counts(pass)) return;
    if (cause !== undefined) {
      if (this.#counted.has(cause)) return;
      this.#counted.add(cause);
    }
    if (this.state === 'half-open') return this.#open();
    this.#suspect = this.#failures === 0 || this.#suspect === suspect ? suspect : undefined;
    if (++this.#failures >= this.#options.failureThreshold && this.#suspect === undefined) this.#open();
  }

  /** Ends a call whose outcome says nothing about the server. */
  left(pass: Permit): void {
    this.#probes.delete(pass);
  }

  /** @returns whether the permit is from an earlier generation. */
  isLate(pass: Permit): boolean {
    return pass.generation < this.#generation;
  }

  /** Records a clean handshake: later outcomes of the connection before it are late. */
  newGeneration(): void {
    this.#generation++;
    this.#closedPass = { ...this.#closedPass, generation: this.#generation };
    if (this.state === 'open') this.#halfOpen();
  }

  /** Ends the timers, for good. */
  shutdown(): void {
    this.#cancelRest?.();
    this.#circuit?.shutdown();
  }

  #counts(pass: Permit): boolean {
    this.#probes.delete(pass);
    return pass.period === this.#period && !this.isLate(pass);
  }

  /** A probe that never answers keeps its slot for one recovery time at most. */
  #probesUnderWay(): number {
    const { clock, recoveryTimeoutMs } = this.#options;
    for (const pass of this.#probes)
      if (clock.now() - pass.since >= recoveryTimeoutMs) this.#probes.delete(pass);
    return this.#probes.size;
  }

  #open(): void {
    const { clock, recoveryTimeoutMs } = this.#options;
    this.#circuit ??= circuit(false);
    this.#circuit.open();
    this.#restUntil = clock.now() + recoveryTimeoutMs;
    this.#cancelRest = clock.after(recoveryTimeoutMs, () => {
      if (this.state === 'open') this.#halfOpen();
    });
    this.#entered('open');
  }

  #halfOpen(): 'half-open' {
    this.#circuit?.shutdown();
    this.#circuit = circuit(true);
    this.#entered('half-open');
    return 'half-open';
  }

  #close(): void {
    this.#circuit?.close();
    this.#entered('closed');
  }

  #entered(state: BreakerState): void {
    if (state !== 'open') this.#cancelRest?.();
    if (state === 'closed') this.#failures = 0;
    this.#successes = 0;
    this.#probes.clear();
    this.#period++;
    this.#closedPass = { period: this.#period, generation: this.#generation, since: 0 };
    this.#options.changed?.(state);
  }
}

/** A refused probe may be worth another try long before the rest is over. */
const PROBE_PAUSE_MS = 1_000;

/** Longer than any rest: the way to half-open is timed by our clock. */
const NEVER_MS = 2 ** 31 - 1;

function circuit(halfOpen: boolean): CircuitBreaker {
  return new CircuitBreaker(nothing, {
    resetTimeout: NEVER_MS,
    timeout: false,
    enableSnapshots: false,
    rollingPercentilesEnabled: false,
    // Without it, every circuit would keep an interval running.
    rotateBucketController: new EventEmitter(),
    ...(halfOpen && { state: { enabled: true, closed: false, halfOpen: true } as CircuitBreaker.State }),
  });
}

async function nothing(): Promise<void> {}
