/**
 * Tells those who work on a call that its client no longer wants the answer.
 *
 * Does what an `AbortSignal` would, at a hundredth of the cost per call.
 */
export class Cancellation {
  #reason: string | undefined;
  #listeners: ((reason: string) => void)[] | undefined;

  get cancelled(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  /** Only the first one counts. */
  cancel(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(reason);
  }

  /** Runs at once if it has already happened. @returns a function that takes the listener off. */
  onCancel(listener: (reason: string) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => {};
    }
    (this.#listeners ??= []).push(listener);
    return () => {
      const listeners = this.#listeners;
      // Mostly it is the only one.
      if (listeners?.at(-1) === listener) return void listeners.pop();
      const index = listeners?.indexOf(listener) ?? -1;
      if (index >= 0) listeners?.splice(index, 1);
    };
  }
}
