/**
 * The normal form of a middleware: what happens before a call, and what happens with its result or error.
 *
 * The hooks do what the code around `await next(call)` would do, without a promise for each middleware.
 */
import { Answer, answerOf, type AnswerStep, isPromise, rethrow, type StepOutcome } from './answer.ts';
import type { Call, Handler, Middleware } from './call.ts';
import type { Json } from '../json/json.ts';

/** The hooks of one middleware; `State` is what the middleware keeps of one call. */
export interface AroundCall<State> {
  /**
   * Returns what the other hooks get; with `undefined` the call goes on without them. An exception answers the call,
   * and nothing else runs.
   */
  before(call: Call): State | undefined;
  onResult?(result: Json, state: State, call: Call): StepOutcome;
  onError?(error: unknown, state: State, call: Call): StepOutcome;
  /** Runs at the end in any case, behind the promise of another hook too. */
  after?(state: State, call: Call): void;
}

/** @param hooksFor the hooks around the handler `next`, made once and not for each call. */
export function around<State>(hooksFor: (next: Handler) => AroundCall<State>): Middleware {
  return (next) => {
    const hooks = hooksFor(next);
    return (call) => {
      let state: State | undefined;
      try {
        state = hooks.before(call);
      } catch (error) {
        return Answer.failed(error);
      }
      return state === undefined
        ? next(call)
        : answerOf(next, call).through(new HooksStep(hooks, state, call));
    };
  };
}

/** The hooks behind one call. */
class HooksStep<State> implements AnswerStep {
  readonly #hooks: AroundCall<State>;
  readonly #state: State;
  readonly #call: Call;

  constructor(hooks: AroundCall<State>, state: State, call: Call) {
    this.#hooks = hooks;
    this.#state = state;
    this.#call = call;
  }

  onResult(result: Json, answer: Answer): StepOutcome {
    const hooks = this.#hooks;
    let outcome: StepOutcome = result;
    try {
      if (hooks.onResult) outcome = hooks.onResult(result, this.#state, this.#call);
    } catch (error) {
      this.after();
      throw error;
    }
    return this.#afterwards(outcome, answer);
  }

  onError(error: unknown, answer: Answer): StepOutcome {
    const hooks = this.#hooks;
    let outcome: StepOutcome;
    try {
      outcome = hooks.onError ? hooks.onError(error, this.#state, this.#call) : rethrow(error);
    } catch (failure) {
      this.after();
      throw failure;
    }
    return this.#afterwards(outcome, answer);
  }

  after(): void {
    this.#hooks.after?.(this.#state, this.#call);
  }

  #afterwards(outcome: StepOutcome, answer: Answer): StepOutcome {
    if (!isPromise(outcome)) this.after();
    else if (this.#hooks.after) answer.throughNext(new AfterStep(this));
    return outcome;
  }
}

/** Runs `after` once the promise of a hook has settled, or the answer was rejected meanwhile. */
class AfterStep implements AnswerStep {
  readonly #hooks: { after(): void };

  constructor(hooks: { after(): void }) {
    this.#hooks = hooks;
  }

  onResult(result: Json): Json {
    this.#hooks.after();
    return result;
  }

  onError(error: unknown): never {
    this.#hooks.after();
    throw error;
  }
}
