/**
 * One connection to a downstream server, over any transport and in either era.
 *
 * Restores the server's own names on the way out, and keeps ids, progress and cancellation apart for each call. The
 * server's questions are `server-requests.ts`; starting again is `../lifecycle.ts`.
 */
import type { MessageText } from '../../json/elided.ts';
import { Answer } from '../../core/answer.ts';
import type { Call } from '../../core/call.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import type { Clock } from '../../core/clock.ts';
import { type ProxyError, RpcError } from '../../core/errors.ts';
import { InFlight } from '../../protocol/in-flight.ts';
import { EMPTY_OBJECT, Json, type JsonObject, stringAt } from '../../json/json.ts';
import type { EncodedMessage } from '../../json/message-text.ts';
import {
  batchTexts,
  encodeErrorText,
  type IdText,
  type Invalid,
  notificationText,
  requestText,
  encodeRequest,
} from '../../protocol/message.ts';
import { cancelledId, paramsForHop } from '../../protocol/params.ts';
import { type Hooks, ownId, Peer } from '../../protocol/peer.ts';
import type { Link, LinkEvents, OpenLink } from '../../transport/link.ts';
import {
  cancelledUnderWay,
  cancelledUnsent,
  connectionGone,
  stopped,
  subscriptionEnded,
  translatedError,
} from './connection-errors.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { NamedRequest } from './header-fields.ts';
import { OwnRequests } from './own-requests.ts';
import type { Agreement } from './pages.ts';
import { type IncomingQuestion, ServerRequests } from './server-requests.ts';
import { NO_PROGRESS, type Progress, SentCall, type SentCallEnds, throttledProgress } from './sent-call.ts';

/** The id of our request on whose own stream a message came; `undefined` on streams that all requests share. */
export type StreamOf = number | undefined;

export interface ConnectionEvents {
  /** A request of the server; the promise settles with the answer. */
  question(question: IncomingQuestion): Promise<Json>;
  notification(method: string, params: Json, call: Call | undefined): void;
  odd(what: string, times?: number): void;
  closed(error: ProxyError | undefined): void;
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

export class Connection {
  /** The proxy's own requests: lists and signs of life. */
  readonly own: OwnRequests;
  readonly #options: ConnectionOptions;
  readonly #peer: Peer<StreamOf>;
  readonly #link: Link;
  readonly #calls = new InFlight<Call>();
  readonly #serverRequests: ServerRequests;
  #agreement: Agreement | undefined;
  #heard = 0;
  readonly #whenEnded: (() => void)[] = [];
  /** The reason of the connection's end, once it has ended. */
  #end: ProxyError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#serverRequests = new ServerRequests({
      most: options.limits.questions,
      answer: (question) => options.events.question(question),
      reply: (text) => this.#reply(text),
      notify: (method, params) => this.notify(method, params),
      odd: (what) => options.events.odd(what),
    });
    this.own = new OwnRequests({
      agreement: () => this.agreement,
      request: (method, params, signal) => this.request(method, params, { signal }),
      limits: options.limits,
    });
    this.#peer = new Peer<StreamOf>({
      name: `"${options.server}"`,
      server: options.server,
      maxDepth: options.limits.depth,
      maxValues: options.limits.values,
      events: {
        request: (id, method, params, stream) =>
          void this.#serverRequests.receive(id, method, params, this.#callOn(stream)),
        notification: (method, params, stream) => this.#notified(method, params, stream),
        invalid: (message, stream) => this.#invalid(message, stream),
        stray: (what) => options.events.odd(what),
      },
    });
    this.#link = options.open(this.#linkEvents());
  }

  get agreement(): Agreement {
    if (this.#agreement === undefined) throw new Error('the handshake is not over yet');
    return this.#agreement;
  }

  /** The calls under way, oldest first. */
  get calls(): Iterable<Call> {
    return this.#calls.values();
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** The known reasons why no answer comes, as whole sentences. */
  get whySilent(): string {
    return this.#link.whySilent?.() ?? '';
  }

  agree(agreement: Agreement): void {
    this.#agreement = agreement;
    this.#link.agreed?.(agreement.protocolVersion);
  }

  /** Sends one call on, under the name that the server gave. @param again in a new session, after one that was lost. */
  call(call: Call, again = false): Answer {
    if (this.#end) return Answer.failed(connectionGone(this.#options.server, this.#end));
    if (call.signal.cancelled)
      return Answer.failed(cancelledUnsent(this.#options.server, call.signal.reason));
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
    translated: (error) => translatedError(error, this.#options.server, this.agreement.era),
  };

  #progressOf({ onProgress }: Call): Progress {
    if (!onProgress) return NO_PROGRESS;
    const { limits, events, clock } = this.#options;
    const leftOut = (count: number): void => events.odd('progress in a flood of it', count);
    return throttledProgress(onProgress, { perSecond: limits.progressPerSecond, clock, leftOut });
  }

  /** A request of our own: handshake, lists, subscriptions. */
  request(
    method: string,
    params: JsonObject | undefined,
    hooks: Hooks & { signal?: Cancellation } = {},
  ): Answer {
    // The connection may have ended while the handshake was waited for: nobody would answer.
    if (this.#end) return Answer.failed(connectionGone(this.#options.server, this.#end));
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

  /** The number of messages that came from the server. */
  get heard(): number {
    return this.#heard;
  }

  /** Waits for the connection's end, at most so long. */
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
        this.#end = error ?? stopped(server);
        this.#peer.failAll(this.#end);
        for (const told of this.#whenEnded) told();
        this.#serverRequests.withdrawAll('the server is gone');
        events.closed(error);
      },
    };
  }

  /** One revision of the legacy era has batches. */
  #received(text: MessageText, stream: StreamOf): void {
    this.#heard++;
    const texts = batchTexts(text, this.#options.limits.values);
    if (texts === undefined) this.#peer.receive(text, stream);
    else for (const one of texts) this.#peer.receive(one, stream);
  }

  #cancel(id: number, reason: string): void {
    if (!this.#peer.fail(id, cancelledUnderWay(this.#options.server, reason))) return;
    if (this.#link.abandon?.(id)) return;
    this.notify('notifications/cancelled', Json.of({ requestId: id, reason }));
  }

  #notified(method: string, params: Json, stream: StreamOf): void {
    if (method === 'notifications/cancelled') {
      const id = cancelledId(params);
      const reason = stringAt(params.value, 'reason') ?? 'withdrawn by the server';
      if (!this.#serverRequests.withdraw(id, reason)) this.#endListening(id);
      return;
    }
    this.#options.events.notification(method, params, this.#callOn(stream));
  }

  /** A modern server asks nothing: what it cancels is a stream that the proxy listens to. */
  #endListening(idText: IdText): void {
    const id = ownId(idText);
    if (this.#agreement?.era !== 'modern' || this.#calls.get(id)) return;
    this.#peer.fail(id, subscriptionEnded(this.#options.server));
  }

  #callOn(stream: StreamOf): Call | undefined {
    return stream === undefined ? undefined : this.#calls.get(stream);
  }

  #reply(text: EncodedMessage): void {
    if (!this.#end) this.#link.send({ text });
  }

  #invalid(message: Invalid, stream: StreamOf): void {
    this.#options.events.odd(`a message that cannot be used: ${message.reason}`);
    const unaddressed = message.answer || message.id === undefined;
    // On a call's own stream the message can only be meant for that call, unless it is a notification.
    if (stream !== undefined && unaddressed && !message.hasMethod && this.#peer.failUnusable(stream, message))
      this.#link.abandon?.(stream);
    if (message.answer || message.id === undefined) return;
    this.#reply(encodeErrorText(message.id, RpcError.of(message.code, message.reason).json));
  }
}
