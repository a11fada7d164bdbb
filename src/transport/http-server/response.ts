/**
 * How the answer to one request gets onto the wire: in one write where it is whole, in chunks where it is a stream.
 *
 * Writing to one that has ended, or whose client is gone, does nothing.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { byteLengthOf, type EncodedMessage } from '../../json/message-text.ts';
import { isField } from '../http1/message-reader.ts';
import type { RequestHead } from '../http1/request-reader.ts';
import { untakenBytes } from '../bytes/unread-client.ts';

/** Header fields to write. The text of a frozen one is made once. */
export type HeaderFields = Readonly<Record<string, string>>;

export interface ResponseWriterEvents {
  /** All of it is written, if not taken by the client yet. */
  ended(): void;
}

export class ResponseWriter {
  readonly #socket: Socket;
  readonly #events: ResponseWriterEvents;
  readonly #head: RequestHead;
  readonly #keepAlive: string;
  /** The head of a stream, until something is written with it. */
  #waitingHead = '';
  #begun = false;
  #continued = false;
  #ended = false;
  #isLeft = false;
  #last: boolean;
  /** Told once: the whole response has left, or its connection is gone. */
  onLeft: (() => void) | undefined;

  /** @param keepAlive what a connection that stays is told, a whole header field. */
  constructor(socket: Socket, head: RequestHead, keepAlive: string, events: ResponseWriterEvents) {
    this.#socket = socket;
    this.#head = head;
    this.#keepAlive = keepAlive;
    this.#events = events;
    this.#last = !head.persists;
  }

  /** Something of it has been written. */
  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** The connection ends after it. */
  get last(): boolean {
    return this.#last;
  }

  /** To be said before the head is written; later it still ends the connection, but nobody is told. */
  makeLast(): void {
    this.#last = true;
  }

  /** What the client has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** As `waitingBytes`, and falls while a large write goes. */
  get untakenBytes(): number {
    return untakenBytes(this.#socket);
  }

  /** Asks a client that waits for it to send the body. */
  continue(): void {
    if (this.#ended || this.#begun || !this.#head.takesChunks) return;
    this.#continued = true;
    this.#socket.write(CONTINUE);
  }

  /** The client may be waiting with the body, and send none at all. */
  get awaitsContinue(): boolean {
    return this.#head.headers['expect'] !== undefined && !this.#continued;
  }

  /** The whole response in one write. @throws Error for a header field that HTTP does not allow. */
  send(status: number, fields: HeaderFields, body: EncodedMessage = ''): void {
    if (this.#ended || this.#begun) return;
    const length = status === 204 ? '' : `content-length: ${byteLengthOf(body)}\r\n`;
    const head = this.#headText(status, fields, length);
    this.#begun = true;
    if (this.#head.method === 'HEAD') this.#socket.write(head);
    else if (typeof body === 'string') this.#socket.write(head + body);
    else {
      this.#socket.cork();
      this.#socket.write(head);
      for (const part of body) this.#socket.write(part);
      this.#socket.uncork();
    }
    this.#end();
  }

  /** Begins a stream; its head leaves with the first text, or with `flush`. */
  start(status: number, fields: HeaderFields): void {
    if (this.#ended || this.#begun) return;
    const { takesChunks } = this.#head;
    // An older client knows the end by the end of the connection.
    if (!takesChunks) this.#last = true;
    this.#waitingHead = this.#headText(status, fields, takesChunks ? 'transfer-encoding: chunked\r\n' : '');
    this.#begun = true;
  }

  write(text: string): void {
    if (this.#ended) return;
    this.#socket.write(this.#takeHead() + this.#chunk(text));
  }

  flush(): void {
    if (!this.#ended && this.#waitingHead !== '') this.#socket.write(this.#takeHead());
  }

  /** Says something that means nothing: whether it can be said shows whether anybody is there. */
  probe(): void {
    if (this.#ended) return;
    if (this.#begun) this.write(': still here\n\n');
    else this.#socket.write(PROCESSING);
  }

  /** Ends a stream, with a last text. */
  end(text = ''): void {
    if (this.#ended) return;
    const tail = this.#head.takesChunks ? LAST_CHUNK : '';
    const all = this.#takeHead() + (text === '' ? '' : this.#chunk(text)) + tail;
    if (all !== '') this.#socket.write(all);
    this.#end();
  }

  /** Ends the connection, whatever has not left. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Called by the connection: the response has left, or never will. */
  leave(): void {
    if (this.#isLeft) return;
    this.#ended = true;
    this.#isLeft = true;
    this.onLeft?.();
  }

  #end(): void {
    this.#ended = true;
    this.#events.ended();
  }

  #takeHead(): string {
    const head = this.#waitingHead;
    this.#waitingHead = '';
    return head;
  }

  #chunk(text: string): string {
    if (!this.#head.takesChunks) return text;
    return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  }

  #headText(status: number, fields: HeaderFields, framing: string): string {
    const connection = this.#last ? 'connection: close\r\n' : this.#keepAlive;
    return `${statusLine(status)}${fieldsText(fields)}${framing}date: ${dateNow()}\r\n${connection}\r\n`;
  }
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

const known = new WeakMap<HeaderFields, string>();
/** So that head and body can be written as one text. */
const ASCII = /^[\t\x20-\x7e]*$/;

/** @throws Error */
function fieldsText(fields: HeaderFields): string {
  const before = known.get(fields);
  if (before !== undefined) return before;
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (!isField(name, value) || !ASCII.test(value))
      throw new Error(`the header field ${JSON.stringify(name)} cannot be written`);
    text += `${name}: ${value}\r\n`;
  }
  if (Object.isFrozen(fields)) known.set(fields, text);
  return text;
}

let second = 0;
let secondText = '';

function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    secondText = new Date(now * 1000).toUTCString();
  }
  return secondText;
}

/** An answer to bytes that never became a request; the last word on its connection. */
export function lastWord(status: number, body: string): string {
  const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${statusLine(status)}${fields}date: ${dateNow()}\r\nconnection: close\r\n\r\n${body}`;
}
