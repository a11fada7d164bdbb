/** One connection of a client: reads a request, has it answered, then reads the next. */
import type { Socket } from 'node:net';
import { errorBody } from './error-body.ts';
import { MessageError } from '../http1/message-reader.ts';
import { type RequestHead, RequestReader } from '../http1/request-reader.ts';
import { lastWord, ResponseWriter } from './response.ts';
import { readFrom } from '../bytes/socket-reader.ts';

/** Takes a body as it comes; not told if it never comes to its end. */
export interface BodySink {
  data(part: Buffer): void;
  end(): void;
}

export interface IncomingRequest {
  readonly head: RequestHead;
  readonly localAddress: string | undefined;
  /** How much of the body is still to come, in bytes; unknown where it comes in chunks. */
  readonly missing: number | undefined;
  /** Without it the body is thrown away. */
  takeBody(sink: BodySink): void;
}

export interface ServerConnectionOptions {
  readonly timeouts: ConnectionTimeouts;
  readonly request: (request: IncomingRequest, response: ResponseWriter) => void;
  /** Bytes that were no request were answered, or came too slowly. */
  readonly refused: (status: number, why: string) => void;
  /** No connection is to take another request. */
  readonly stopping: () => boolean;
  /** It was ended because its client does not take its answer. */
  readonly cut: (waitingBytes: number) => void;
  readonly gone: (connection: ServerConnection) => void;
}

export interface ConnectionTimeouts {
  /** For the head of a request. */
  readonly headersMs: number;
  /** For head and body together. */
  readonly bodyMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  /** A client may take this long for what is left of a finished answer, and longer by its size. */
  readonly drainMs: number;
  readonly drainBytesPerSecond: number;
  /** How long what comes after a last answer is thrown away before the connection is closed. */
  readonly lingerMs: number;
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
  #response: ResponseWriter | undefined;
  #sink: BodySink | undefined;
  #bodyBytes = 0;
  #drainedBy: number | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #halfOpen: NodeJS.Timeout | undefined;
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
    this.#response = new ResponseWriter(this.#socket, head, this.#keepAlive, {
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
    this.#drainedBy = undefined;
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
    const { drainMs, drainBytesPerSecond } = this.#options.timeouts;
    const waiting = this.#socket.writableLength;
    this.#drainedBy ??= now + drainMs + (waiting / drainBytesPerSecond) * 1000;
    if (now <= this.#drainedBy) return;
    this.#options.cut(waiting);
    this.#socket.destroy();
  }

  /** Bytes that follow a request in progress get no answer of their own: it would be taken for that request's. */
  #refuse({ status, message }: MessageError): void {
    this.#options.refused(status, message);
    if (this.#response?.begun === true) return void this.#socket.destroy();
    this.#response?.leave();
    this.#linger(lastWord(status, errorBody(REASONS.get(status) ?? message)));
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
    this.#probe(response, PROBES_MS);
  }

  /** The end of a connection looks the same whether one side of it or both have ended, until something is written. */
  #probe(response: ResponseWriter, [afterMs, ...later]: readonly number[]): void {
    if (response.ended) return;
    if (afterMs === undefined) return void this.#socket.destroy();
    response.probe();
    this.#halfOpen = setTimeout(() => this.#probe(response, later), afterMs);
    this.#halfOpen.unref();
  }

  #closed(): void {
    clearTimeout(this.#lingering);
    clearTimeout(this.#halfOpen);
    this.#sink = undefined;
    this.#response?.leave();
    this.#options.gone(this);
  }
}

/** The pauses after each probe: one that is gone is known by the second at the latest; one that is there gets 2 s. */
const PROBES_MS = [100, 400, 1500];

const REASONS: ReadonlyMap<number, string> = new Map([
  [400, 'This is no valid HTTP request.'],
  [413, 'The chunk extensions are too large.'],
  [431, 'The headers are too large.'],
]);

function keepAliveField(ms: number): string {
  return `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(ms / 1000)}\r\n`;
}
