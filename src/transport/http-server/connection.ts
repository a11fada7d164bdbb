/** One connection of a client: reads a request, has it answered, then reads the next. */
import type { Socket } from 'node:net';
import { readFrom } from '../bytes/socket-reader.ts';
import { MessageError } from '../http1/message-error.ts';
import { type RequestHead, RequestReader } from '../http1/request-reader.ts';
import { finalResponse } from '../http1/response-text.ts';
import { errorBody } from './error-body.ts';
import type { BodySink, IncomingRequest, ServerConnectionsOptions } from './incoming-request.ts';
import { refusalText } from './refusal.ts';
import { DrainDeadline, HalfOpenProbe } from './slow-clients.ts';
import { SocketResponse } from './socket-response.ts';

export interface ServerConnectionOptions extends ServerConnectionsOptions {
  readonly gone: (connection: ServerConnection) => void;
}

/** `new`: nothing has come yet. */
type Phase = 'new' | 'idle' | 'head' | 'body' | 'answer' | 'linger';

/** The most that may come before the request under way is answered. */
const MAX_EARLY_BYTES = 64 * 1024;

export class ServerConnection implements IncomingRequest {
  readonly #socket: Socket;
  readonly #options: ServerConnectionOptions;
  readonly #reader: RequestReader;
  readonly #keepAlive: string;
  #phase: Phase = 'new';
  /** When the phase began; a body's time counts from its head on. */
  #since = performance.now();
  #head: RequestHead | undefined;
  #response: SocketResponse | undefined;
  #sink: BodySink | undefined;
  #bodyBytes = 0;
  #drain: DrainDeadline | undefined;
  #lingering: NodeJS.Timeout | undefined;
  readonly #probe = new HalfOpenProbe();
  #saysNoMore = false;

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#keepAlive = keepAliveField(options.timeouts.keepAliveMs);
    this.#reader = new RequestReader({
      head: (head) => this.#begin(head),
      data: (part) => {
        this.#bodyBytes += part.length;
        this.#sink?.data(part);
      },
      end: () => this.#bodyEnded(),
    });
    readFrom(socket, (chunk) => this.#take(chunk));
    socket
      .on('end', () => this.#clientEnded())
      // What ends in an error is closed after it.
      .on('error', () => {})
      .on('close', () => this.#closed());
  }

  get head(): RequestHead {
    return this.#head as RequestHead;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get missing(): number | undefined {
    if (this.#phase === 'answer') return 0;
    const { framing } = this.head;
    return framing === 'chunks' ? undefined : framing - this.#bodyBytes;
  }

  takeBody(sink: BodySink): void {
    this.#sink = sink;
  }

  /** Ends the connection if nothing is asked on it. */
  closeIfIdle(): void {
    if (this.#phase === 'new' || this.#phase === 'idle' || this.#phase === 'head') this.#socket.destroySoon();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Looks whether the client takes too long. */
  check(now: number): void {
    if (this.#response?.ended === true && !this.#response.isLeft) return this.#watchDrain(now);
    const { headersMs, bodyMs, keepAliveMs } = this.#options.timeouts;
    const ms = now - this.#since;
    if (this.#phase === 'idle' ? ms > keepAliveMs : this.#phase === 'new' && ms > headersMs)
      this.#socket.destroySoon();
    else if (this.#phase === 'head' ? ms > headersMs : this.#phase === 'body' && ms > bodyMs)
      this.#refuse(new MessageError('The request did not arrive in time.', 408));
  }

  #take(chunk: Buffer): void {
    if (this.#phase !== 'linger') this.#read(chunk);
  }

  /** @param chunk without it, what came early is read. */
  #read(chunk: Buffer | undefined): void {
    try {
      if (chunk) this.#reader.push(chunk);
      else this.#reader.expect();
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return this.#refuse(error);
    }
    const { heldBytes } = this.#reader;
    if (heldBytes > 0 && (this.#phase === 'new' || this.#phase === 'idle')) this.#enter('head');
    if (heldBytes > MAX_EARLY_BYTES) this.#socket.pause();
  }

  #begin(head: RequestHead): void {
    if (this.#phase === 'head') this.#phase = 'body';
    else this.#enter('body');
    this.#head = head;
    this.#bodyBytes = 0;
    this.#sink = undefined;
    this.#response = new SocketResponse(this.#socket, head, this.#keepAlive, {
      ended: () => this.#answered(),
    });
    this.#options.request(this, this.#response);
  }

  #bodyEnded(): void {
    if (this.#phase === 'linger') return;
    this.#phase = 'answer';
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end();
    // Refused before the body had come, and the answer has left.
    if (this.#response?.isLeft === true) this.#turn();
  }

  #answered(): void {
    if (this.#socket.writableLength === 0) this.#left();
    else this.#socket.write('', () => this.#left());
  }

  #left(): void {
    const response = this.#response;
    if (!response || response.isLeft || this.#socket.destroyed) return;
    response.leave();
    if (response.last || this.#options.stopping()) {
      if (this.#phase === 'answer') this.#socket.destroySoon();
      else this.#linger('');
    } else if (this.#phase === 'answer') this.#turn();
  }

  #turn(): void {
    this.#response = undefined;
    this.#drain = undefined;
    this.#enter('idle');
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#read(undefined);
    if (this.#saysNoMore && this.#phase !== 'answer') this.#socket.end();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#since = performance.now();
  }

  #watchDrain(now: number): void {
    const waiting = this.#socket.writableLength;
    this.#drain ??= new DrainDeadline(this.#options.timeouts);
    if (!this.#drain.isOver(now, waiting)) return;
    this.#options.cut(waiting);
    this.#socket.destroy();
  }

  /** Bytes that follow a request in progress get no answer of their own: it would be taken for that request's. */
  #refuse({ status, message }: MessageError): void {
    this.#options.refused(status, message);
    if (this.#response?.begun === true) return void this.#socket.destroy();
    this.#response?.leave();
    this.#linger(finalResponse(status, errorBody(refusalText(status, message))));
  }

  /**
   * Closing a socket while bytes of the client are unread makes the kernel send a reset, and the client may then never
   * see the answer: so what still comes is thrown away for a while.
   */
  #linger(text: string): void {
    this.#phase = 'linger';
    this.#sink = undefined;
    this.#socket.end(text);
    this.#socket.resume();
    this.#lingering = setTimeout(() => this.#socket.destroy(), this.#options.timeouts.lingerMs);
    this.#lingering.unref();
  }

  /** It says no more, and may still read: what it has asked for is answered, if that is soon. */
  #clientEnded(): void {
    const response = this.#response;
    if (!response || response.isLeft) return void this.#socket.end();
    if (response.ended) {
      this.#saysNoMore = true;
      return;
    }
    // A stream without an end is of use to nobody any more, nor is a request without its end. An older client cannot
    // be asked whether it is still there.
    const { method, takesChunks } = this.head;
    if (this.#phase === 'body' || method === 'GET' || !takesChunks) return void this.#socket.destroy();
    this.#saysNoMore = true;
    this.#probe.begin(response);
  }

  #closed(): void {
    clearTimeout(this.#lingering);
    this.#probe.stop();
    this.#sink = undefined;
    this.#response?.leave();
    this.#options.gone(this);
  }
}

function keepAliveField(ms: number): string {
  return `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(ms / 1000)}\r\n`;
}
