/** One call for all callers that ask the same at the same time; it is cancelled early only when all of them have left. */
import { answerOf } from '../core/answer.ts';
import type { Call, Handler } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';

export class SingleFlight {
  readonly #signal = new Cancellation();
  readonly #answer: Promise<Json>;
  readonly #listeners = new Set<(params: Json) => void>();
  #callers = 0;
  #asked = false;

  /** Sends the call at once, with the first caller's options. */
  constructor(call: Call, next: Handler) {
    const { ask, onProgress } = call;
    const shared: Call = {
      ...call,
      signal: this.#signal,
      onProgress: onProgress && ((params) => this.#listeners.forEach((listener) => listener(params))),
      ask:
        ask &&
        ((question) => {
          this.#asked = true;
          return ask(question);
        }),
    };
    // Many wait for it, so it is a promise: an answer has one holder.
    this.#answer = answerOf(next, shared).then();
  }

  /** `true` if the server has asked the first caller something: the result is then for that caller only. */
  get asked(): boolean {
    return this.#asked;
  }

  /** `true` if all callers have left: nobody may join any more. */
  get abandoned(): boolean {
    return this.#signal.cancelled;
  }

  /** Resolves when the call has settled, well or not. */
  get settled(): Promise<void> {
    return this.#answer.then(
      () => undefined,
      () => undefined,
    );
  }

  /** @throws ProxyError `CANCELLED` where the caller leaves; the others go on. */
  join({ signal, onProgress }: Call): Promise<Json> {
    this.#callers++;
    if (onProgress) this.#listeners.add(onProgress);
    return new Promise((resolve, reject) => {
      let off = (): void => {};
      let left = false;
      const leave = (): void => {
        if (left) return;
        left = true;
        off();
        this.#callers--;
        if (onProgress) this.#listeners.delete(onProgress);
      };
      this.#answer.then(resolve, reject).finally(leave);
      off = signal.onCancel((reason, cause) => {
        leave();
        if (this.#callers === 0) return this.#signal.cancel(reason, cause);
        const message = `The call was cancelled: ${reason}.`;
        reject(new ProxyError('CANCELLED', { message, delivered: 'unknown' }));
      });
    });
  }
}
