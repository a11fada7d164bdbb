/**
 * One live conversation with a downstream server, whatever carries it and whichever era it speaks.
 *
 * Restores the server's own names on the way out, keeps ids, progress and cancellation apart per call, and
 * turns the server's questions over to whoever may answer. Starting again is `downstream.ts`.
 */
import type { Call, Client, Era } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import {
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../core/errors.ts';
import { at, EMPTY_OBJECT, isObject, Json, type JsonObject } from '../core/json.ts';
import { editObject } from '../core/json-edit.ts';
import type { Listing } from '../core/listing.ts';
import {
  errorText,
  type IdText,
  type Invalid,
  notificationText,
  requestText,
  resultText,
} from '../protocol/message.ts';
import { modernEnvelope, paramsForHop } from '../protocol/params.ts';
import { type Hooks, Peer } from '../protocol/peer.ts';
import type { Link, LinkEvents, OpenLink } from '../transport/link.ts';
import { fetchListing, type Hello } from './pages.ts';

/** The id of our request on whose own stream a message came; `undefined` on streams that all share. */
export type StreamOf = number | undefined;

export interface ConnectionEvents {
  /** A request of the server's. The answer goes back through the returned promise. */
  question(question: IncomingQuestion): Promise<Json>;
  notification(method: string, params: Json, call: Call | undefined): void;
  odd(what: string): void;
  closed(error: ProxyError | undefined): void;
}

export interface IncomingQuestion {
  readonly method: string;
  readonly params: Json;
  /** The call on whose own stream it came. */
  readonly call: Call | undefined;
  readonly signal: Cancellation;
  readonly onProgress: ((params: Json) => void) | undefined;
}

export interface ConnectionOptions {
  readonly server: string;
  readonly open: OpenLink;
  readonly maxDepth: number;
  readonly maxItems: number;
  readonly events: ConnectionEvents;
  /** Header fields that the server's tools want over modern HTTP, by its own tool name. */
  readonly headersFor: (method: string, name: string, params: Json) => [string, string][];
}

export interface Agreement extends Hello {
  readonly era: Era;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #peer: Peer<StreamOf>;
  readonly #link: Link;
  readonly #calls = new Map<number, Call>();
  readonly #asked = new Map<IdText, Cancellation>();
  #agreement: Agreement | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#peer = new Peer<StreamOf>({
      name: `"${options.server}"`,
      maxDepth: options.maxDepth,
      events: {
        request: (id, method, params, stream) => void this.#answer(id, method, params, stream),
        notification: (method, params, stream) => this.#notified(method, params, stream),
        invalid: (message) => this.#invalid(message),
        stray: (what) => options.events.odd(what),
      },
    });
    this.#link = options.open(this.#linkEvents());
  }

  get agreement(): Agreement {
    if (this.#agreement === undefined) throw new Error('not greeted yet');
    return this.#agreement;
  }

  /** The calls under way, oldest first. */
  get calls(): Iterable<Call> {
    return this.#calls.values();
  }

  get closed(): boolean {
    return this.#closed;
  }

  agree(agreement: Agreement): void {
    this.#agreement = agreement;
    this.#link.agreed?.(agreement.protocolVersion);
  }

  /** Sends one call on, under the name the server gave. */
  async call(call: Call): Promise<Json> {
    const id = this.#peer.nextId();
    const { era } = this.agreement;
    const { method, name } = call;
    const progressToken = call.onProgress ? id : undefined;
    const params = paramsForHop(call.params, { method, name, client: call.client, era, progressToken });
    const answer = this.#peer.answerTo(id, { onProgress: call.onProgress });
    this.#calls.set(id, call);
    this.#link.send({
      text: requestText(id, method, params),
      id,
      method,
      headers: era === 'modern' ? this.#options.headersFor(method, name, params) : undefined,
    });
    const off = call.signal.onCancel((reason) => this.#cancel(id, reason));
    try {
      return await answer;
    } catch (error) {
      throw this.#translated(error);
    } finally {
      off();
      this.#calls.delete(id);
    }
  }

  /** Two of a server's errors speak of our hop and not of the client's call. */
  #translated(error: unknown): unknown {
    if (!(error instanceof RpcError)) return error;
    const { server } = this.#options;
    if (error.code === MISSING_CLIENT_CAPABILITY) {
      const needs = at(error.json.value, 'data', 'requiredCapabilities');
      const message = `"${server}" needs something of the client that it does not have: ${error.message}`;
      return new ProxyError('CLIENT_CANNOT', {
        message,
        server,
        delivered: true,
        needs: isObject(needs) ? needs : {},
      });
    }
    if (error.code !== UNSUPPORTED_PROTOCOL_VERSION) return error;
    const message = `"${server}" no longer speaks the protocol version agreed upon: ${error.message}`;
    return new ProxyError('PROTOCOL_ERROR', { message, server, delivered: false });
  }

  /** A request of our own: handshake, lists, subscriptions. */
  request(
    method: string,
    params: JsonObject | undefined,
    hooks: Hooks & { signal?: Cancellation } = {},
  ): Promise<Json> {
    const id = this.#peer.nextId();
    const answer = this.#peer.answerTo(id, hooks);
    const json = params && Json.of(params);
    this.#link.send({
      text: requestText(id, method, json),
      id,
      method,
      headers:
        this.#agreement?.era === 'modern'
          ? this.#options.headersFor(method, '', json ?? EMPTY_OBJECT)
          : undefined,
    });
    hooks.signal?.onCancel((reason) => this.#cancel(id, reason));
    return answer;
  }

  notify(method: string, params?: Json): void {
    if (!this.#closed) this.#link.send({ text: notificationText(method, params), method });
  }

  /** Everything the server offers, asked in the name of `client`. */
  list(client: Pick<Client, 'info' | 'capabilities'>): Promise<Listing> {
    const { era } = this.agreement;
    const envelope = era === 'modern' ? { _meta: envelopeFor(client) } : {};
    return fetchListing(this.agreement, {
      ask: (method, params) => this.request(method, { ...params, ...envelope }),
      maxItems: this.#options.maxItems,
    });
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #linkEvents(): LinkEvents {
    const { server, events } = this.#options;
    return {
      message: (text, stream) => this.#peer.receive(text, stream),
      failed: (id, error) => void this.#peer.fail(id, error),
      odd: (what) => events.odd(what),
      closed: (error) => {
        this.#closed = true;
        this.#peer.failAll(
          error ??
            new ProxyError('DOWNSTREAM_FAILED', {
              message: `"${server}" was stopped.`,
              server,
              delivered: 'unknown',
            }),
        );
        for (const signal of this.#asked.values()) signal.cancel('the server is gone');
        events.closed(error);
      },
    };
  }

  #cancel(id: number, reason: string): void {
    const { server } = this.#options;
    const error = new ProxyError('CANCELLED', {
      message: `The call to "${server}" was cancelled: ${reason}.`,
      server,
      delivered: 'unknown',
    });
    if (!this.#peer.fail(id, error)) return;
    if (this.#link.abandon?.(id)) return;
    this.notify('notifications/cancelled', Json.of({ requestId: id, reason }));
  }

  #notified(method: string, params: Json, stream: StreamOf): void {
    if (method === 'notifications/cancelled') {
      const token = at(params.value, 'requestId');
      this.#asked
        .get(JSON.stringify(token) ?? '')
        ?.cancel(String(at(params.value, 'reason') ?? 'withdrawn by the server'));
      return;
    }
    this.#options.events.notification(
      method,
      params,
      stream === undefined ? undefined : this.#calls.get(stream),
    );
  }

  async #answer(id: IdText, method: string, params: Json, stream: StreamOf): Promise<void> {
    if (method === 'ping') return this.#reply(resultText(id, EMPTY_OBJECT));
    const signal = new Cancellation();
    this.#asked.set(id, signal);
    try {
      const call = stream === undefined ? undefined : this.#calls.get(stream);
      const onProgress = this.#progressBack(params);
      const result = await this.#options.events.question({ method, params, call, signal, onProgress });
      if (!signal.cancelled) this.#reply(resultText(id, result));
    } catch (error) {
      if (!signal.cancelled) this.#reply(errorText(id, errorForServer(error)));
    } finally {
      this.#asked.delete(id);
    }
  }

  /** Progress of a question travels back under the token that the server chose. */
  #progressBack(params: Json): ((params: Json) => void) | undefined {
    const token = at(params.value, '_meta', 'progressToken');
    if (typeof token !== 'string' && typeof token !== 'number') return undefined;
    const progressToken = JSON.stringify(token);
    return (progress) =>
      this.notify('notifications/progress', Json.fromText(editObject(progress.text, { progressToken })));
  }

  #reply(text: string): void {
    if (!this.#closed) this.#link.send({ text });
  }

  #invalid(message: Invalid): void {
    this.#options.events.odd(`a message that cannot be used: ${message.reason}`);
    if (message.answer || message.id === undefined) return;
    this.#reply(errorText(message.id, RpcError.of(message.code, message.reason).json));
  }
}

/** The envelope for requests that we make ourselves. */
export function envelopeFor(client: Pick<Client, 'info' | 'capabilities'>): JsonObject {
  return JSON.parse(editObject('{}', modernEnvelope({ ...client, logLevel: undefined }))) as JsonObject;
}

function errorForServer(error: unknown): Json {
  if (error instanceof RpcError) return error.json;
  if (!(error instanceof ProxyError)) throw error;
  const code = error.code === 'CLIENT_CANNOT' ? -32601 : -32603;
  return RpcError.of(code, error.message, error.data).json;
}
