/**
 * Writes the answer to one request on its socket: in one write where it is whole, in chunks where it is a stream.
 *
 * Writing to a response that has ended, or whose client is gone, does nothing.
 */
import type { Socket } from 'node:net';
import { byteLengthOf, type EncodedMessage } from '../../json/message-text.ts';
import { untakenBytes } from '../bytes/unread-client.ts';
import type { RequestHead } from '../http1/request-reader.ts';
import {
  chunkText,
  CONTINUE,
  type HeaderFields,
  LAST_CHUNK,
  PROCESSING,
  responseHead,
} from '../http1/response-text.ts';
import type { ResponseWriter } from './incoming-request.ts';
import type { ProbedResponse } from './slow-clients.ts';

export interface SocketResponseEvents {
  /** The whole response is written; the client may not have taken it yet. */
  ended(): void;
}

export class SocketResponse implements ResponseWriter, ProbedResponse {
  readonly #socket: Socket;
  readonly #events: SocketResponseEvents;
  readonly #head: RequestHead;
  readonly #keepAlive: string;
  /** The head of a stream, until something is written with it. */
  #waitingHead = '';
  #begun = false;
  #continued = false;
  #ended = false;
  #isLeft = false;
  #last: boolean;
  onLeft: (() => void) | undefined;

  /** @param keepAlive the header fields of a response whose connection stays open. */
  constructor(socket: Socket, head: RequestHead, keepAlive: string, events: SocketResponseEvents) {
    this.#socket = socket;
    this.#head = head;
    this.#keepAlive = keepAlive;
    this.#events = events;
    this.#last = !head.persists;
  }

  /** A part of the response has been written. */
  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** The connection ends after this response. */
  get last(): boolean {
    return this.#last;
  }

  makeLast(): void {
    this.#last = true;
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  get untakenBytes(): number {
    return untakenBytes(this.#socket);
  }

  continue(): void {
    if (this.#ended || this.#begun || !this.#head.takesChunks) return;
    this.#continued = true;
    this.#socket.write(CONTINUE);
  }

  get awaitsContinue(): boolean {
    return this.#head.headers['expect'] !== undefined && !this.#continued;
  }

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

  start(status: number, fields: HeaderFields): void {
    if (this.#ended || this.#begun) return;
    const { takesChunks } = this.#head;
    // A client of HTTP/1.0 sees the end of the body by the end of the connection.
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

  probe(): void {
    if (this.#ended) return;
    if (this.#begun) this.write(': still here\n\n');
    else this.#socket.write(PROCESSING);
  }

  end(text = ''): void {
    if (this.#ended) return;
    const tail = this.#head.takesChunks ? LAST_CHUNK : '';
    const all = this.#takeHead() + (text === '' ? '' : this.#chunk(text)) + tail;
    if (all !== '') this.#socket.write(all);
    this.#end();
  }

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
    return this.#head.takesChunks ? chunkText(text) : text;
  }

  #headText(status: number, fields: HeaderFields, framing: string): string {
    const connection = this.#last ? 'connection: close\r\n' : this.#keepAlive;
    return responseHead({ status, fields, framing, connection });
  }
}
