/**
 * One POST to the server and its answer, in any of three forms: JSON, an event stream, or an error. A stream of a legacy
 * server that breaks off is taken up again.
 */
import { type MessageText, wholeText } from '../../json/elided.ts';
import type { Era } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import type { ProxyError } from '../../core/errors.ts';
import { editObject } from '../../json/edit.ts';
import type { Authorization } from '../authorization.ts';
import type { StreamEvent } from '../sse/event-stream.ts';
import { batchIn, isAnswerTo, rpcErrorIn, speaksForItself } from './response-body.ts';
import {
  badResponse,
  endpointNamed,
  redirectError,
  sessionLost,
  tooLargeError,
  transportError,
} from './errors.ts';
import { ResponseExchange, type Reading, type Receiver, type ExchangeFailure } from './exchange.ts';
import { bodyKindOf } from './headers.ts';
import type { LostSession } from './lost-session.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { RequestCredentials } from './request-credentials.ts';
import type { RequestEncoder } from './request-headers.ts';
import { StreamResumption } from './stream-resumption.ts';
import { statusError } from './status-error.ts';
import type { Outgoing } from '../link.ts';

/** The link, as one of its requests sees it. */
export interface PostRequestOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly era: Era;
  readonly messageBytes: number;
  readonly clock: Clock;
  readonly authorization: Authorization | undefined;
  readonly lostSession: LostSession;
  message(text: MessageText, origin: number | undefined): void;
  /** The message is being written, or never will be. */
  left(post: PostRequest): void;
  /** Nothing more will come of it. Called exactly once, unless the request was cancelled. */
  finished(post: PostRequest, error: ProxyError | undefined): void;
  odd(what: string): void;
  sessionOpened(session: string): void;
  sessionLost(): void;
}

/** An answer may be one batch (2025-03-26); nobody sends larger ones. */
const MAX_BATCH = 1000;
/** A server that has answered should end its stream; one that does not is given this long. */
const LINGER_MS = 5000;
/** An error's status is known; its body is not worth a longer wait. */
const ERROR_BODY_MS = 2000;

/** Characters of an error that is looked at. */
const LONGEST_ERROR = 4096;

/** Requests that open a connection. */
const OPENING: ReadonlySet<string> = new Set(['initialize', 'server/discover']);

export class PostRequest implements Receiver {
  readonly outgoing: Outgoing;
  /** The message may have been written. */
  sent = false;
  readonly #owner: PostRequestOwner;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #inSession: boolean;
  #exchange: ResponseExchange | undefined;
  #status = 0;
  #responseHeaders: ResponseHeaders = {};
  #contentType = '';
  #reading: Reading = 'nothing';
  #answered = false;
  /** A message came of it. */
  #delivered = false;
  #abandoned = false;
  #over = false;
  #cancelTimer: (() => void) | undefined;
  #resuming = false;
  readonly #resumption = new StreamResumption();
  readonly #credentials: RequestCredentials;

  constructor(owner: PostRequestOwner, outgoing: Outgoing) {
    this.#owner = owner;
    this.outgoing = outgoing;
    this.#credentials = new RequestCredentials(owner);
    this.#inSession = owner.wire.session !== undefined;
    const headers = outgoing.headers ?? [];
    const { method } = outgoing;
    this.#headers =
      owner.era === 'modern' && method !== undefined ? [['mcp-method', method], ...headers] : headers;
  }

  get id(): number | undefined {
    return this.outgoing.id;
  }

  send(): void {
    this.#credentials.whenReady({ send: () => this.#write(), fail: (error) => this.#finish(error) });
  }

  #write(): void {
    if (this.#over) return;
    this.#credentials.written();
    this.#exchange = new ResponseExchange(this, this.#owner.messageBytes);
    this.#owner.wire.post(this.#exchange, {
      body: this.outgoing.text,
      path: this.#owner.wire.path,
      headers: this.#headers,
      aside: this.id === undefined,
    });
  }

  /** Ends the request at any point; nothing is told any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer?.();
    this.#exchange?.cancel();
  }

  /**
   * Legacy: nobody waits for the answer any more. In that era a broken stream is no cancellation, so the
   * server gets a while to hear of the cancellation and to end the stream itself.
   */
  letGo(graceMs: number): void {
    this.#abandoned = true;
    this.#endLater(graceMs);
  }

  sending(): void {
    if (this.sent) return;
    this.sent = true;
    this.#owner.left(this);
  }

  head(status: number, headers: ResponseHeaders): Reading {
    this.#status = status;
    this.#responseHeaders = headers;
    this.#reading = this.#readingOf(status, headers);
    return this.#reading;
  }

  event({ data, type }: StreamEvent): void {
    this.#resumption.progressed();
    if (type === 'endpoint' && OPENING.has(this.outgoing.method ?? '')) {
      this.#finish(endpointNamed(this.#owner.server));
      return;
    }
    // An empty event only carries its id; MCP's messages have no type, or the default one.
    if (data === '' || (type !== '' && type !== 'message')) return;
    this.#deliver(data);
    if (this.#answered && this.#cancelTimer === undefined && !this.#over) this.#endLater(LINGER_MS);
  }

  retry(ms: number): void {
    this.#resumption.retryMs = ms;
  }

  complete(text: MessageText): void {
    if (this.#over) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#abandoned) {
      this.#finish();
      return;
    }
    if (this.#status < 200 || this.#status > 299) {
      if (this.#status >= 300 && this.#status < 400)
        this.#finish(redirectError(this.#owner.server, this.#responseHeaders));
      else if (this.#resuming) this.#resumeRefused();
      else this.#refused(wholeText(text));
      return;
    }
    if (this.#reading === 'events') this.#streamEnded(undefined);
    else if (this.id === undefined || this.#answered) this.#finish();
    else if (this.#reading === 'text') this.#wholeAnswer(text);
    else if (this.#reading === 'start')
      this.#finish(this.#bad(`answered with ${this.#contentType} instead of JSON or an event stream`));
    else this.#finish(this.#bad(`took the request, but sent no answer (HTTP ${this.#status})`));
  }

  broke(trouble: ExchangeFailure, error: Error, sent: boolean): void {
    if (this.#over) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { server, messageBytes } = this.#owner;
    if (this.#answered || this.#abandoned) this.#finish();
    else if (trouble === 'too large') this.#finish(tooLargeError(server, messageBytes));
    else if (trouble === 'encoding')
      this.#finish(this.#bad('answered in a content encoding that cannot be read'));
    else if (this.#status >= 400 && !this.#resuming) this.#refused('');
    else this.#streamEnded(transportError(server, error, sent || this.#resuming));
  }

  #readingOf(status: number, headers: ResponseHeaders): Reading {
    if (status >= 300 && status < 400) return 'nothing';
    if (status > 299) {
      this.#endLater(ERROR_BODY_MS);
      return 'start';
    }
    if (this.outgoing.method === 'initialize') this.#takeSession(headers);
    if (status === 202 || status === 204) return 'nothing';
    const { mediaType: type } = bodyKindOf(headers);
    if (type === 'text/event-stream') return 'events';
    if (this.id === undefined) return 'nothing';
    // Some servers forget to name what they send; what it is shows soon enough.
    if (type === 'application/json' || type === '') return 'text';
    this.#contentType = /^[\w.+/-]{1,60}$/.test(type) ? `"${type}"` : 'something';
    return 'start';
  }

  #takeSession(headers: ResponseHeaders): void {
    const session = headers['mcp-session-id'];
    if (this.#owner.era === 'modern' || session === undefined) return;
    if (typeof session === 'string' && /^[\x21-\x7e]{1,4096}$/.test(session))
      this.#owner.sessionOpened(session);
    else this.#owner.odd('a session id that is not visible ASCII');
  }

  #wholeAnswer(text: MessageText): void {
    if (text === '') {
      this.#finish(this.#bad('answered with an empty body'));
      return;
    }
    this.#deliver(text);
    // Failing a request that is answered does nothing: this is for a body that answers something else.
    this.#finish(this.#answered ? undefined : this.#bad('sent a body that does not answer the request'));
  }

  #deliver(text: MessageText): void {
    const { id } = this;
    if (this.#saysSessionLost(text)) {
      this.#sessionLost();
      return;
    }
    this.#delivered = true;
    const batch = this.#owner.era === 'legacy' ? batchIn(text) : undefined;
    if (batch && batch.length > MAX_BATCH)
      this.#finish(this.#bad(`sent a batch of more than ${MAX_BATCH} messages`));
    else
      for (const message of batch ?? [text]) {
        if (id !== undefined && isAnswerTo(message, id)) this.#answered = true;
        this.#owner.message(message, id);
      }
  }

  /** An error with the status 200, before anything else was said. Errors are short, and most answers are none. */
  #saysSessionLost(text: MessageText): boolean {
    if (typeof text !== 'string' || text.length > LONGEST_ERROR || !text.includes('"error"')) return false;
    const { era, lostSession } = this.#owner;
    if (era === 'modern' || !this.#inSession || this.#delivered || this.id === undefined) return false;
    const answered = rpcErrorIn(text)?.id;
    if (answered !== this.id && answered !== null) return false;
    return lostSession.isMeant(200, text, this.outgoing);
  }

  #streamEnded(error: ProxyError | undefined): void {
    if (this.id === undefined || this.#answered) {
      this.#finish(this.#answered ? undefined : error);
      return;
    }
    const resumption = this.#resumption;
    resumption.lastEventId = this.#exchange?.lastEventId ?? resumption.lastEventId;
    if (this.#owner.era === 'modern' || resumption.lastEventId === undefined) {
      this.#finish(error ?? this.#bad('ended its event stream without the answer'));
      return;
    }
    if (resumption.isExhausted) {
      this.#finish(error ?? this.#bad('ended its event stream again and again without the answer'));
      return;
    }
    this.#cancelTimer = this.#owner.clock.after(resumption.nextPauseMs(), () => {
      this.#cancelTimer = undefined;
      this.#resume();
    });
  }

  #resume(): void {
    this.#resuming = true;
    this.#status = 0;
    this.#exchange = new ResponseExchange(this, this.#owner.messageBytes);
    this.#owner.wire.get(this.#exchange, this.#owner.wire.path, this.#resumption.lastEventId, false);
  }

  #resumeRefused(): void {
    const status = this.#status;
    if (status === 429 || status >= 500) {
      this.#streamEnded(
        this.#bad(`broke off its event stream and answered HTTP ${status} to the attempt to take it up`),
      );
      return;
    }
    this.#finish(this.#bad(`broke off its event stream and does not take it up again (HTTP ${status})`));
    if (status === 404 && this.#inSession) this.#owner.sessionLost();
  }

  /** A status of 400 and above. */
  #refused(text: string): void {
    const { server, era } = this.#owner;
    const status = this.#status;
    const again = { send: () => this.send(), fail: (error: ProxyError) => this.#finish(error) };
    if (this.#credentials.renewed(status, this.#responseHeaders, again)) return;
    if (era === 'legacy' && this.#inSession && this.#owner.lostSession.isMeant(status, text, this.outgoing)) {
      this.#sessionLost();
      return;
    }
    const answer = rpcErrorIn(text);
    if (this.id !== undefined && answer !== undefined && speaksForItself(status, answer, this.id)) {
      this.#answered = true;
      this.#owner.message(answer.id === this.id ? text : editObject(text, { id: String(this.id) }), this.id);
      this.#finish();
      return;
    }
    this.#finish(statusError(server, status, this.#responseHeaders, this.#owner.wire.purged(text)));
  }

  #sessionLost(): void {
    this.#finish(sessionLost(this.#owner.server));
    this.#owner.sessionLost();
  }

  #bad(says: string): ProxyError {
    return badResponse(this.#owner.server, says);
  }

  #endLater(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#owner.clock.after(ms, () => {
      this.#exchange?.cancel();
      this.complete('');
    });
  }

  #finish(error?: ProxyError): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer?.();
    this.#exchange?.cancel();
    this.#owner.finished(this, error);
  }
}
