/**
 * Asks a server for a sign of life every now and then, while it is up.
 *
 * One that answers nothing twice in a row is taken for dead, unless it has a call to work on: a server that does one
 * thing at a time may just be busy. And one that has never answered a probe may not know them: it is asked what it has
 * answered before.
 */
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';

/** How far the pauses are spread: servers that started together are not probed together. */
const JITTER = 0.25;
const DEAD_AFTER = 2;

export interface Probed {
  /** Asks; rejects where no answer came. */
  readonly probe: (signal: Cancellation) => Promise<void>;
  /** As `probe`, with something that the server has answered in this life; `undefined` where there is no such thing. */
  readonly otherwise?: (signal: Cancellation) => Promise<void> | undefined;
  /** Counts whatever the server sends. */
  readonly heard: () => number;
  readonly busy: () => boolean;
}

export interface HealthCheckerOptions {
  /** 0: never. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long it took; `undefined`: no answer. Not told of a server that is busy. */
  readonly result: (ms: number | undefined) => void;
  readonly dead: (what: string) => void;
  /** It answers, but not to probes; told once. */
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

  /** At once, and not after the pause. */
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
      // Whether that says anything is known when it has been asked in the other way.
      if (this.#knowsProbes || this.#askedOtherwise || !probed.otherwise) result(undefined);
      this.#askedOtherwise ||= !this.#knowsProbes;
      if (++this.#silent >= DEAD_AFTER)
        return dead(`it answered nothing for ${DEAD_AFTER} probes of ${timeoutMs} ms`);
      // At once again: nobody should wait another pause for a server that hangs.
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
