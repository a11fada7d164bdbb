/**
 * Tells a reader that is slow from one that does not read: by whether anything was taken for a while, not by how much
 * waits for it.
 */
import type { Writable } from 'node:stream';
import type { Clock } from '../../core/clock.ts';

/** So long nothing is taken by somebody who does not read. */
const PATIENCE_MS = 5000;
const LOOKS = 20;

/** Bytes that wait in the stream, and once more those being written that the system has not taken. */
export function untakenBytes(stream: Writable): number {
  // A large write counts as waiting until all of it is gone; the system's own count falls while it goes.
  const { _handle: handle } = stream as { _handle?: { writeQueueSize?: number } | null };
  return stream.writableLength + (handle?.writeQueueSize ?? 0);
}

export interface PatienceOptions {
  readonly untaken: () => number;
  /** Comes after each look: whether anything was taken lately. It is looked again as long as this returns true. */
  readonly looked: (isTaken: boolean) => boolean;
  readonly clock: Clock;
}

/** Looks at a reader for as long as too much waits for it. */
export class UnreadPatience {
  readonly #options: PatienceOptions;
  #cancel: (() => void) | undefined;
  #last = 0;
  #idleLooks = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Nothing was taken for so long that nobody can be said to read. */
  get isOver(): boolean {
    return this.#idleLooks >= LOOKS;
  }

  begin(): void {
    if (this.#cancel) return;
    this.#last = this.#options.untaken();
    this.#later();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#idleLooks = 0;
  }

  #later(): void {
    this.#cancel = this.#options.clock.after(PATIENCE_MS / LOOKS, () => this.#look());
  }

  #look(): void {
    const untaken = this.#options.untaken();
    this.#idleLooks = untaken < this.#last ? 0 : this.#idleLooks + 1;
    this.#last = untaken;
    this.#cancel = undefined;
    if (this.#options.looked(!this.isOver)) this.#later();
    else this.end();
  }
}
