/**
 * The one stream of a server of 2024-11-05: `eventsource` reads it, over a request of ours.
 *
 * The request keeps the rules of all our requests: no redirect to another origin, no certificate that is not trusted,
 * credentials that are renewed, a bound on every event. There is no reconnecting: the stream is the session.
 */
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { EventSource, type FetchLikeResponse } from 'eventsource';
import { type MessageText, wholeText } from '../../json/elided.ts';
import { ProxyError } from '../../core/errors.ts';
import type { Oversized } from '../../json/oversized.ts';
import type { Authorization } from '../authorization.ts';
import { badResponse, redirectError, transportError } from '../http-client/errors.ts';
import {
  ResponseExchange,
  type ExchangeFailure,
  type Reading,
  type Receiver,
} from '../http-client/exchange.ts';
import { bodyKindOf } from '../http-client/headers.ts';
import { RequestCredentials } from '../http-client/request-credentials.ts';
import type { RequestEncoder } from '../http-client/request-headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { statusError } from '../http-client/status-error.ts';
import { BoundedEvents } from './bounded-events.ts';

export interface SessionStreamOwner {
  readonly url: URL;
  readonly wire: RequestEncoder;
  readonly server: string;
  readonly authorization: Authorization | undefined;
  readonly messageBytes: number;
  /** The server has named the address for messages, or names another. */
  endpointNamed(address: string): void;
  message(text: string): void;
  oversized(event: Oversized): void;
  /** No stream came about, or it has ended; comes once, and not after `close`. */
  streamEnded(error: ProxyError): void;
}

export class SessionStream implements Receiver {
  readonly #owner: SessionStreamOwner;
  readonly #events: BoundedEvents;
  readonly #source: EventSource;
  #exchange: ResponseExchange;
  /** Gives the response to `eventsource`. */
  #opened: ((response: FetchLikeResponse) => void) | undefined;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #credentials: RequestCredentials;
  #status = 0;
  #headers: ResponseHeaders = {};
  #isNamed = false;
  #isClosed = false;
  /** The reason for the end, told once all that came before is read. */
  #end: ProxyError | undefined;

  constructor(owner: SessionStreamOwner) {
    this.#owner = owner;
    this.#credentials = new RequestCredentials(owner);
    this.#events = new BoundedEvents(owner.messageBytes, {
      bytes: (events) => this.#body?.enqueue(events),
      oversized: (event) => owner.oversized(event),
    });
    this.#exchange = new ResponseExchange(this, 0);
    this.#source = new EventSource(owner.url, { fetch: () => this.#fetch() });
    this.#source.addEventListener('endpoint', ({ data }) => this.#named(String(data)));
    this.#source.addEventListener('message', ({ data }) => this.#message(String(data)));
    this.#source.addEventListener('error', (event) => this.#failed(event));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#source.close();
    this.#exchange.cancel();
  }

  sending(): void {}

  head(status: number, headers: ResponseHeaders): Reading {
    this.#status = status;
    this.#headers = headers;
    if (status !== 200) return 'start';
    if (bodyKindOf(headers).mediaType !== 'text/event-stream') return 'nothing';
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#body = controller) });
    this.#opened?.({
      body,
      status,
      url: this.#owner.url.href,
      redirected: false,
      headers: { get: (name) => (name === 'content-type' ? 'text/event-stream' : null) },
    });
    return 'bytes';
  }

  bytes(chunk: Buffer): void {
    this.#events.push(chunk);
  }

  event(): void {}

  retry(): void {}

  complete(text: MessageText): void {
    const { server, wire } = this.#owner;
    if (this.#status >= 300 && this.#status < 400) this.#ends(redirectError(server, this.#headers));
    else if (this.#status !== 200) {
      if (!this.#openedAgain())
        this.#ends(statusError(server, this.#status, this.#headers, wire.purged(wholeText(text))));
    } else this.#ends(undefined);
  }

  broke(trouble: ExchangeFailure, error: Error, sent: boolean): void {
    const { server } = this.#owner;
    if (trouble === 'encoding')
      this.#ends(badResponse(server, 'answered in a content encoding that cannot be read'));
    else this.#ends(transportError(server, error, sent));
  }

  /** Never rejects: an end without a stream is told at once. */
  #fetch(): Promise<FetchLikeResponse> {
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#open();
    });
  }

  #open(): void {
    this.#credentials.whenReady({ send: () => this.#get(), fail: (error) => this.#ends(error) });
  }

  #get(): void {
    if (this.#isClosed) return;
    const { wire } = this.#owner;
    this.#credentials.written();
    wire.get(this.#exchange, wire.path, undefined, true);
  }

  /** Refused for want of other credentials: asks once more where they can be had. */
  #openedAgain(): boolean {
    return this.#credentials.renewed(this.#status, this.#headers, {
      send: () => {
        this.#exchange = new ResponseExchange(this, 0);
        this.#open();
      },
      fail: (error) => this.#ends(error),
    });
  }

  #named(address: string): void {
    this.#isNamed = true;
    if (!this.#isClosed) this.#owner.endpointNamed(address);
  }

  #message(text: string): void {
    if (text !== '' && !this.#isClosed) this.#owner.message(text);
  }

  #ends(error: ProxyError | undefined): void {
    this.#end = error;
    if (this.#body) this.#body.close();
    else this.#tell();
  }

  #failed(event: Event): void {
    // A server may name an event of its own so.
    if (!(event instanceof MessageEvent)) this.#tell();
  }

  #tell(): void {
    if (this.#isClosed) return;
    this.close();
    this.#owner.streamEnded(this.#end ?? this.#endedBy(this.#owner.server));
  }

  #endedBy(server: string): ProxyError {
    if (this.#isNamed) return badResponse(server, 'ended its event stream');
    const message = `"${server}" offers no event stream of the kind of 2024-11-05.`;
    return new ProxyError('DOWNSTREAM_UNAVAILABLE', { message, server, delivered: false });
  }
}
