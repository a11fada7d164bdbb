/**
 * Probes a server every now and then, while it is up.
 *
 * A server that answers nothing twice in a row is taken for dead, unless it has a call to work on: a server that does
 * one thing at a time may just be busy. A server that has never answered a probe may not know probes: it is asked for a
 * list that it has answered before.
 */
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';

/** The spread of the pauses: servers that started together are not probed together. */
const JITTER = 0.25;
const DEAD_AFTER = 2;

export interface Probed {
  /** Sends a probe; rejects where no answer came. */
  readonly probe: (signal: Cancellation) => Promise<void>;
  /** Does the same with a request that the server has answered on this connection; `undefined` where there is none. */
  readonly otherwise?: (signal: Cancellation) => Promise<void> | undefined;
  /** The number of messages that came from the server. */
  readonly heard: () => number;
  readonly busy: () => boolean;
}

export interface HealthCheckerOptions {
  /** 0: never. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** The time that the answer took; `undefined`: none came. A busy server's probes have no result. */
  readonly result: (ms: number | undefined) => void;
  readonly dead: (what: string) => void;
  /** The server answers, but not to probes; told once. */
  readonly unknowing?: () => void;
}

export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  #cancel: (() => void) | undefined;
  #signal: Cancellation | undefined;
  #silent = 0;
  #knowsProbes = false;
  #askedOtherwise = false;
  #toldUnknowing = false;
  #probed: Probed | undefined;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
  }

  start(probed: Probed): void {
    this.stop();
    this.#silent = 0;
    this.#knowsProbes = false;
    this.#askedOtherwise = false;
    this.#probed = probed;
    this.#plan(probed);
  }

  /** Probes at once, and not after the pause. */
  hurry(): void {
    if (!this.#probed || this.#signal) return;
    this.#cancel?.();
    void this.#probe(this.#probed);
  }

  stop(): void {
    this.#probed = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#signal?.cancel('no longer needed');
    this.#signal = undefined;
  }

  #plan(probed: Probed): void {
    const { intervalMs, clock, random } = this.#options;
    if (intervalMs === 0) return;
    const pauseMs = intervalMs * (1 - JITTER + 2 * JITTER * random());
    this.#cancel = clock.after(pauseMs, () => void this.#probe(probed));
  }

  async #probe(probed: Probed): Promise<void> {
    const { timeoutMs, clock, result, dead } = this.#options;
    const signal = new Cancellation();
    this.#signal = signal;
    const heardBefore = probed.heard();
    const from = clock.now();
    const stop = clock.after(timeoutMs, () => signal.cancel('no answer to a probe'));
    let answered = true;
    const otherwise = this.#askedOtherwise ? probed.otherwise?.(signal) : undefined;
    try {
      await (otherwise ?? probed.probe(signal));
    } catch {
      answered = false;
    }
    stop();
    // Stopped meanwhile, or started anew.
    if (this.#signal !== signal) return;
    this.#signal = undefined;
    if (answered) {
      this.#silent = 0;
      if (otherwise) this.#tellUnknowing();
      else this.#knowsProbes = true;
      result(clock.now() - from);
    } else if (!probed.busy() && probed.heard() === heardBefore) {
      // The silence counts only when the server has been asked in the other way too.
      if (this.#knowsProbes || this.#askedOtherwise || !probed.otherwise) result(undefined);
      this.#askedOtherwise ||= !this.#knowsProbes;
      if (++this.#silent >= DEAD_AFTER)
        return dead(`it answered nothing for ${DEAD_AFTER} probes of ${timeoutMs} ms`);
      // The next probe comes at once: nobody should wait another pause for a server that hangs.
      return void this.#probe(probed);
    }
    this.#plan(probed);
  }

  #tellUnknowing(): void {
    if (this.#toldUnknowing) return;
    this.#toldUnknowing = true;
    this.#options.unknowing?.();
  }
}
