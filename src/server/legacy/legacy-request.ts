/** A request of a legacy client until it is answered. */
import { type AnswerStep, unhandled } from '../../core/answer.ts';
import type { Call } from '../../core/call.ts';
import type { Json } from '../../json/json.ts';
import type { EncodedMessage } from '../../json/message-text.ts';
import { encodeResult, type IdText } from '../../protocol/message.ts';
import { legacyError, legacyResult } from '../answers.ts';
import type { ResponseSink } from '../response-sink.ts';

export interface LegacyRequestEvents {
  ended(number: number): void;
  failed(error: unknown, call: Call): void;
}

export class LegacyRequest implements AnswerStep {
  readonly id: IdText;
  readonly call: Call;
  /** Our own number for the request: a client may use an id twice. */
  readonly #number: number;
  readonly #responseSink: ResponseSink;
  readonly #events: LegacyRequestEvents;

  constructor(
    id: IdText,
    call: Call,
    number: number,
    responseSink: ResponseSink,
    events: LegacyRequestEvents,
  ) {
    this.id = id;
    this.call = call;
    this.#number = number;
    this.#responseSink = responseSink;
    this.#events = events;
  }

  onResult(result: Json): Json {
    try {
      this.#end(encodeResult(this.id, legacyResult(result)));
    } catch (failure) {
      unhandled(failure);
    }
    return result;
  }

  onError(error: unknown): never {
    try {
      this.#events.failed(error, this.call);
      this.#end(legacyError(this.id, this.call, error));
    } catch (failure) {
      unhandled(failure);
    }
    throw error;
  }

  #end(message: EncodedMessage): void {
    this.#events.ended(this.#number);
    if (this.call.signal.cancelled) this.#responseSink.drop(message);
    else this.#responseSink.end(message);
  }
}
