/** Which limit of ours has ended a call. Not to be read from the reason, which may be a client's own words. */
export type Expiry = 'attempt' | 'call';

/** What can be told to end. */
export interface Cancellable {
  cancel(reason: string, expiry?: Expiry): void;
}

/**
 * Tells those who work on a call that its client no longer wants the answer.
 *
 * Does what an `AbortSignal` would, at a hundredth of the cost per call.
 */
export class Cancellation implements Cancellable {
  #reason: string | undefined;
  #expiry: Expiry | undefined;
  /** Mostly there is one at a time: a list for it would be the largest part of this. */
  #linked: Cancellable | undefined;
  #others: Cancellable[] | undefined;

  get cancelled(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get expiry(): Expiry | undefined {
    return this.#expiry;
  }

  /** Only the first one counts. */
  cancel(reason: string, expiry?: Expiry): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#expiry = expiry;
    const linked = this.#linked;
    const others = this.#others;
    this.#linked = this.#others = undefined;
    linked?.cancel(reason, expiry);
    for (const one of others ?? []) one.cancel(reason, expiry);
  }

  /** Cancels the other one with this one, at once if that has happened, until `unlink`. */
  link(other: Cancellable): void {
    if (this.#reason !== undefined) other.cancel(this.#reason, this.#expiry);
    else if (!this.#linked && !this.#others) this.#linked = other;
    else (this.#others ??= []).push(other);
  }

  unlink(other: Cancellable): void {
    if (this.#linked === other) {
      this.#linked = undefined;
      return;
    }
    const index = this.#others?.indexOf(other) ?? -1;
    if (index < 0) return;
    this.#others?.splice(index, 1);
    if (this.#others?.length === 0) this.#others = undefined;
  }

  /** Runs at once if it has already happened. @returns a function that takes the listener off. */
  onCancel(listener: (reason: string) => void): () => void {
    const other: Cancellable = { cancel: (reason) => listener(reason) };
    this.link(other);
    return () => this.unlink(other);
  }
}
