/**
 * One live conversation with a downstream server, whatever carries it and whichever era it speaks.
 *
 * Restores the server's own names on the way out, keeps ids, progress and cancellation apart per call, and
 * turns the server's questions over to whoever may answer. Starting again is `downstream.ts`.
 */
import type { MessageText } from '../../json/elided.ts';
import { Answer } from '../../core/answer.ts';
import type { Call, Client, Era } from '../../core/call.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import {
  HEADER_MISMATCH,
  INTERNAL_ERROR,
  MISSING_CLIENT_CAPABILITY,
  ProxyError,
  RpcError,
  UNSUPPORTED_PROTOCOL_VERSION,
} from '../../core/errors.ts';
import { InFlight } from '../../protocol/in-flight.ts';
import { at, EMPTY_OBJECT, isObject, Json, type JsonObject, stringAt } from '../../json/json.ts';
import { editObject } from '../../json/edit.ts';
import type { Listing } from '../../core/listing.ts';
import type { EncodedMessage } from '../../json/message-text.ts';
import {
  batchTexts,
  encodeErrorText,
  type IdText,
  type Invalid,
  notificationText,
  requestText,
  encodeRequest,
  resultText,
  encodeResult,
} from '../../protocol/message.ts';
import { cancelledId, modernEnvelope, paramsForHop, progressTokenOf } from '../../protocol/params.ts';
import { type Hooks, ownId, Peer } from '../../protocol/peer.ts';
import type { Link, LinkEvents, OpenLink } from '../../transport/link.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { LatestWins } from '../rate-limits.ts';
import type { NamedRequest } from './header-fields.ts';
import { type Fetched, fetchListing, type Hello, type UndeclaredLists } from './pages.ts';
import { NO_PROGRESS, type Progress, SentCall, type SentCallEnds } from './sent-call.ts';

/** The id of our request on whose own stream a message came; `undefined` on streams that all share. */
export type StreamOf = number | undefined;

export interface ConnectionEvents {
  /** A request of the server's. The answer goes back through the returned promise. */
  question(question: IncomingQuestion): Promise<Json>;
  notification(method: string, params: Json, call: Call | undefined): void;
  odd(what: string, times?: number): void;
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
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly events: ConnectionEvents;
  /** Header fields that the server's tools want over modern HTTP, by its own tool name. */
  readonly headersFor: (request: NamedRequest) => [string, string][];
}

export interface ListOptions {
  /** What the server offered before. */
  readonly before: Listing | undefined;
  readonly undeclared?: UndeclaredLists;
  readonly signal: Cancellation;
}

export interface Agreement extends Hello {
  readonly era: Era;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #peer: Peer<StreamOf>;
  readonly #link: Link;
  readonly #calls = new InFlight<Call>();
  readonly #asked = new Map<IdText, Cancellation>();
  #agreement: Agreement | undefined;
  #heard = 0;
  /** The list that it answered with the fewest characters. */
  #answered: { readonly method: string; readonly length: number } | undefined;
  readonly #whenEnded: (() => void)[] = [];
  /** What ended it. */
  #end: ProxyError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#peer = new Peer<StreamOf>({
      name: `"${options.server}"`,
      server: options.server,
      maxDepth: options.limits.depth,
      maxValues: options.limits.values,
      events: {
        request: (id, method, params, stream) => void this.#answer(id, method, params, stream),
        notification: (method, params, stream) => this.#notified(method, params, stream),
        invalid: (message, stream) => this.#invalid(message, stream),
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
    return this.#end !== undefined;
  }

  /** What is known of why no answer comes, as whole sentences. */
  get whySilent(): string {
    return this.#link.whySilent?.() ?? '';
  }

  agree(agreement: Agreement): void {
    this.#agreement = agreement;
    this.#link.agreed?.(agreement.protocolVersion);
  }

  /** Sends one call on, under the name the server gave. @param again in a new session, after one that was lost. */
  call(call: Call, again = false): Answer {
    if (this.#end) return Answer.failed(this.#tooLate(this.#end));
    if (call.signal.cancelled) return Answer.failed(this.#unwanted(call.signal.reason));
    const id = this.#peer.nextId();
    const { era } = this.agreement;
    const { method, name } = call;
    const progressToken = call.onProgress ? id : undefined;
    const { client, idempotencyKey } = call;
    const params = paramsForHop(call.params, { method, name, client, era, progressToken, idempotencyKey });
    const progress = this.#progressOf(call);
    const answer = this.#peer.answerTo(id, progress);
    this.#calls.set(id, call);
    const sent = new SentCall(call, id, progress, this.#ends);
    this.#link.send({
      text: encodeRequest(id, method, params),
      id,
      method,
      headers:
        era === 'modern'
          ? this.#options.headersFor({ method, name, params, headers: call.headers })
          : undefined,
      again,
    });
    call.signal.link(sent);
    return answer.through(sent);
  }

  readonly #ends: SentCallEnds = {
    cancelled: (id, reason) => this.#cancel(id, reason),
    over: (id) => void this.#calls.delete(id),
    translated: (error) => this.#translated(error),
  };

  #unwanted(reason = ''): ProxyError {
    const { server } = this.#options;
    const message = `The call to "${server}" was cancelled before it was sent: ${reason}.`;
    return new ProxyError('CANCELLED', { message, server, delivered: false });
  }

  /** Progress as it comes; in a flood the newest, from time to time. */
  #progressOf({ onProgress }: Call): Progress {
    if (!onProgress) return NO_PROGRESS;
    let newest: LatestWins<Json> | undefined;
    return {
      onProgress: (params) => {
        newest ??= new LatestWins({
          perSecond: this.#options.limits.progressPerSecond,
          clock: this.#options.clock,
          pass: onProgress,
          leftOut: (count) => this.#options.events.odd('progress in a flood of it', count),
        });
        newest.push(params);
      },
      flush: () => newest?.flush(),
      stop: () => newest?.stop(),
    };
  }

  /** Three of a server's errors speak of our hop and not of the client's call. */
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
    if (error.code === HEADER_MISMATCH && this.agreement.era === 'modern') {
      const message = `"${server}" refused the header fields of the request: ${error.message}`;
      return new ProxyError('PROTOCOL_ERROR', { message, server, delivered: false, cause: error });
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
  ): Answer {
    // It may have ended while the greeting was waited for: nobody would answer.
    if (this.#end) return Answer.failed(this.#tooLate(this.#end));
    const id = this.#peer.nextId();
    const answer = this.#peer.answerTo(id, hooks);
    const json = params && Json.of(params);
    this.#link.send({
      text: requestText(id, method, json),
      id,
      method,
      headers:
        this.#agreement?.era === 'modern'
          ? this.#options.headersFor({ method, name: '', params: json ?? EMPTY_OBJECT })
          : undefined,
    });
    hooks.signal?.onCancel((reason) => this.#cancel(id, reason));
    return answer;
  }

  notify(method: string, params?: Json): void {
    if (!this.#end) this.#link.send({ text: notificationText(method, params), method });
  }

  /** Everything the server offers, asked in the name of `client`. */
  list(client: Pick<Client, 'info' | 'capabilities'>, options: ListOptions): Promise<Fetched> {
    const { era } = this.agreement;
    const envelope = era === 'modern' ? { _meta: envelopeFor(client) } : {};
    return fetchListing(this.agreement, {
      ask: async (method, params) => {
        const { signal } = options;
        const result = await this.request(method, { ...params, ...envelope }, { signal });
        this.#rememberAnswered(method, result.length);
        return result;
      },
      before: options.before,
      ...(options.undeclared && { undeclared: options.undeclared }),
      maxItems: this.#options.limits.tools,
      maxPages: this.#options.limits.pages,
      maxBytes: this.#options.limits.listBytes,
    });
  }

  /** Asks for a sign of life: any answer is one. @throws ProxyError where none came. */
  probe(client: Pick<Client, 'info' | 'capabilities'>, signal: Cancellation): Promise<void> {
    // The modern family has no ping; `server/discover` is the smallest thing that every server of it answers.
    const method = this.agreement.era === 'modern' ? 'server/discover' : 'ping';
    return this.#signOfLife(method, client, signal);
  }

  async #signOfLife(
    method: string,
    client: Pick<Client, 'info' | 'capabilities'>,
    signal: Cancellation,
  ): Promise<void> {
    const params = this.agreement.era === 'modern' ? { _meta: envelopeFor(client) } : undefined;
    try {
      await this.request(method, params, { signal });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }

  #rememberAnswered(method: string, length: number): void {
    if (length < (this.#answered?.length ?? Infinity)) this.#answered = { method, length };
  }

  /** As `probe`, with what it has answered before; `undefined` where there is no such thing. */
  probeOtherwise(
    client: Pick<Client, 'info' | 'capabilities'>,
    signal: Cancellation,
  ): Promise<void> | undefined {
    if (!this.#answered) return undefined;
    return this.#signOfLife(this.#answered.method, client, signal);
  }

  /** Counts whatever comes from the server. */
  get heard(): number {
    return this.#heard;
  }

  /** Waits for its end, at most so long. */
  async ended(ms: number): Promise<void> {
    if (this.#end) return;
    await new Promise<void>((resolve) => {
      const stop = this.#options.clock.after(ms, resolve);
      this.#whenEnded.push(() => {
        stop();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #linkEvents(): LinkEvents {
    const { server, events } = this.#options;
    return {
      message: (text, stream) => this.#received(text, stream),
      failed: (id, error) => void this.#peer.fail(id, error),
      odd: (what) => events.odd(what),
      closed: (error) => {
        this.#end =
          error ??
          new ProxyError('DOWNSTREAM_FAILED', {
            message: `"${server}" was stopped.`,
            server,
            delivered: 'unknown',
          });
        this.#peer.failAll(this.#end);
        for (const told of this.#whenEnded) told();
        for (const signal of this.#asked.values()) signal.cancel('the server is gone');
        events.closed(error);
      },
    };
  }

  /** One revision of the legacy family has batches. */
  #received(text: MessageText, stream: StreamOf): void {
    this.#heard++;
    const texts = batchTexts(text, this.#options.limits.values);
    if (texts === undefined) this.#peer.receive(text, stream);
    else for (const one of texts) this.#peer.receive(one, stream);
  }

  #tooLate({ message }: ProxyError): ProxyError {
    const { server } = this.#options;
    return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false });
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
      const asked = this.#asked.get(cancelledId(params));
      if (asked) asked.cancel(stringAt(params.value, 'reason') ?? 'withdrawn by the server');
      else this.#endListening(cancelledId(params));
      return;
    }
    this.#options.events.notification(
      method,
      params,
      stream === undefined ? undefined : this.#calls.get(stream),
    );
  }

  /** A modern server asks nothing: what it cancels is a stream that we listen to. */
  #endListening(idText: IdText): void {
    const id = ownId(idText);
    if (this.#agreement?.era !== 'modern' || this.#calls.get(id)) return;
    const { server } = this.#options;
    const message = `"${server}" ended the subscription.`;
    this.#peer.fail(id, new ProxyError('DOWNSTREAM_FAILED', { message, server, delivered: true }));
  }

  async #answer(id: IdText, method: string, params: Json, stream: StreamOf): Promise<void> {
    if (method === 'ping') return this.#reply(resultText(id, EMPTY_OBJECT));
    const { questions } = this.#options.limits;
    if (this.#asked.size >= questions) {
      this.#options.events.odd(`a question beyond ${questions} open ones (limits.questions)`);
      return this.#reply(encodeErrorText(id, RpcError.of(INTERNAL_ERROR, 'Too many open questions').json));
    }
    const signal = new Cancellation();
    this.#asked.set(id, signal);
    try {
      const call = stream === undefined ? undefined : this.#calls.get(stream);
      const onProgress = this.#progressBack(params);
      const result = await this.#options.events.question({ method, params, call, signal, onProgress });
      if (!signal.cancelled) this.#reply(encodeResult(id, result));
    } catch (error) {
      if (!signal.cancelled) this.#reply(encodeErrorText(id, errorForServer(error)));
    } finally {
      this.#asked.delete(id);
    }
  }

  /** Progress of a question travels back under the token that the server chose. */
  #progressBack(params: Json): ((params: Json) => void) | undefined {
    const progressToken = progressTokenOf(params);
    if (progressToken === undefined) return undefined;
    return (progress) =>
      this.notify(
        'notifications/progress',
        progress.edit((text) => editObject(text, { progressToken })),
      );
  }

  #reply(text: EncodedMessage): void {
    if (!this.#end) this.#link.send({ text });
  }

  #invalid(message: Invalid, stream: StreamOf): void {
    this.#options.events.odd(`a message that cannot be used: ${message.reason}`);
    const unaddressed = message.answer || message.id === undefined;
    // On a call's own stream it can only be meant for that call, unless it is a notification.
    if (stream !== undefined && unaddressed && !message.hasMethod && this.#peer.failUnusable(stream, message))
      this.#link.abandon?.(stream);
    if (message.answer || message.id === undefined) return;
    this.#reply(encodeErrorText(message.id, RpcError.of(message.code, message.reason).json));
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
