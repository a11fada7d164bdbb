/**
 * The answer to a call that is under way: a promise whose steps run in the very turn that settles it.
 *
 * A call passes a dozen wrappers on its way back. Were each of them an async function, their promises would cost
 * more than all the rest of the pipeline. So an answer has one holder at a time: whoever passes it on adds a step to
 * the same object. It can be awaited like any promise by whoever keeps it.
 */
import type { Handler, Call } from './call.ts';
import type { Json } from '../json/json.ts';

/** What a step makes of a result; a promise makes the steps behind it wait. */
type OnResult = (result: Json) => Json | Promise<Json>;
/** The same of an error: an answer after all, or what it throws. */
type OnError = (error: unknown) => Json | Promise<Json>;

/** One object with what a part of the pipeline keeps of a call: cheaper than two closures over it. */
export interface AnswerStep {
  readonly onResult: OnResult;
  readonly onError: OnError;
}

type Phase = 'open' | 'running' | 'waiting' | 'settled';

export class Answer implements Promise<Json> {
  readonly [Symbol.toStringTag] = 'Answer';
  #phase: Phase = 'open';
  #failed = false;
  #outcome: unknown;
  /** In the order in which they run. */
  readonly #steps: AnswerStep[] = [];
  #at = 0;
  /** What a waiting step waits for; anything else that comes of it is too late. */
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

  /** An answer itself, or one that follows a promise. What `work` throws at once is its error. */
  static by(work: () => Promise<Json>): Answer {
    try {
      const made = work();
      if (made instanceof Answer) return made;
      const answer = new Answer();
      answer.follow(made);
      return answer;
    } catch (error) {
      return Answer.failed(error);
    }
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

  /** Adds a step; it runs at once where the outcome is known. What it returns or throws takes the place of what came. */
  through(step: AnswerStep): this {
    this.#steps.push(step);
    if (this.#phase === 'settled') this.#run(this.#failed, this.#outcome);
    return this;
  }

  /** `through` for two functions. */
  on(onResult: OnResult | undefined, onError: OnError = rethrow): this {
    return this.through({ onResult: onResult ?? asItIs, onError });
  }

  /** The last step. What it throws is nobody's to catch. */
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

  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Json | B> {
    return this.then(undefined, onError);
  }

  finally(done?: (() => void) | null): Promise<Json> {
    return this.then().finally(done);
  }

  #run(failed: boolean, outcome: unknown): void {
    this.#phase = 'running';
    this.#awaited = undefined;
    let isError = failed;
    let value = outcome;
    while (this.#at < this.#steps.length) {
      const step = this.#steps[this.#at++] as AnswerStep;
      try {
        value = isError ? step.onError(value) : step.onResult(value as Json);
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

  #wait(promise: Promise<Json>): void {
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

/** Hands on what has come of an answer to the one that follows it. */
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

/** Hands a call on. Whichever way the handler fails, it fails through the answer. */
export function answerOf(handler: Handler, call: Call): Answer {
  try {
    const made = handler(call);
    if (made instanceof Answer) return made;
    const answer = new Answer();
    answer.follow(made);
    return answer;
  } catch (error) {
    return Answer.failed(error);
  }
}

function asItIs(result: Json): Json {
  return result;
}

/** For a step that only looks at results. */
export function rethrow(error: unknown): never {
  throw error;
}

function isPromise(value: unknown): value is Promise<Json> {
  return value instanceof Answer || value instanceof Promise;
}

function guarded<T>(work: (value: T) => void, value: T): void {
  try {
    work(value);
  } catch (error) {
    unhandled(error);
  }
}

/** For what a last step throws: it is nobody's to catch, and must not get lost. */
export function unhandled(error: unknown): void {
  void Promise.reject(error);
}
