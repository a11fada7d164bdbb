import { ProxyError } from './errors.ts';

/**
 * Who ended a call, for the parts of the proxy that go by it. The reason beside it is free text, which may be a
 * client's own words: nothing is decided by it.
 *
 * - `client-cancelled`: the client said that it no longer wants the answer.
 * - `client-gone`: the client left: its connection or session ended, or it did not come back.
 * - `proxy-stops`: the proxy ends, and the client may still be there.
 * - `attempt-expired`, `call-expired`: a time limit of ours for one attempt, or for the whole call.
 * - `not-needed`: a part of the proxy has no use for the answer any more.
 */
export type Cause =
  'client-cancelled' | 'client-gone' | 'proxy-stops' | 'attempt-expired' | 'call-expired' | 'not-needed';

/** What can be told to end. */
export interface Cancellable {
  cancel(reason: string, cause: Cause): void;
}

/**
 * Tells those who work on a call that its client no longer wants the answer.
 *
 * Does what an `AbortSignal` would, at a hundredth of the cost per call.
 */
export class Cancellation implements Cancellable {
  #reason: string | undefined;
  #cause: Cause | undefined;
  /** Mostly there is one at a time: a list for it would be the largest part of this. */
  #linked: Cancellable | undefined;
  #others: Cancellable[] | undefined;

  get cancelled(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get cause(): Cause | undefined {
    return this.#cause;
  }

  /** Only the first one counts. */
  cancel(reason: string, cause: Cause = 'not-needed'): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cause = cause;
    const linked = this.#linked;
    const others = this.#others;
    this.#linked = this.#others = undefined;
    linked?.cancel(reason, cause);
    for (const one of others ?? []) one.cancel(reason, cause);
  }

  /** Cancels the other one with this one, at once if that has happened, until `unlink`. */
  link(other: Cancellable): void {
    if (this.#reason !== undefined) other.cancel(this.#reason, this.#cause ?? 'not-needed');
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
  onCancel(listener: (reason: string, cause: Cause) => void): () => void {
    const other: Cancellable = { cancel: listener };
    this.link(other);
    return () => this.unlink(other);
  }
}

/** Waits for the work. @throws ProxyError `CANCELLED` as soon as the signal is cancelled, without waiting any longer. */
export async function unlessCancelled<T>(work: Promise<T>, signal: Cancellation): Promise<T> {
  let off: () => void = () => {};
  const cancelled = new Promise<never>((_, reject) => {
    off = signal.onCancel((reason) =>
      reject(new ProxyError('CANCELLED', { message: `This was not answered: ${reason}.`, delivered: false })),
    );
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    off();
  }
}
