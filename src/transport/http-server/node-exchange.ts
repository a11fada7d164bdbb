/** A request and its response where `node:http` reads and writes them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { inParts, byteLengthOf, type EncodedMessage } from '../../json/message-text.ts';
import { untakenBytes } from '../bytes/unread-client.ts';
import type { RequestHead } from '../http1/request-reader.ts';
import type { HeaderFields } from '../http1/response-text.ts';
import type { BodySink, ConnectionTimeouts, IncomingRequest, ResponseWriter } from './incoming-request.ts';
import { DrainDeadline, type ProbedResponse } from './slow-clients.ts';

export class NodeRequest implements IncomingRequest {
  readonly head: RequestHead;
  readonly #message: IncomingMessage;
  #sink: BodySink | undefined;
  #bodyBytes = 0;

  constructor(message: IncomingMessage, head: RequestHead) {
    this.head = head;
    this.#message = message;
    message
      .on('data', (part: Buffer) => {
        this.#bodyBytes += part.length;
        this.#sink?.data(part);
      })
      .on('end', () => this.#sink?.end())
      // A body that breaks off ends the connection, which the response tells.
      .on('error', () => {});
  }

  get localAddress(): string | undefined {
    return this.#message.socket.localAddress;
  }

  get missing(): number | undefined {
    const { framing } = this.head;
    if (this.#message.readableEnded) return 0;
    return framing === 'chunks' ? undefined : framing - this.#bodyBytes;
  }

  takeBody(sink: BodySink): void {
    this.#sink = sink;
  }
}

export interface NodeResponseOptions {
  readonly timeouts: ConnectionTimeouts;
  /** The response has left, or its connection is gone. */
  readonly left: () => void;
}

export class NodeResponse implements ResponseWriter, ProbedResponse {
  onLeft: (() => void) | undefined;
  readonly #response: ServerResponse;
  readonly #head: RequestHead;
  readonly #drain: DrainDeadline;
  #continued = false;
  #isStream = false;

  constructor(response: ServerResponse, head: RequestHead, { timeouts, left }: NodeResponseOptions) {
    this.#response = response;
    this.#head = head;
    this.#drain = new DrainDeadline(timeouts);
    if (!head.persists) this.makeLast();
    response
      .on('close', () => {
        left();
        this.onLeft?.();
      })
      .on('error', () => {});
  }

  get begun(): boolean {
    return this.#response.headersSent;
  }

  get ended(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  get untakenBytes(): number {
    const { socket, writableLength } = this.#response;
    return socket ? untakenBytes(socket) : writableLength;
  }

  get awaitsContinue(): boolean {
    return this.#head.headers['expect'] !== undefined && !this.#continued;
  }

  get hasWholeRequest(): boolean {
    return this.#response.req.complete;
  }

  /** Without both sides of its connection the response is of no use: it has no end, or its request has none. */
  get endsWithClient(): boolean {
    const { method, takesChunks } = this.#head;
    return !this.hasWholeRequest || method === 'GET' || !takesChunks;
  }

  /** Tells whether the client takes too long for the rest of a finished answer. */
  isOverdue(now: number): boolean {
    return this.#response.writableEnded && this.#drain.isOver(now, this.waitingBytes);
  }

  continue(): void {
    if (this.ended || this.begun || !this.#head.takesChunks) return;
    this.#continued = true;
    this.#response.writeContinue();
  }

  makeLast(): void {
    this.#response.shouldKeepAlive = false;
  }

  send(status: number, fields: HeaderFields, body: EncodedMessage = ''): void {
    if (this.ended || this.#isStream) return;
    const length = status === 204 ? {} : { 'content-length': String(byteLengthOf(body)) };
    this.#response.writeHead(status, { ...fields, ...length });
    const parts = inParts(body);
    if (typeof parts === 'string') return void this.#response.end(parts);
    this.#response.cork();
    for (const part of parts) this.#response.write(part);
    this.#response.end();
    this.#response.uncork();
  }

  start(status: number, fields: HeaderFields): void {
    if (this.ended || this.#isStream) return;
    this.#isStream = true;
    this.#response.writeHead(status, { ...fields });
  }

  write(text: string): void {
    if (!this.ended) this.#response.write(text);
  }

  flush(): void {
    if (!this.ended) this.#response.flushHeaders();
  }

  probe(): void {
    if (this.ended) return;
    if (this.#isStream) this.write(': still here\n\n');
    else this.#response.writeProcessing();
  }

  end(text = ''): void {
    if (!this.ended) this.#response.end(text);
  }

  destroy(): void {
    this.#response.destroy();
  }
}
