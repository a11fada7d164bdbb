/**
 * The bound on runs at work in this process (`workflows.limits.runs`).
 *
 * A parked run takes no slot. A run that goes on by itself (its time has come, its process is gone, it is cancelled) is
 * never held up, so the count may be over the bound for a while: then nothing is begun or resumed.
 */
import { ProxyError } from '../../core/errors.ts';

export class RunSlots {
  readonly #most: number;
  readonly #running: () => number;
  /** Slots of runs that are about to begin. */
  #reserved = 0;
  #waiting = new Set<() => void>();

  constructor(most: number, running: () => number) {
    this.#most = most;
    this.#running = running;
  }

  get free(): boolean {
    return this.#running() + this.#reserved < this.#most;
  }

  /** @throws ProxyError `BUSY`. The caller takes the slot before it awaits anything. */
  check(): void {
    if (this.free) return;
    throw new ProxyError('BUSY', {
      message: `${this.#most} workflows are running already: wait until one has ended`,
      delivered: false,
    });
  }

  /** @returns a function that gives the slot back. @throws ProxyError `BUSY` */
  reserve(): () => void {
    this.check();
    this.#reserved++;
    return () => void this.#reserved--;
  }

  /** Resolves at the next change; the caller looks again, since others wait as well. */
  async nextChange(): Promise<void> {
    await new Promise<void>((wake) => this.#waiting.add(wake));
  }

  /** A run has ended or is parked. */
  changed(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}
