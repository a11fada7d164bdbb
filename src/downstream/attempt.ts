/** The steps of one call's way to a server: its attempt, and its delivery on one connection. */
import type { AnswerStep } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import { ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';
import type { Connection } from './connection/connection.ts';

/** The call runner's work when a call is over. */
export interface AttemptEnds {
  succeeded(attempt: Attempt, result: Json): Json;
  failed(attempt: Attempt, error: unknown): never;
}

/** One call's way to the server, so far. */
export class Attempt implements AnswerStep {
  readonly call: Call;
  connection: Connection | undefined;
  /** The time at which the server got the call, about; the clock's. */
  from: number;
  /** The number of questions that the server had asked before. */
  readonly questions: number;
  readonly #ends: AttemptEnds;

  constructor(
    call: Call,
    connection: Connection | undefined,
    from: number,
    questions: number,
    ends: AttemptEnds,
  ) {
    this.call = call;
    this.connection = connection;
    this.from = from;
    this.questions = questions;
    this.#ends = ends;
  }

  onResult(result: Json): Json {
    return this.#ends.succeeded(this, result);
  }

  onError(error: unknown): never {
    return this.#ends.failed(this, error);
  }
}

/** A call on its connection: sent once more where that turned out to be gone. */
export class Delivery implements AnswerStep {
  readonly #call: Call;
  readonly #connection: Connection;
  readonly #sendAgain: SendAgain;

  constructor(call: Call, connection: Connection, sendAgain: SendAgain) {
    this.#call = call;
    this.#connection = connection;
    this.#sendAgain = sendAgain;
  }

  onResult(result: Json): Json {
    return result;
  }

  onError(error: unknown): Promise<Json> {
    if (!(error instanceof ProxyError) || error.delivered !== false || error.answered) throw error;
    if (this.#call.signal.cancelled) throw error;
    return this.#sendAgain(this.#call, this.#connection, error);
  }
}

export type SendAgain = (call: Call, connection: Connection, error: ProxyError) => Promise<Json>;
