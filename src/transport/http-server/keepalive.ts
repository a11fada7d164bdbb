/**
 * The one timer of an HTTP server: it looks at all open replies now and then, so that none needs its own.
 *
 * It runs only while there are any.
 */

import { InFlight } from '../../protocol/in-flight.ts';

/** Looked at on every beat. */
export interface KeptAlive {
  beat(): void;
  /** The member's key, set by the keepalive alone. */
  beatsAs?: number;
}

/** A reply counts as silent after this many beats. */
export const BEATS_PER_SILENCE = 20;

export class Keepalive<T extends KeptAlive> {
  readonly #members = new InFlight<T>();
  #last = 0;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Counts beats; what a member remembers of it tells how long it has been silent, without asking the clock. */
  count = 0;

  constructor(silenceMs: number) {
    this.#intervalMs = Math.max(1, silenceMs / BEATS_PER_SILENCE);
  }

  get size(): number {
    return this.#members.size;
  }

  /** The oldest first. */
  get members(): readonly T[] {
    return this.#members.values();
  }

  add(member: T): void {
    this.#last = member.beatsAs = this.#members.idAfter(this.#last);
    this.#members.set(this.#last, member);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#beat(), this.#intervalMs);
    this.#timer.unref();
  }

  delete(member: T): void {
    if (member.beatsAs !== undefined) this.#members.delete(member.beatsAs);
  }

  #beat(): void {
    this.count++;
    // Stopped here rather than in `delete`: short calls one after another must not start a timer each.
    if (this.#members.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const member of this.members) member.beat();
  }
}
