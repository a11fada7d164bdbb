/**
 * The answer to a call that is under way.
 *
 * An answer is no promise, though it can be awaited: its steps run in the very turn that settles it. A call passes a
 * dozen wrappers on its way back, and a promise for each of them would cost more than all the rest of the pipeline
 * (docs/decisions/0002). So an answer has one holder at a time, and a wrapper adds its step to the same object. An
 * answer that several wait for has to be made a promise first, with `then()`. Middleware is written with `around.ts`.
 */
import type { Json } from '../json/json.ts';

/** A step's new result; the steps behind it wait for a promise. */
export type StepOutcome = Json | Promise<Json> | Answer;

/** One object with what a part of the pipeline keeps of a call: cheaper than two closures over it. */
export interface AnswerStep {
  /** Takes the result and returns the one that takes its place. */
  onResult(result: Json, answer: Answer): StepOutcome;
  /** Takes the error and throws it, or another, or returns a result after all. */
  onError(error: unknown, answer: Answer): StepOutcome;
}

type Phase = 'open' | 'running' | 'waiting' | 'settled';

export class Answer implements PromiseLike<Json> {
  #phase: Phase = 'open';
  #failed = false;
  #outcome: unknown;
  /** Steps run in the order in which they were added. */
  readonly #steps: AnswerStep[] = [];
  #at = 0;
  /** The wait that counts; the outcome of an earlier wait is too late. */
  #awaited: object | undefined;

  static of(result: Json): Answer {
    const answer = new Answer();
    answer.resolve(result);
    return answer;
  }

  static failed(error: unknown): Answer {
    const answer = new Answer();
    answer.reject(error);
    return answer;
  }

  /** The answer that `work` returns, or one that follows its promise. An exception of `work` fails the answer. */
  static by(work: () => Promise<Json> | Answer): Answer {
    try {
      return Answer.from(work());
    } catch (error) {
      return Answer.failed(error);
    }
  }

  /** An answer that follows a promise; an answer is returned as it is. */
  static from(outcome: Promise<Json> | Answer): Answer {
    if (outcome instanceof Answer) return outcome;
    const answer = new Answer();
    answer.follow(outcome);
    return answer;
  }

  get settled(): boolean {
    return this.#phase === 'settled';
  }

  /** Only the first outcome counts. */
  resolve(result: Json): void {
    if (this.#phase === 'open') this.#run(false, result);
  }

  /** Only the first outcome counts; while a step waits, this ends the wait. */
  reject(error: unknown): void {
    if (this.#phase === 'open' || this.#phase === 'waiting') this.#run(true, error);
  }

  follow(other: PromiseLike<Json>): void {
    if (other instanceof Answer) other.through(new Handing(this));
    else
      other.then(
        (result) => this.resolve(result),
        (error: unknown) => this.reject(error),
      );
  }

  /** Adds a step, which runs at once if the answer is settled. Its return value or exception takes the outcome's place. */
  through(step: AnswerStep): this {
    this.#steps.push(step);
    if (this.#phase === 'settled') this.#run(this.#failed, this.#outcome);
    return this;
  }

  /** Adds a step in front of all that have not run yet. */
  throughNext(step: AnswerStep): void {
    this.#steps.splice(this.#at, 0, step);
  }

  /** `through` for two functions. */
  on(
    onResult: ((result: Json) => StepOutcome) | undefined,
    onError: (error: unknown) => StepOutcome = rethrow,
  ): this {
    return this.through({ onResult: onResult ?? asItIs, onError });
  }

  /** Adds the last step. Its exceptions are reported as unhandled. */
  end(onResult: (result: Json) => void, onError: (error: unknown) => void): void {
    void this.on(
      (result) => {
        guarded(onResult, result);
        return result;
      },
      (error) => {
        guarded(onError, error);
        throw error;
      },
    );
  }

  then<A = Json, B = never>(
    onResult?: ((result: Json) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return new Promise<Json>((resolve, reject) => this.end(resolve, reject)).then(onResult, onError);
  }

  #run(failed: boolean, outcome: unknown): void {
    this.#phase = 'running';
    this.#awaited = undefined;
    let isError = failed;
    let value = outcome;
    while (this.#at < this.#steps.length) {
      const step = this.#steps[this.#at++] as AnswerStep;
      try {
        value = isError ? step.onError(value, this) : step.onResult(value as Json, this);
        isError = false;
      } catch (error) {
        value = error;
        isError = true;
      }
      if (!isError && isPromise(value)) return this.#wait(value);
    }
    this.#failed = isError;
    this.#outcome = value;
    this.#phase = 'settled';
  }

  #wait(promise: Promise<Json> | Answer): void {
    this.#phase = 'waiting';
    const awaited = (this.#awaited = {});
    const resume = (failed: boolean, outcome: unknown): void => {
      if (this.#awaited === awaited) this.#run(failed, outcome);
    };
    const done = (result: Json): void => resume(false, result);
    const failed = (error: unknown): void => resume(true, error);
    if (promise instanceof Answer) promise.end(done, failed);
    else promise.then(done, failed);
  }
}

/** Settles an answer as the one that it follows. */
class Handing implements AnswerStep {
  readonly #to: Answer;

  constructor(to: Answer) {
    this.#to = to;
  }

  onResult(result: Json): Json {
    this.#to.resolve(result);
    return result;
  }

  onError(error: unknown): never {
    this.#to.reject(error);
    throw error;
  }
}

/** Hands a call to a handler. An exception of the handler fails the answer. */
export function answerOf<Request>(handler: (call: Request) => Answer, call: Request): Answer {
  try {
    return handler(call);
  } catch (error) {
    return Answer.failed(error);
  }
}

/** A handler whose work is an async function. */
export function asyncHandler<Request>(work: (call: Request) => Promise<Json>): (call: Request) => Answer {
  return (call) => Answer.from(work(call));
}

function asItIs(result: Json): Json {
  return result;
}

/** The `onError` of a step that only looks at results. */
export function rethrow(error: unknown): never {
  throw error;
}

export function isPromise(value: unknown): value is Promise<Json> | Answer {
  return value instanceof Answer || value instanceof Promise;
}

function guarded<T>(work: (value: T) => void, value: T): void {
  try {
    work(value);
  } catch (error) {
    unhandled(error);
  }
}

/** Reports an exception that nobody can catch as an unhandled rejection. */
export function unhandled(error: unknown): void {
  void Promise.reject(error);
}
