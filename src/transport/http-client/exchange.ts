/**
 * One HTTP request and its response: statuses, bodies and events out, no MCP.
 *
 * Redirects are followed where they stay on the origin and repeat the request as it was (307, 308). The body is counted as it is after decompression; what grows over the limit ends the connection.
 */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  type BrotliDecompress,
  type Gunzip,
  type Inflate,
} from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { MessageText } from '../../json/elided.ts';
import type { RequestDispatcher } from './dispatcher.ts';
import type { HttpRequest } from './pending-request.ts';
import { EventStream, type EventSink } from '../sse/event-stream.ts';
import { LongText } from '../../json/long-text.ts';
import { bodyKindOf, headerOf } from './headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';

/** A body is read whole, its beginning only, as events, as bytes, or not at all. */
export type Reading = 'text' | 'start' | 'events' | 'bytes' | 'nothing';

/** Why an exchange did not get to its end. */
export type ExchangeFailure = 'broken' | 'too large' | 'encoding';

export interface Receiver extends EventSink {
  /** It is about to be written: from here on it may arrive. Comes again where a redirect is followed. */
  sending(): void;
  head(status: number, headers: ResponseHeaders): Reading;
  /** Decompressed, but neither counted nor kept: a receiver that reads `bytes` bounds them itself. */
  bytes?(chunk: Buffer): void;
  /** The response is complete; the text is empty where it was not to be read. Comes once, or `broke` does. */
  complete(text: MessageText): void;
  /** @param sent whether it may have been written. */
  broke(trouble: ExchangeFailure, error: Error, sent: boolean): void;
}

const MAX_REDIRECTS = 3;

/** As much of an error's body as is looked at. */
const START_BYTES = 65_536;

const GIVEN_UP = new Error('given up');

type Decoder = Gunzip | Inflate | BrotliDecompress;

export class ResponseExchange implements Dispatcher.DispatchHandler {
  readonly #receiver: Receiver;
  readonly #limit: number;
  #controller: Dispatcher.DispatchController | undefined;
  #reading: Reading = 'nothing';
  #text: LongText | undefined;
  #events: EventStream | undefined;
  #decoder: Decoder | undefined;
  #skipped = 0;
  /** The last byte is in: the connection is free, and is kept. */
  #received = false;
  #over = false;
  #dispatcher: RequestDispatcher | undefined;
  #request: HttpRequest | undefined;
  #redirects = 0;
  #redirectTo: string | undefined;

  constructor(receiver: Receiver, limitBytes: number) {
    this.#receiver = receiver;
    this.#limit = limitBytes;
  }

  /** The id behind which an event stream can be resumed. */
  get lastEventId(): string | undefined {
    return this.#events?.lastEventId;
  }

  /** Does nothing where it was cancelled already. */
  send(dispatcher: RequestDispatcher, request: HttpRequest): void {
    if (this.#over) return;
    this.#dispatcher = dispatcher;
    this.#request = request;
    dispatcher.dispatch(request, this);
  }

  /** Ends it wherever it stands, even before it was sent; the receiver hears nothing any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#end();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(GIVEN_UP);
    else this.#receiver.sending();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (this.#over || status < 200) return;
    // Any other status would have us repeat the request as a GET.
    if ((status === 307 || status === 308) && this.#redirects < MAX_REDIRECTS) {
      this.#redirectTo = pathOnSameOrigin(this.#request, headerOf(headers, 'location'));
      if (this.#redirectTo !== undefined) return;
    }
    this.#reading = this.#receiver.head(status, headers);
    // The receiver may have cancelled, which the type checker cannot see.
    if (this.#isOver() || this.#reading === 'nothing') return;
    const { encoding, bytes } = bodyKindOf(headers);
    if (encoding !== '') {
      this.#decoder = this.#decoderOf(encoding);
      if (!this.#decoder) {
        this.#break('encoding', new Error('content encoding'));
        return;
      }
    }
    if (this.#reading === 'events') this.#events = new EventStream(this.#limit, this.#receiver);
    else if (this.#reading === 'text' && bytes > this.#limit)
      this.#break('too large', new Error('content length'));
    else if (this.#reading !== 'bytes') this.#text = new LongText();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    if (!this.#decoder) this.#take(chunk);
    else if (!this.#decoder.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#received = true;
    if (this.#over) return;
    if (this.#redirectTo !== undefined) this.#follow(this.#redirectTo);
    else if (this.#decoder) this.#decoder.end();
    else this.#complete();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#break('broken', error);
  }

  #isOver(): boolean {
    return this.#over;
  }

  #take(chunk: Buffer): void {
    if (this.#reading === 'bytes') return this.#receiver.bytes?.(chunk);
    if (this.#events) {
      if (!this.#events.push(chunk) && !this.#isOver()) this.#break('too large', new Error('event'));
      return;
    }
    if (!this.#text) {
      this.#skipped += chunk.length;
      // More is not worth reading only to keep the connection.
      if (this.#skipped > START_BYTES) this.#skippedTooMuch();
      return;
    }
    this.#text.add(chunk);
    if (this.#reading === 'start') {
      if (this.#text.bytes > START_BYTES) this.#complete();
    } else if (this.#text.bytes > this.#limit) this.#break('too large', new Error('body'));
  }

  #skippedTooMuch(): void {
    if (this.#redirectTo === undefined) this.#complete();
    else this.#break('broken', new Error('redirect body'));
  }

  #follow(path: string): void {
    if (!this.#dispatcher || !this.#request) return;
    this.#redirects++;
    this.#redirectTo = undefined;
    this.#received = false;
    this.#controller = undefined;
    this.send(this.#dispatcher, { ...this.#request, path });
  }

  #complete(): void {
    this.#over = true;
    this.#end();
    this.#receiver.complete(this.#text?.take() ?? '');
  }

  #break(trouble: ExchangeFailure, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    const sent = this.#controller !== undefined;
    this.#end();
    this.#receiver.broke(trouble, error, sent);
  }

  #end(): void {
    this.#decoder?.destroy();
    if (!this.#received) this.#controller?.abort(GIVEN_UP);
  }

  #decoderOf(encoding: string): Decoder | undefined {
    const decoder = DECODERS.get(encoding)?.();
    decoder?.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#take(chunk);
    });
    decoder?.on('drain', () => this.#controller?.resume());
    decoder?.on('end', () => {
      if (!this.#over) this.#complete();
    });
    decoder?.on('error', (error) => this.#break('encoding', error));
    return decoder;
  }
}

/** The path that a redirect leads to; `undefined` where it leaves the origin, to which the credentials belong. */
function pathOnSameOrigin(
  request: HttpRequest | undefined,
  location: string | undefined,
): string | undefined {
  const base = `${String(request?.origin)}${request?.path}`;
  if (location === undefined || !URL.canParse(location, base)) return undefined;
  const target = new URL(location, base);
  return target.origin === new URL(base).origin ? target.pathname + target.search : undefined;
}

// Stacked encodings are not among them.
const DECODERS: ReadonlyMap<string, () => Decoder> = new Map<string, () => Decoder>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);
