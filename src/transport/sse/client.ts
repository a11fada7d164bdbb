/**
 * The link to a server that speaks HTTP with SSE (2024-11-05): one stream brings everything, and messages go
 * to the address that its first event names.
 *
 * The stream is the session: when it ends, the link has ended.
 */
import { type MessageText, wholeText } from '../../json/elided.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { lengthOf } from '../../json/message-text.ts';
import { type Authorization, MAX_REFUSALS, wantsOtherCredentials } from '../authorization.ts';
import type { StreamEvent } from './event-stream.ts';
import type { ProxyVariables } from '../http-client/dispatcher.ts';
import {
  badResponse,
  redirectError,
  SessionLost,
  statusError,
  tooLargeError,
  transportError,
  withoutCredentials,
} from '../http-client/errors.ts';
import {
  ResponseExchange,
  type Reading,
  type Receiver,
  type ExchangeFailure,
} from '../http-client/exchange.ts';
import { bodyKindOf, headerOf } from '../http-client/headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { RequestEncoder, type Headers } from '../http-client/request-headers.ts';
import { badAddress, failedLink } from '../failed-link.ts';
import type { Link, LinkEvents, LinkLimits, OpenLink, Outgoing } from '../link.ts';
import type { Oversized } from '../../json/oversized.ts';
import { SsePost, type SsePostOwner } from './post.ts';

export interface SseOptions {
  /** Where the stream is; a user and password in it become a Basic login. */
  readonly url: string;
  /** Sent with every request. A function where they change over time: let it return the same object until they do. */
  readonly headers?: Headers | (() => Headers) | undefined;
  /** Where there is one, its header fields are sent instead. */
  readonly authorization?: Authorization | undefined;
  /** The server's name, for messages. */
  readonly describe: string;
  readonly limits: LinkLimits;
  /** Until the stream is open and has named the address for messages. */
  readonly connectTimeoutMs: number;
  /** Where `HTTP_PROXY` and its kin are looked up; without it there is no HTTP proxy. */
  readonly env?: ProxyVariables | undefined;
  readonly clock?: Clock | undefined;
}

/** Not for ever, though. */
const INITIALIZED_MS = 5000;

export function openSse(options: SseOptions): OpenLink {
  return (events) => {
    try {
      return new SseClient(options, events);
    } catch (error) {
      return failedLink(events, badAddress(options.describe, error));
    }
  };
}

class SseClient implements Link, Receiver, SsePostOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly #url: URL;
  readonly #limits: LinkLimits;
  readonly #events: LinkEvents;
  readonly authorization: Authorization | undefined;
  #stream: ResponseExchange;
  /** What the stream was asked for with, and how often that was refused. */
  #credentials: Headers | undefined;
  #refusals = 0;
  readonly #posts = new Set<SsePost>();
  readonly #clock: Clock;
  #cancelTimer: () => void;
  /** What waits for the endpoint, or for `#first` to have arrived. */
  readonly #held: SsePost[] = [];
  #first: SsePost | undefined;
  /** Where messages go; not known before the first event. */
  #endpoint: string | undefined;
  #waitingBytes = 0;
  #status = 0;
  #headers: ResponseHeaders = {};
  #over = false;
  #closing: Promise<void> | undefined;

  /** @throws TypeError where the address is none. */
  constructor(options: SseOptions, events: LinkEvents) {
    const { authorization, connectTimeoutMs, env = {}, clock = systemClock } = options;
    const headers = authorization ? () => authorization.headers() : (options.headers ?? {});
    this.authorization = authorization;
    this.#url = new URL(options.url);
    this.#limits = options.limits;
    this.#events = events;
    this.server = options.describe;
    this.wire = new RequestEncoder({ url: this.#url, headers, connectTimeoutMs, env });
    this.#stream = new ResponseExchange(this, options.limits.messageBytes);
    this.#clock = clock;
    this.#cancelTimer = clock.after(connectTimeoutMs, () => {
      if (this.#endpoint === undefined) this.#end(this.#unavailable('did not open its event stream in time'));
    });
    // In a later turn, for an invalid header field may be told of at once.
    queueMicrotask(() => this.#open());
  }

  send(message: Outgoing): void {
    const refusal = this.#refusal(message);
    if (refusal) {
      queueMicrotask(() => this.#fail(message.id, refusal));
      return;
    }
    const post = new SsePost(this, message);
    this.#posts.add(post);
    this.#waitingBytes += lengthOf(message.text);
    this.#held.push(post);
    this.#release();
  }

  agreed(protocolVersion: string): void {
    this.wire.version = protocolVersion;
  }

  close(): Promise<void> {
    this.#end(undefined);
    return this.#closing ?? Promise.resolve();
  }

  left(post: SsePost): void {
    this.#waitingBytes -= lengthOf(post.outgoing.text);
  }

  finished(post: SsePost, error: ProxyError | undefined): void {
    if (!this.#posts.delete(post)) return;
    if (!post.sent) this.left(post);
    if (post === this.#first) this.#firstArrived();
    if (error) queueMicrotask(() => this.#refused(post.outgoing.id, error));
  }

  #refused(id: number | undefined, error: ProxyError): void {
    this.#fail(id, error);
    if (!(error.cause instanceof SessionLost)) return;
    const { server } = this;
    const message = `"${server}" no longer knows the session: session lost.`;
    this.#end(new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: 'unknown' }));
  }

  message(text: MessageText): void {
    if (!this.#over) this.#events.message(text);
  }

  sending(): void {}

  head(status: number, headers: ResponseHeaders): Reading {
    this.#status = status;
    this.#headers = headers;
    if (status !== 200) return 'start';
    return bodyKindOf(headers).mediaType === 'text/event-stream' ? 'events' : 'nothing';
  }

  event({ data, type }: StreamEvent): void {
    if (type === 'endpoint') this.#endpointNamed(wholeText(data));
    else if (data !== '' && (type === '' || type === 'message')) this.message(data);
  }

  retry(): void {}

  oversized({ id, hasMethod }: Oversized): void {
    if (typeof id === 'number' && !hasMethod)
      this.#events.failed(id, tooLargeError(this.server, this.#limits.messageBytes));
    else this.#events.odd('a message over the size limit that answers no request');
  }

  complete(text: MessageText): void {
    if (this.#status >= 300 && this.#status < 400) this.#end(redirectError(this.server, this.#headers));
    else if (this.#status !== 200) {
      if (!this.#openedAgain())
        this.#end(statusError(this.server, this.#status, this.#headers, this.wire.purged(wholeText(text))));
    } else if (this.#endpoint === undefined)
      this.#end(this.#unavailable('offers no event stream of the kind of 2024-11-05'));
    else this.#end(badResponse(this.server, 'ended its event stream'));
  }

  broke(trouble: ExchangeFailure, error: Error, sent: boolean): void {
    if (trouble === 'encoding')
      this.#end(badResponse(this.server, 'answered in a content encoding that cannot be read'));
    else this.#end(transportError(this.server, error, sent));
  }

  #open(): void {
    const wait = this.authorization?.pending();
    if (wait)
      wait.then(
        () => this.#get(),
        (error: unknown) => this.#end(withoutCredentials(error, this.server)),
      );
    else this.#get();
  }

  #get(): void {
    if (this.#over) return;
    this.#credentials = this.authorization?.headers();
    this.wire.get(this.#stream, this.wire.path, undefined, true);
  }

  /** Refused for want of other credentials: asks once more where they can be had. */
  #openedAgain(): boolean {
    const challenge = headerOf(this.#headers, 'www-authenticate')?.slice(0, 4096);
    if (!this.authorization || !this.#credentials || this.#refusals === MAX_REFUSALS) return false;
    if (!wantsOtherCredentials(this.#status, challenge)) return false;
    const again = this.#refusals++ > 0;
    const refusal = { status: this.#status, challenge, sent: this.#credentials, again };
    this.#stream = new ResponseExchange(this, this.#limits.messageBytes);
    this.authorization.refused(refusal).then(
      () => this.#open(),
      (error: unknown) => this.#end(withoutCredentials(error, this.server)),
    );
    return true;
  }

  #endpointNamed(named: string): void {
    if (this.#endpoint !== undefined) {
      this.#events.odd('a second address for messages');
      return;
    }
    const target = URL.canParse(named, this.#url.href) ? new URL(named, this.#url) : undefined;
    if (target?.origin !== this.#url.origin) {
      this.#end(
        this.#unavailable(
          'names an address for messages that is not on its own origin; it is refused, for credentials would go there',
        ),
      );
      return;
    }
    this.#endpoint = target.pathname + target.search;
    this.#cancelTimer();
    this.#release();
  }

  /** Posts overtake each other, but a server may have to hear `initialized` before anything else. */
  #release(): void {
    while (this.#endpoint !== undefined && this.#first === undefined) {
      const post = this.#held.shift();
      if (post === undefined) return;
      if (post.outgoing.method === 'notifications/initialized') {
        this.#first = post;
        this.#cancelTimer = this.#clock.after(INITIALIZED_MS, () => this.#firstArrived());
      }
      post.send(this.#endpoint);
    }
  }

  #firstArrived(): void {
    this.#cancelTimer();
    this.#first = undefined;
    if (!this.#over) this.#release();
  }

  #refusal({ text }: Outgoing): ProxyError | undefined {
    const { server } = this;
    if (this.#over) return this.#unavailable('could not be asked: the connection to it has ended');
    if (this.#waitingBytes > 0 && this.#waitingBytes + lengthOf(text) > this.#limits.queueBytes)
      return new ProxyError('BUSY', {
        message: `"${server}" has too many requests waiting already.`,
        server,
        delivered: false,
      });
    return undefined;
  }

  #unavailable(says: string): ProxyError {
    const { server } = this;
    return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
      message: `"${server}" ${says}.`,
      server,
      delivered: false,
    });
  }

  #fail(id: number | undefined, error: ProxyError): void {
    if (this.#over) return;
    if (id !== undefined) this.#events.failed(id, error);
    else this.#events.odd('a message of ours that the server did not take');
  }

  #end(error: ProxyError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    const ended = this.#unavailable('could not be asked: the connection to it has ended');
    // Where no stream came about, why that is tells more.
    const why = this.#endpoint === undefined ? (error ?? ended) : ended;
    for (const post of this.#posts) {
      const { id } = post.outgoing;
      post.cancel();
      if (!post.sent && id !== undefined) this.#events.failed(id, why);
    }
    this.#posts.clear();
    this.#stream.cancel();
    this.#closing = this.wire.destroy().then(() => this.#events.closed(error));
  }
}
