/** Looks for a login that is made elsewhere, as long as one is wanted, and tells who waits for it. */
import type { Clock } from '../core/clock.ts';

export interface LoginWatchOptions {
  /** A login is wanted, though nobody waits. */
  readonly wanted: () => boolean;
  /** Rejects with nothing that concerns a caller. */
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  readonly clock: Clock;
}

export class LoginWatch {
  readonly #options: LoginWatchOptions;
  readonly #waiting = new Set<() => void>();
  #cancelLook: (() => void) | undefined;
  #closed = false;

  constructor(options: LoginWatchOptions) {
    this.#options = options;
  }

  /** `done` is called once; @returns a function to wait no longer. */
  wait(done: () => void): () => void {
    this.#waiting.add(done);
    this.begin();
    return () => this.#waiting.delete(done);
  }

  begin(): void {
    const { clock, look, wanted, everyMs } = this.#options;
    if (this.#cancelLook || this.#closed) return;
    this.#cancelLook = clock.after(everyMs, () => {
      this.#cancelLook = undefined;
      void look().then(() => {
        if (wanted() || this.#waiting.size > 0) this.begin();
      });
    });
  }

  /** Somebody has logged in. */
  tell(): void {
    for (const done of this.#waiting) done();
    this.#waiting.clear();
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    this.#waiting.clear();
  }
}
