/** Bounds second attempts by the calls under way, so that trying again never becomes the load that keeps a server down. */
export class RetryBudget {
  readonly #ratio: number;
  readonly #min: number;
  #live = 0;
  #spent = 0;

  /** @param ratio second attempts per call under way. @param min how many are always allowed at a time. */
  constructor({ ratio, min }: { readonly ratio: number; readonly min: number }) {
    this.#ratio = ratio;
    this.#min = min;
  }

  /** Second attempts under way or waited for. */
  get spent(): number {
    return this.#spent;
  }

  callStarted(): void {
    this.#live++;
  }

  callEnded(): void {
    this.#live--;
  }

  /** @returns whether one more attempt is allowed; if so, `giveBack` is due when it has ended. */
  take(): boolean {
    if (this.#spent >= Math.max(this.#min, Math.floor(this.#live * this.#ratio))) return false;
    this.#spent++;
    return true;
  }

  giveBack(): void {
    this.#spent--;
  }
}
