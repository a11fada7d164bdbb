/**
 * The answer to one HTTP request: plain JSON in one write where that is enough, an event stream where more
 * than one message must go out or the answer takes long.
 *
 * Writing to a reply that is closed does nothing, so that whoever works on an answer need not look first.
 */
import { batchWrite } from '../bytes/write-batch.ts';
import { errorBody } from './error-body.ts';
import { BEATS_PER_SILENCE, type KeptAlive, type Keepalive } from './keepalive.ts';
import type { HeaderFields } from '../http1/response-text.ts';
import type { ResponseWriter } from './incoming-request.ts';
import { inParts, textOf, type EncodedMessage } from '../../json/message-text.ts';

export interface HttpReply {
  /** The whole answer in one write. After an event it becomes the last event, and the status is lost. */
  json(status: number, message: EncodedMessage, headers?: HeaderFields): void;
  empty(status: number, headers?: HeaderFields): void;
  /** A JSON-RPC message that is not the last: turns the answer into an event stream. Empty text only carries the id. */
  event(text: string, eventId?: string): void;
  /** The last message: plain JSON (200 unless told otherwise) if no event came before, else the last event. */
  end(message: EncodedMessage, status?: number): void;
  /** Starts an event stream at once, for streams without an end of their own. They close when the server does. */
  openStream(headers?: HeaderFields): void;
  closeStream(): void;
  /** Takes effect only before anything was written, which silence may cause: set headers before waiting for others. */
  setHeader(name: string, value: string): void;
  /** Ended by us, or the client is gone. */
  readonly closed: boolean;
  /**
   * The client is gone, too slow, or the server stops, before the end was written. Runs at once if that has
   * already happened; never after an end of ours.
   */
  onClose(listener: (why: CloseReason) => void): void;
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number;
}

export type CloseReason = 'client-gone' | 'client-too-slow' | 'server-stops';

/** Settings that the replies of one server share. */
export interface ReplySettings {
  readonly pulse: Keepalive<ServerReply>;
  /** A stream with more than this waiting is cut when its client takes nothing for a while. */
  readonly maxWaitingBytes: number;
  /** Said in every answer from now on, as its connection ends after it. */
  readonly stopping: () => boolean;
  readonly cut: (waitingBytes: number) => void;
  /** So many requests wait for their answers. */
  readonly awaited: () => number;
  /** The response has left, or its connection is gone. */
  readonly finished: (awaited: boolean) => void;
}

const JSON_FIELDS: HeaderFields = Object.freeze({ 'content-type': 'application/json' });
const NO_FIELDS: HeaderFields = Object.freeze({});
const STREAM_FIELDS: HeaderFields = Object.freeze({
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
});

/** A client that takes something may have so many times the limit waiting. */
const BEYOND = 4;
/** Nothing is taken for so long by a client that does not read. */
const IDLE_BEATS = BEATS_PER_SILENCE / 2;

export class ServerReply implements HttpReply, KeptAlive {
  readonly #res: ResponseWriter;
  readonly #settings: ReplySettings;
  /** Only a POSTed request is awaited in silence; a GET says at once what it is. */
  readonly #awaited: boolean;
  #headers: HeaderFields | undefined;
  #streaming = false;
  #endless = false;
  #closed = false;
  #why: CloseReason | undefined;
  #listeners: ((why: CloseReason) => void)[] | undefined;
  #lastBeat: number;
  /** Set while too much waits: what was not taken at the last look. */
  #untaken: number | undefined;
  #idleBeats = 0;
  beatsAs?: number;

  constructor(
    res: ResponseWriter,
    settings: ReplySettings,
    awaited: boolean,
    headers: HeaderFields | undefined,
  ) {
    this.#res = res;
    this.#settings = settings;
    this.#awaited = awaited;
    this.#headers = headers;
    this.#lastBeat = settings.pulse.count;
    settings.pulse.add(this);
    res.onLeft = () => this.#left();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get waitingBytes(): number {
    return this.#res.waitingBytes;
  }

  setHeader(name: string, value: string): void {
    // Copied, because the headers handed in are shared by many replies.
    this.#headers = { ...this.#headers, [name]: value };
  }

  onClose(listener: (why: CloseReason) => void): void {
    if (this.#why !== undefined) listener(this.#why);
    else if (!this.#closed) (this.#listeners ??= []).push(listener);
  }

  json(status: number, message: EncodedMessage, headers?: HeaderFields): void {
    if (this.#closed) return;
    if (this.#streaming) return this.#finish(eventText(textOf(message)));
    // Whoever would answer as well comes too late from here on.
    this.#closed = true;
    batchWrite(() => {
      this.#send(status, JSON_FIELDS, headers, inParts(message));
    }, this.#settings.awaited() === 1);
  }

  empty(status: number, headers?: HeaderFields): void {
    if (this.#closed) return;
    if (this.#streaming) return this.#finish();
    this.#closed = true;
    this.#send(status, NO_FIELDS, headers);
  }

  event(text: string, eventId?: string): void {
    if (this.#closed) return;
    this.#startStream();
    this.#write(eventText(text, eventId));
  }

  end(message: EncodedMessage, status = 200): void {
    this.json(status, message);
  }

  openStream(headers?: HeaderFields): void {
    if (this.#closed) return;
    this.#endless = true;
    this.#startStream(headers);
    this.#res.flush();
  }

  closeStream(): void {
    if (this.#closed) return;
    this.#startStream();
    this.#finish();
  }

  /** The server stops: streams without an end are closed, with `all` everything else too. */
  stop(all: boolean): void {
    if (this.#closed || !(all || this.#endless)) return;
    // The reply may be through at once, and then it drops them.
    const listeners = this.#listeners;
    if (this.#streaming) this.closeStream();
    else this.json(503, errorBody('The proxy is stopping: try again.'));
    this.#lost('server-stops', listeners);
  }

  beat(): void {
    if (this.#closed) return;
    if (!this.#isTaken()) return this.#cut();
    if (!this.#streaming && !this.#awaited) return;
    if (this.#settings.pulse.count - this.#lastBeat <= BEATS_PER_SILENCE) return;
    this.#startStream();
    this.#write(': still here\n\n');
  }

  #startStream(headers?: HeaderFields): void {
    if (this.#streaming) return;
    this.#streaming = true;
    this.#res.start(200, this.#fields(STREAM_FIELDS, headers));
  }

  #send(status: number, own: HeaderFields, further: HeaderFields | undefined, body?: EncodedMessage): void {
    this.#res.send(status, this.#fields(own, further), body);
  }

  #fields(own: HeaderFields, further: HeaderFields | undefined): HeaderFields {
    if (this.#settings.stopping()) this.#res.makeLast();
    if (this.#headers === undefined && further === undefined) return own;
    return { ...own, ...this.#headers, ...further };
  }

  #write(text: string): void {
    this.#lastBeat = this.#settings.pulse.count;
    // Looked at before writing: one message may be larger than the limit, a pile of them may not.
    const { maxWaitingBytes } = this.#settings;
    if (this.waitingBytes > maxWaitingBytes) this.#untaken ??= this.#res.untakenBytes;
    // What is left out here are notices: the answer ends the stream, and is never too much.
    if (this.waitingBytes <= BEYOND * maxWaitingBytes) this.#res.write(text);
  }

  /** @returns whether the stream goes on: it does for a client that takes something now and then. */
  #isTaken(): boolean {
    if (this.#untaken === undefined) return true;
    const { untakenBytes, waitingBytes } = this.#res;
    this.#idleBeats = untakenBytes < this.#untaken ? 0 : this.#idleBeats + 1;
    this.#untaken = waitingBytes > this.#settings.maxWaitingBytes ? untakenBytes : undefined;
    return this.#untaken === undefined || this.#idleBeats < IDLE_BEATS;
  }

  /** Ends a stream. */
  #finish(text?: string): void {
    this.#closed = true;
    this.#res.end(text);
  }

  #cut(): void {
    this.#settings.cut(this.waitingBytes);
    this.#closed = true;
    this.#settings.pulse.delete(this);
    this.#res.destroy();
    this.#lost('client-too-slow');
  }

  /** The response is through, or its connection is gone. */
  #left(): void {
    this.#settings.pulse.delete(this);
    if (!this.#closed) {
      this.#closed = true;
      this.#lost('client-gone');
    }
    // They hold the whole request, which else lives on until the next full collection.
    this.#listeners = undefined;
    this.#settings.finished(this.#awaited);
  }

  #lost(why: CloseReason, listeners = this.#listeners): void {
    this.#why = why;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(why);
  }
}

function eventText(text: string, eventId?: string): string {
  const id = eventId === undefined ? '' : `id: ${eventId}\n`;
  // An event without data primes the client with an id; naming its type would make some clients parse it.
  if (text === '') return `${id}data: \n\n`;
  // In valid JSON a line break is white space between tokens, so it may stand between data lines too.
  const data = /[\r\n]/.test(text) ? text.replaceAll(/\r\n|\r|\n/g, '\ndata: ') : text;
  return `${id}event: message\ndata: ${data}\n\n`;
}
