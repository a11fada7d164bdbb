/**
 * The link to a server that speaks Streamable HTTP, of either era.
 *
 * Every message is a request of its own; what holds them together is the origin and, in the legacy era,
 * the session.
 */
import type { Era } from '../../core/call.ts';
import { InFlight } from '../../protocol/in-flight.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import type { MessageText } from '../../json/elided.ts';
import { ProxyError } from '../../core/errors.ts';
import { lengthOf } from '../../json/message-text.ts';
import type { Logger } from '../../core/logger.ts';
import type { Authorization } from '../authorization.ts';
import type { ProxyVariables } from './dispatcher.ts';
import { SessionLost } from './errors.ts';
import { endSession } from './end-session.ts';
import { InitializedGate } from './initialized-gate.ts';
import { LostSession } from './lost-session.ts';
import { NotificationStream, type NotificationStreamOwner } from './notification-stream.ts';
import { PostRequest, type PostRequestOwner } from './request.ts';
import { badAddress, failedLink } from '../failed-link.ts';
import { RequestEncoder, type Headers } from './request-headers.ts';
import type { Link, LinkEvents, LinkLimits, OpenLink, Outgoing } from '../link.ts';

export { HttpStatusError } from './errors.ts';

export interface HttpClientOptions {
  /** `http:` or `https:`; a user and password in it become a Basic login. */
  readonly url: string;
  /** Sent with every request. A function where they change over time: let it return the same object until they do. */
  readonly headers?: Headers | (() => Headers) | undefined;
  /** The header fields of an authorization are sent instead of `headers`. */
  readonly authorization?: Authorization | undefined;
  /** The server's name, for messages. */
  readonly describe: string;
  readonly limits: LinkLimits;
  readonly era: Era;
  readonly connectTimeoutMs: number;
  /** The variables that name an HTTP proxy (`HTTP_PROXY` and its kin); without them there is none. */
  readonly env?: ProxyVariables | undefined;
  /** The mark that names the proxies before the server. */
  readonly via?: (() => string) | undefined;
  readonly clock?: Clock | undefined;
  readonly log?: Logger | undefined;
}

const MODERN_VERSION = '2026-07-28';
/** The stream of a cancelled call is kept this long, for a server that sends the end of it. */
const CANCELLED_GRACE_MS = 3000;
/** The session is lost for those still under way as well, and most will be told so too in this time. */
const LOST_GRACE_MS = 250;

export function openHttpClient(options: HttpClientOptions): OpenLink {
  const lostSession = new LostSession(options.clock ?? systemClock);
  return (events) => {
    try {
      const { authorization, connectTimeoutMs, env = {}, via } = options;
      const headers = authorization ? () => authorization.headers() : (options.headers ?? {});
      const url = new URL(options.url);
      return new HttpClient(
        options,
        events,
        new RequestEncoder({ url, headers, connectTimeoutMs, env, via }),
        lostSession,
      );
    } catch (error) {
      return failedLink(events, badAddress(options.describe, error));
    }
  };
}

class HttpClient implements Link, PostRequestOwner, NotificationStreamOwner {
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly era: Era;
  readonly messageBytes: number;
  readonly clock: Clock;
  readonly authorization: Authorization | undefined;
  readonly lostSession: LostSession;
  readonly #events: LinkEvents;
  readonly #log: Logger | undefined;
  readonly #queueBytes: number;
  /** Requests by their id, and the rest. */
  readonly #calls = new InFlight<PostRequest>();
  readonly #others = new Set<PostRequest>();
  #waitingBytes = 0;
  readonly #gate: InitializedGate;
  #agreed = false;
  #listen: NotificationStream | undefined;
  #lost = false;
  #over = false;
  #closing: Promise<void> | undefined;

  constructor(
    options: HttpClientOptions,
    events: LinkEvents,
    wire: RequestEncoder,
    lostSession: LostSession,
  ) {
    this.#events = events;
    this.wire = wire;
    this.server = options.describe;
    this.era = options.era;
    this.messageBytes = options.limits.messageBytes;
    this.clock = options.clock ?? systemClock;
    this.authorization = options.authorization;
    this.lostSession = lostSession;
    this.#gate = new InitializedGate(this.clock);
    this.#log = options.log;
    this.#queueBytes = options.limits.queueBytes;
    if (this.era === 'modern') wire.version = MODERN_VERSION;
  }

  send(message: Outgoing): void {
    const refusal = this.#refusal(message);
    if (refusal) {
      const { id } = message;
      queueMicrotask(() => this.#fail(id, refusal));
      return;
    }
    const post = new PostRequest(this, message);
    if (post.id === undefined) this.#others.add(post);
    else this.#calls.set(post.id, post);
    this.#waitingBytes += lengthOf(message.text);
    if (this.era === 'legacy') this.#gate.pass(post);
    else post.send();
  }

  agreed(protocolVersion: string): void {
    this.wire.version = protocolVersion;
    this.#agreed = true;
    this.#listenIfReady();
  }

  abandon(id: number): boolean {
    const post = this.#calls.get(id);
    if (this.era === 'legacy' && post?.sent !== false) {
      post?.letGo(CANCELLED_GRACE_MS);
      return false;
    }
    if (post) this.#cancel(post);
    return true;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  message(text: MessageText, origin: number | undefined): void {
    if (!this.#over) this.#events.message(text, origin);
  }

  odd(what: string): void {
    if (!this.#over) this.#events.odd(what);
  }

  left(post: PostRequest): void {
    this.#waitingBytes -= lengthOf(post.outgoing.text);
  }

  finished(post: PostRequest, error: ProxyError | undefined): void {
    this.#forget(post);
    if (this.#gate.arrived(post)) this.#listenIfReady();
    // In a later turn also where it is refused at once.
    if (error) queueMicrotask(() => this.#fail(post.id, error));
    if (this.#lost && this.#calls.size === 0) queueMicrotask(() => this.#gone());
  }

  sessionOpened(session: string): void {
    this.wire.session = session;
  }

  sessionLost(): void {
    if (this.#lost || this.#over) return;
    this.#lost = true;
    this.#listen?.stop();
    this.clock.after(LOST_GRACE_MS, () => this.#gone());
    if (this.#calls.size === 0) queueMicrotask(() => this.#gone());
  }

  #refusal({ text }: Outgoing): ProxyError | undefined {
    const { server } = this;
    if (this.#over || this.#lost)
      return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
        message: `"${server}" could not be asked: the connection to it has ended.`,
        server,
        delivered: false,
        cause: new SessionLost(),
      });
    if (this.#waitingBytes > 0 && this.#waitingBytes + lengthOf(text) > this.#queueBytes)
      return new ProxyError('BUSY', {
        message: `"${server}" has too many requests waiting already.`,
        server,
        delivered: false,
      });
    return undefined;
  }

  #listenIfReady(): void {
    const ready = this.#agreed && this.#gate.isPassed && this.era === 'legacy' && !this.#over && !this.#lost;
    if (ready && this.wire.session !== undefined) this.#listen ??= new NotificationStream(this);
  }

  #fail(id: number | undefined, error: ProxyError): void {
    if (this.#over) return;
    if (id !== undefined) this.#events.failed(id, error);
    else {
      this.#log?.debug(
        { server: this.server, error: error.message },
        'a message without an answer was not taken',
      );
      this.#events.odd('a message of ours that the server did not take');
    }
  }

  #cancel(post: PostRequest): void {
    post.cancel();
    this.#forget(post);
  }

  #forget(post: PostRequest): void {
    if (!post.sent) {
      this.left(post);
      this.#gate.forget(post);
    }
    if (post.id === undefined) this.#others.delete(post);
    else if (this.#calls.get(post.id) === post) this.#calls.delete(post.id);
  }

  /** The server has forgotten the session: whoever needs it has to connect anew. */
  #gone(): void {
    if (this.#over) return;
    const { server } = this;
    for (const post of this.#calls.values()) {
      if (post.sent || post.id === undefined) continue;
      this.#events.failed(
        post.id,
        new ProxyError('DOWNSTREAM_UNAVAILABLE', {
          message: `"${server}" could not be asked: its session was lost.`,
          server,
          delivered: false,
          cause: new SessionLost(),
        }),
      );
    }
    this.#stop();
    this.#closing ??= this.wire.destroy();
    this.#events.closed(
      new ProxyError('DOWNSTREAM_UNAVAILABLE', {
        message: `"${server}" no longer knows the session: session lost.`,
        server,
        delivered: 'unknown',
      }),
    );
  }

  async #close(): Promise<void> {
    const isInSession = !this.#lost && this.era === 'legacy' && this.wire.session !== undefined;
    this.#stop();
    if (isInSession) await endSession(this.wire, this.clock);
    await this.wire.destroy();
    this.#events.closed(undefined);
  }

  #stop(): void {
    this.#over = true;
    this.#gate.stop();
    this.#listen?.stop();
    for (const post of this.#calls.values()) post.cancel();
    for (const post of this.#others) post.cancel();
    this.#calls.clear();
    this.#others.clear();
  }
}
