/**
 * The link to a server that speaks HTTP with SSE (2024-11-05): one stream brings everything, and messages go
 * to the address that its first event names.
 *
 * The stream is the session: when it ends, the link has ended.
 */
import { systemClock, type Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { lengthOf } from '../../json/message-text.ts';
import type { Oversized } from '../../json/oversized.ts';
import type { Authorization } from '../authorization.ts';
import { badAddress, failedLink } from '../failed-link.ts';
import type { ProxyVariables } from '../http-client/dispatcher.ts';
import { SessionLost, tooLargeError } from '../http-client/errors.ts';
import { LostSession } from '../http-client/lost-session.ts';
import { RequestEncoder, type Headers } from '../http-client/request-headers.ts';
import type { Link, LinkEvents, LinkLimits, OpenLink, Outgoing } from '../link.ts';
import { SsePost, type SsePostOwner } from './post.ts';
import { SessionStream, type SessionStreamOwner } from './session-stream.ts';

export interface SseOptions {
  /** The address of the stream; a user and password in it become a Basic login. */
  readonly url: string;
  /** Sent with every request. A function where they change over time: let it return the same object until they do. */
  readonly headers?: Headers | (() => Headers) | undefined;
  /** The header fields of an authorization are sent instead of `headers`. */
  readonly authorization?: Authorization | undefined;
  /** The server's name, for messages. */
  readonly describe: string;
  readonly limits: LinkLimits;
  /** Until the stream is open and has named the address for messages. */
  readonly connectTimeoutMs: number;
  /** The variables that name an HTTP proxy (`HTTP_PROXY` and its kin); without them there is none. */
  readonly env?: ProxyVariables | undefined;
  readonly clock?: Clock | undefined;
}

/** Messages wait no longer than this for the server to take `initialized`. */
const INITIALIZED_MS = 5000;

export function openSse(options: SseOptions): OpenLink {
  const lostSession = new LostSession(options.clock ?? systemClock);
  return (events) => {
    try {
      return new SseClient(options, events, lostSession);
    } catch (error) {
      return failedLink(events, badAddress(options.describe, error));
    }
  };
}

class SseClient implements Link, SessionStreamOwner, SsePostOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly url: URL;
  readonly messageBytes: number;
  readonly #limits: LinkLimits;
  readonly #events: LinkEvents;
  readonly authorization: Authorization | undefined;
  readonly lostSession: LostSession;
  #stream: SessionStream | undefined;
  readonly #posts = new Set<SsePost>();
  readonly #clock: Clock;
  #cancelTimer: () => void;
  /** Messages that wait for the address, or for `#first` to have arrived. */
  readonly #held: SsePost[] = [];
  #first: SsePost | undefined;
  /** The path that messages go to, once the first event has named it. */
  #endpoint: string | undefined;
  #waitingBytes = 0;
  #over = false;
  #closing: Promise<void> | undefined;

  /** @throws TypeError where the address is none. */
  constructor(options: SseOptions, events: LinkEvents, lostSession: LostSession) {
    const { authorization, connectTimeoutMs, env = {}, clock = systemClock } = options;
    const headers = authorization ? () => authorization.headers() : (options.headers ?? {});
    this.authorization = authorization;
    this.url = new URL(options.url);
    this.#limits = options.limits;
    this.#events = events;
    this.server = options.describe;
    this.wire = new RequestEncoder({ url: this.url, headers, connectTimeoutMs, env });
    this.messageBytes = options.limits.messageBytes;
    this.#clock = clock;
    this.lostSession = lostSession;
    this.#cancelTimer = clock.after(connectTimeoutMs, () => {
      if (this.#endpoint === undefined) this.#end(this.#unavailable('did not open its event stream in time'));
    });
    // In a later turn, for an invalid header field may be told of at once.
    queueMicrotask(() => {
      if (!this.#over) this.#stream = new SessionStream(this);
    });
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

  message(text: string): void {
    if (!this.#over) this.#events.message(text);
  }

  oversized({ id, hasMethod }: Oversized): void {
    if (this.#over) return;
    if (typeof id === 'number' && !hasMethod)
      this.#events.failed(id, tooLargeError(this.server, this.messageBytes));
    else this.#events.odd('a message over the size limit that answers no request');
  }

  streamEnded(error: ProxyError): void {
    this.#end(error);
  }

  endpointNamed(named: string): void {
    if (this.#endpoint !== undefined) {
      this.#events.odd('a second address for messages');
      return;
    }
    const target = URL.canParse(named, this.url.href) ? new URL(named, this.url) : undefined;
    if (target?.origin !== this.url.origin) {
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
    this.#stream?.close();
    this.#closing = this.wire.destroy().then(() => this.#events.closed(error));
  }
}
