/**
 * The pause before the next start: none before the first, then spread at random and ever longer (decorrelated
 * jitter), so that many servers that fell together do not come back together.
 */
export interface BackoffOptions {
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;
  #lastMs = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** @returns milliseconds until the next start. */
  failed(): number {
    const { delayMs, maxDelayMs, random } = this.#options;
    if (++this.#failures === 1) return (this.#lastMs = 0);
    const upper = Math.max(delayMs, this.#lastMs * 3);
    return (this.#lastMs = Math.min(maxDelayMs, delayMs + random() * (upper - delayMs)));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#lastMs = 0;
  }
}
