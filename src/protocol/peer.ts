/**
 * One end of a JSON-RPC conversation: sends requests and matches their answers, takes in what the other side sends.
 *
 * Ids and progress tokens that leave here are our own. Which transport a text travels on is the owner's business;
 * `Origin` is whatever the owner wants to know of where a message came from.
 */
import type { MessageText } from '../json/elided.ts';
import { Answer } from '../core/answer.ts';
import { ProxyError, RpcError } from '../core/errors.ts';
import { InFlight } from './in-flight.ts';
import type { Json } from '../json/json.ts';
import { wholeNumber } from '../core/whole-number.ts';
import { type IdText, type Invalid, type Message, readMessage } from './message.ts';

export interface PeerEvents<Origin> {
  request(id: IdText, method: string, params: Json, origin: Origin): void;
  notification(method: string, params: Json, origin: Origin): void;
  /** Neither request nor notification nor answer. */
  invalid(message: Invalid, origin: Origin): void;
  /** An answer that nobody waits for: late, doubled or made up. */
  stray(what: string): void;
}

/** Messages that a sender wants to hear before the answer comes. */
export interface Hooks {
  readonly onProgress?: ((params: Json) => void) | undefined;
}

interface Waiting {
  readonly answer: Answer;
  readonly onProgress: Hooks['onProgress'];
}

export interface PeerOptions<Origin> {
  readonly events: PeerEvents<Origin>;
  /** The other side's name in errors. */
  readonly name: string;
  /** Its config key, where it is a downstream server. */
  readonly server?: string;
  readonly maxDepth: number;
  /** Of one message; default: as of a client's. */
  readonly maxValues?: number;
}

export class Peer<Origin> {
  readonly #waiting = new InFlight<Waiting>();
  readonly #events: PeerEvents<Origin>;
  readonly #name: string;
  readonly #server: string | undefined;
  readonly #maxDepth: number;
  readonly #maxValues: number | undefined;
  #lastId = 0;

  constructor(options: PeerOptions<Origin>) {
    this.#events = options.events;
    this.#name = options.name;
    this.#server = options.server;
    this.#maxDepth = options.maxDepth;
    this.#maxValues = options.maxValues;
  }

  /** The number of our requests that are unanswered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  nextId(): number {
    return (this.#lastId = this.#waiting.idAfter(this.#lastId));
  }

  /** The answer to the request with this id, which the caller sends. @throws RpcError | ProxyError */
  answerTo(id: number, { onProgress }: Hooks = {}): Answer {
    const answer = new Answer();
    this.#waiting.set(id, { answer, onProgress });
    return answer;
  }

  /** Ends the wait for one answer; what comes later is dropped. @returns whether somebody was waiting. */
  fail(id: number, error: RpcError | ProxyError): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return false;
    this.#waiting.delete(id);
    waiting.answer.reject(error);
    return true;
  }

  /** A message is known to be meant as the answer to this request, and cannot be used. */
  failUnusable(id: number, message: Invalid): boolean {
    return this.fail(id, this.#badAnswer(message));
  }

  failAll(error: ProxyError): void {
    for (const id of this.#waiting.ids()) this.fail(id, error);
  }

  receive(text: MessageText, origin: Origin): void {
    this.take(readMessage(text, this.#maxDepth, this.#maxValues), origin);
  }

  take(message: Message, origin: Origin): void {
    switch (message.kind) {
      case 'result': {
        const waiting = this.#takeWaiting(message.id);
        if (waiting) waiting.answer.resolve(message.result);
        else this.#events.stray('an answer to no request of ours');
        return;
      }
      case 'request':
        this.#events.request(message.id, message.method, message.params, origin);
        return;
      case 'notification':
        if (message.method === 'notifications/progress') this.#progress(message.params);
        else this.#events.notification(message.method, message.params, origin);
        return;
      case 'error': {
        const waiting = message.id === undefined ? undefined : this.#takeWaiting(message.id);
        if (waiting) waiting.answer.reject(RpcError.fromWire(message.error));
        else this.#events.stray('an error to no request of ours');
        return;
      }
      case 'invalid': {
        const { id, hasMethod } = message;
        const waiting = id === undefined || hasMethod ? undefined : this.#takeWaiting(id);
        waiting?.answer.reject(this.#badAnswer(message));
        // What might be a request as well gets its answer too.
        if (!waiting || !message.answer) this.#events.invalid(message, origin);
      }
    }
  }

  #takeWaiting(idText: IdText): Waiting | undefined {
    const id = ownId(idText);
    const waiting = this.#waiting.get(id);
    if (waiting) this.#waiting.delete(id);
    return waiting;
  }

  #progress(params: Json): void {
    const token = params.at('progressToken');
    const id = typeof token === 'string' ? wholeNumber(token) : token;
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting?.onProgress) waiting.onProgress(params);
    else this.#events.stray('progress of no request of ours');
  }

  #badAnswer({ reason, tooLarge }: Invalid): ProxyError {
    return new ProxyError(tooLarge ? 'RESULT_TOO_LARGE' : 'PROTOCOL_ERROR', {
      message: `${this.#name} sent an answer that cannot be used: ${reason}.`,
      ...(this.#server !== undefined && { server: this.#server }),
      delivered: true,
    });
  }
}

/**
 * Which of our requests an id means; `NaN` where it can be none. Our ids are integers, and some servers send them back
 * as strings: in their plain spelling no other could be meant.
 */
export function ownId(text: IdText): number {
  return text.startsWith('"') ? (wholeNumber(text.slice(1, -1)) ?? NaN) : Number(text);
}
