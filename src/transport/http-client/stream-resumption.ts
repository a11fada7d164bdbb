/** An event stream (legacy) that broke off: from where it is taken up again, after which pause, and how often. */

const FLOOR_MS = 100;
const DEFAULT_MS = 1000;
const CAP_MS = 30_000;
const ATTEMPTS = 5;

export class StreamResumption {
  /** The id of the last event; without one the stream cannot be taken up. */
  lastEventId: string | undefined;
  /** The pause that the server wishes for. */
  retryMs: number = DEFAULT_MS;
  #attempts = 0;

  /** An event has come: the attempts count anew. */
  progressed(): void {
    this.#attempts = 0;
  }

  get isExhausted(): boolean {
    return this.#attempts >= ATTEMPTS;
  }

  /** The pause before the next attempt; it doubles from one to the next. */
  nextPauseMs(): number {
    return Math.min(Math.max(this.retryMs, FLOOR_MS) * 2 ** this.#attempts++, CAP_MS);
  }
}
