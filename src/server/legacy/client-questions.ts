/** Questions to a legacy client: none but a ping may be put before the client's handshake is done. */
import type { Question } from '../../core/call.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import { ProxyError } from '../../core/errors.ts';
import { editAt } from '../../json/edit.ts';
import { Json } from '../../json/json.ts';
import { notificationText, requestText } from '../../protocol/message.ts';
import type { Peer } from '../../protocol/peer.ts';
import type { ResponseSink } from '../response-sink.ts';

export class ClientQuestions {
  readonly #peer: Peer<ResponseSink>;
  /** Questions that wait for the end of the handshake; `undefined` once it is done. */
  #waiting: Set<() => void> | undefined = new Set();
  #ended = false;

  constructor(peer: Peer<ResponseSink>) {
    this.#peer = peer;
  }

  get open(): boolean {
    return this.#waiting === undefined;
  }

  /** From now on the client may be asked. */
  handshakeDone(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const go of waiting ?? []) go();
  }

  /** Withdraws all questions: the client is gone. */
  end(): void {
    this.#peer.failAll(withdrawn());
    this.#ended = true;
    this.handshakeDone();
  }

  /** Puts a question that belongs to no call, as soon as the handshake is done. */
  async askLater(question: Question, send: (text: string) => void): Promise<Json> {
    if (this.#waiting) await this.#untilOpen(this.#waiting, question.signal);
    return this.ask(question, send);
  }

  /** Puts a question and waits for the answer; withdraws the question when it, or its call, is cancelled. */
  async ask(question: Question, send: (text: string) => void, call?: Cancellation): Promise<Json> {
    const { method, params, signal, onProgress } = question;
    const id = this.#peer.nextId();
    const answer = this.#peer.answerTo(id, { onProgress });
    const asked = onProgress
      ? params.edit((text) => editAt(text, ['_meta', 'progressToken'], () => String(id)))
      : params;
    send(requestText(id, method, asked));
    const withdraw = (reason: string): void => {
      if (this.#peer.fail(id, withdrawn()))
        send(notificationText('notifications/cancelled', Json.of({ requestId: id, reason })));
    };
    const off = signal.onCancel(withdraw);
    const offCall = call?.onCancel(withdraw);
    try {
      return await answer;
    } finally {
      off();
      offCall?.();
    }
  }

  async #untilOpen(waiting: Set<() => void>, signal: Cancellation): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      signal.onCancel(() => resolve());
    });
    if (this.#ended || signal.cancelled) throw withdrawn();
  }
}

function withdrawn(): ProxyError {
  return new ProxyError('CANCELLED', { message: 'The question was withdrawn.', delivered: 'unknown' });
}
