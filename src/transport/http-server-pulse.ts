/**
 * The one timer of an HTTP server: it looks at all open replies now and then, so that none needs its own.
 *
 * It runs only while there are any.
 */

/** Looked at on every beat. */
export interface Beating {
  beat(): void;
}

/** How many beats make up the time after which a reply counts as silent. */
export const BEATS_PER_SILENCE = 20;

export class Pulse<T extends Beating> {
  readonly #members = new Set<T>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Counts beats; what a member remembers of it tells how long it has been silent, without asking the clock. */
  count = 0;

  constructor(silenceMs: number) {
    this.#intervalMs = Math.max(1, silenceMs / BEATS_PER_SILENCE);
  }

  get members(): ReadonlySet<T> {
    return this.#members;
  }

  add(member: T): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#beat(), this.#intervalMs);
    this.#timer.unref();
  }

  delete(member: T): void {
    this.#members.delete(member);
  }

  #beat(): void {
    this.count++;
    // Stopped here rather than in `delete`: short calls one after another must not start a timer each.
    if (this.#members.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const member of this.#members) member.beat();
  }
}
