/** The requests of a server on one connection: bounded in number, answered, withdrawn. */
import type { Call } from '../../core/call.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { INTERNAL_ERROR, METHOD_NOT_FOUND, ProxyError, RpcError } from '../../core/errors.ts';
import { editObject } from '../../json/edit.ts';
import { EMPTY_OBJECT, type Json } from '../../json/json.ts';
import type { EncodedMessage } from '../../json/message-text.ts';
import { encodeErrorText, encodeResult, type IdText, resultText } from '../../protocol/message.ts';
import { progressTokenOf } from '../../protocol/params.ts';

export interface IncomingQuestion {
  readonly method: string;
  readonly params: Json;
  /** The call on whose own stream the question came. */
  readonly call: Call | undefined;
  readonly signal: Cancellation;
  readonly onProgress: ((params: Json) => void) | undefined;
}

export interface ServerRequestsOptions {
  /** The most that are open at once. */
  readonly most: number;
  readonly answer: (question: IncomingQuestion) => Promise<Json>;
  readonly reply: (text: EncodedMessage) => void;
  readonly notify: (method: string, params: Json) => void;
  readonly odd: (what: string) => void;
}

export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  readonly #open = new Map<IdText, Cancellation>();

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** @param call the call on whose own stream the request came. */
  async receive(id: IdText, method: string, params: Json, call: Call | undefined): Promise<void> {
    const { most, answer, reply, odd } = this.#options;
    if (method === 'ping') return reply(resultText(id, EMPTY_OBJECT));
    if (this.#open.size >= most) {
      odd(`a question beyond ${most} open ones`);
      return reply(encodeErrorText(id, RpcError.of(INTERNAL_ERROR, 'Too many open questions').json));
    }
    const signal = new Cancellation();
    this.#open.set(id, signal);
    try {
      const onProgress = this.#progressBack(params);
      const result = await answer({ method, params, call, signal, onProgress });
      if (!signal.cancelled) reply(encodeResult(id, result));
    } catch (error) {
      if (!signal.cancelled) reply(encodeErrorText(id, errorForServer(error)));
    } finally {
      this.#open.delete(id);
    }
  }

  /** The server takes a request back. @returns false where none of this id is open. */
  withdraw(id: IdText, reason: string): boolean {
    const signal = this.#open.get(id);
    signal?.cancel(reason);
    return signal !== undefined;
  }

  withdrawAll(reason: string): void {
    for (const signal of this.#open.values()) signal.cancel(reason);
  }

  /** Progress of a question travels back under the token that the server chose. */
  #progressBack(params: Json): ((params: Json) => void) | undefined {
    const progressToken = progressTokenOf(params);
    if (progressToken === undefined) return undefined;
    return (progress) =>
      this.#options.notify(
        'notifications/progress',
        progress.edit((text) => editObject(text, { progressToken })),
      );
  }
}

function errorForServer(error: unknown): Json {
  if (error instanceof RpcError) return error.json;
  if (!(error instanceof ProxyError)) throw error;
  const code = error.code === 'CLIENT_CANNOT' ? METHOD_NOT_FOUND : INTERNAL_ERROR;
  return RpcError.of(code, error.message, error.data).json;
}
