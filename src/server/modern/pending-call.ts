/**
 * A modern client's call while it is under way.
 *
 * A modern client cannot be asked while it waits: where a legacy server asks, the call is parked, the client gets
 * `input_required`, and its retry, which carries our sealed state, picks the parked call up again.
 */
import type { Call, Question } from '../../core/call.ts';
import { Cancellation, type Cause } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import { INVALID_PARAMS, ProxyError, RpcError } from '../../core/errors.ts';
import { at, isObject, Json } from '../../json/json.ts';
import { memberText } from '../../json/edit.ts';

/** Questions that come within this time are put in one round, milliseconds. */
const GATHER_MS = 10;

/** The request that waits: how its answer leaves. */
export interface Waiter {
  readonly progress: (params: Json) => void;
  readonly notify: (method: string, params: Json) => void;
  readonly result: (result: Json) => void;
  readonly error: (error: unknown) => void;
}

export interface PendingCallOptions {
  readonly clock: Clock;
  /** Milliseconds that a parked call waits for its client. */
  readonly parkMs: number;
  /** Seals the call's name and the round that a retry is for. */
  readonly seal: (round: number) => string;
  readonly ended: () => void;
  /** An error where too many calls wait for their client: all of them may have begun before the first one asked. */
  readonly refusal: () => ProxyError | undefined;
  /** The call waits for its client to come back, or no longer does. */
  readonly parked: (is: boolean) => void;
}

interface OpenQuestion {
  readonly method: string;
  readonly params: Json;
  readonly resolve: (answer: Json) => void;
  readonly reject: (error: ProxyError) => void;
}

export class PendingCall {
  readonly signal = new Cancellation();
  readonly #options: PendingCallOptions;
  readonly #questions = new Map<string, OpenQuestion>();
  #waiter: Waiter | undefined;
  #outcome: ((waiter: Waiter) => void) | undefined;
  #round = 0;
  #lastKey = 0;
  #gathering = false;
  #cancelExpiry: (() => void) | undefined;
  #parked = false;

  constructor(options: PendingCallOptions, waiter: Waiter) {
    this.#options = options;
    this.#waiter = waiter;
  }

  /** The call's own callbacks: progress and questions go to the request that waits at that moment. */
  get hooks(): Pick<Call, 'onProgress' | 'onNotification' | 'ask'> {
    return {
      onProgress: (params) => this.#waiter?.progress(params),
      onNotification: (method, params) => this.#waiter?.notify(method, params),
      ask: (question) => this.#ask(question),
    };
  }

  succeed(result: Json): void {
    this.#finish((waiter) => waiter.result(result));
  }

  fail(error: unknown): void {
    this.#finish((waiter) => waiter.error(error));
  }

  /** The client no longer waits for the request that `waiter` answers. */
  left(waiter: Waiter, reason: string, cause: Cause): void {
    if (this.#waiter === waiter) this.stop(reason, cause);
  }

  /** The proxy gives the call up, and tells the request that waits for it. */
  giveUp(reason: string, cause: Cause): void {
    if (!this.#waiter) return this.stop(reason, cause);
    this.signal.cancel(reason, cause);
    // Mostly the call has failed by then, with an error that names its server.
    setImmediate(() => this.fail(givenUp(reason)));
  }

  /** Nobody wants the answer any more. */
  stop(reason: string, cause: Cause): void {
    this.#waiter = undefined;
    this.#setParked(false);
    this.#options.ended();
    this.signal.cancel(reason, cause);
    for (const { reject } of this.#questions.values()) reject(expired());
    this.#questions.clear();
  }

  /**
   * A retry came, with answers. Questions without one are asked again.
   *
   * @throws RpcError where the state is of another round.
   */
  resume(round: number, params: Json, waiter: Waiter): void {
    if (round !== this.#round || this.#waiter)
      throw RpcError.of(INVALID_PARAMS, 'This requestState was used already');
    this.#cancelExpiry?.();
    this.#setParked(false);
    this.#waiter = waiter;
    const text = memberText(params.text, 'inputResponses') ?? '{}';
    const responses = at(params.value, 'inputResponses');
    for (const [key, question] of this.#questions) {
      if (!isObject(responses) || !Object.hasOwn(responses, key)) continue;
      this.#questions.delete(key);
      question.resolve(Json.fromText(memberText(text, key) ?? 'null'));
    }
    if (this.#outcome) this.#deliver(this.#outcome, waiter);
    else if (this.#questions.size > 0) this.#park();
  }

  #ask({ method, params, signal }: Question): Promise<Json> {
    const key = `q${++this.#lastKey}`;
    return new Promise((resolve, reject) => {
      this.#questions.set(key, { method, params, resolve, reject });
      signal.onCancel(() => {
        if (this.#questions.delete(key)) reject(expired());
      });
      if (this.#gathering) return;
      this.#gathering = true;
      // Questions asked together are put together: one round instead of several.
      this.#options.clock.after(GATHER_MS, () => {
        this.#gathering = false;
        this.#park();
      });
    });
  }

  #park(): void {
    const waiter = this.#waiter;
    if (!waiter || this.#questions.size === 0 || this.#outcome) return;
    const refusal = this.#options.refusal();
    if (refusal) return this.#refuse(refusal);
    this.#waiter = undefined;
    this.#setParked(true);
    this.#round++;
    const requests = [...this.#questions].map(
      ([key, { method, params }]) =>
        `${JSON.stringify(key)}:{"method":${JSON.stringify(method)},"params":${params.text}}`,
    );
    const state = JSON.stringify(this.#options.seal(this.#round));
    waiter.result(
      Json.fromText(
        `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${state}}`,
      ),
    );
    this.#cancelExpiry = this.#options.clock.after(this.#options.parkMs, () =>
      this.stop('the client did not come back with its answer', 'client-gone'),
    );
  }

  /** Fails the questions; the server decides what becomes of the call. */
  #refuse(error: ProxyError): void {
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const { reject } of questions) reject(error);
  }

  #setParked(is: boolean): void {
    if (this.#parked === is) return;
    this.#parked = is;
    this.#options.parked(is);
  }

  #finish(outcome: (waiter: Waiter) => void): void {
    this.#outcome = outcome;
    if (this.#waiter) this.#deliver(outcome, this.#waiter);
  }

  #deliver(outcome: (waiter: Waiter) => void, waiter: Waiter): void {
    this.#waiter = undefined;
    this.#options.ended();
    outcome(waiter);
  }
}

function givenUp(reason: string): ProxyError {
  return new ProxyError('CANCELLED', { message: `The call was given up: ${reason}.`, delivered: 'unknown' });
}

function expired(): ProxyError {
  return new ProxyError('CANCELLED', {
    message: 'The question was not answered in time.',
    delivered: 'unknown',
  });
}
