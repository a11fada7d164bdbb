/**
 * The connections of a server whose HTTP is read and written by Node itself (`http.server: "node"`).
 *
 * `node:http` accepts more than our own reader does; what could be read in two ways is refused here as well.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { MessageError } from '../http1/message-error.ts';
import { MAX_HEAD_BYTES } from '../http1/limits.ts';
import { requestHeadOf } from '../http1/request-reader.ts';
import { finalResponse } from '../http1/response-text.ts';
import { errorBody } from './error-body.ts';
import type { ServerConnections, ServerConnectionsOptions } from './incoming-request.ts';
import { NodeRequest, NodeResponse } from './node-exchange.ts';
import { refusalText } from './refusal.ts';
import { checkIntervalMs, HalfOpenProbe } from './slow-clients.ts';

interface OpenSocket {
  /** The response under way: it has not left. */
  response: NodeResponse | undefined;
  /** Requests that the client has pipelined. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
  /** Bytes that are no request have come behind the one under way. */
  refusal: MessageError | undefined;
  /** The final response is written: whatever still comes is thrown away. */
  isRefused: boolean;
  readonly probe: HalfOpenProbe;
}

export class NodeConnections implements ServerConnections {
  readonly server: Server;
  readonly #options: ServerConnectionsOptions;
  readonly #sockets = new Map<Duplex, OpenSocket>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ServerConnectionsOptions) {
    this.#options = options;
    const { headersMs, bodyMs, keepAliveMs } = options.timeouts;
    const checkMs = checkIntervalMs(options.timeouts);
    this.server = createServer({
      noDelay: true,
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: Math.min(headersMs, bodyMs),
      requestTimeout: bodyMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkMs,
    });
    // Node would leave out the fields beyond its limit without a word.
    this.server.maxHeadersCount = 0;
    Object.assign(this.server, {
      // A client that has ended its side may still read.
      httpAllowHalfOpen: true,
      // When the server closes, Node would end connections whose answers are written, but have not left.
      closeIdleConnections() {},
    });
    this.#listen();
    this.#timer = setInterval(() => this.#check(), checkMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
    clearInterval(this.#timer);
  }

  closeIdle(): void {
    // A connection on which nothing was ever asked counts as active there.
    for (const [socket, { response }] of this.#sockets) if (!response) destroySoon(socket);
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #listen(): void {
    const take = (request: IncomingMessage, response: ServerResponse): void => this.#take(request, response);
    this.server
      .on('connection', (socket: Socket) => this.#opened(socket))
      .on('request', take)
      .on('checkContinue', take)
      .on('checkExpectation', take)
      .on('connect', (_: IncomingMessage, socket: Duplex) =>
        this.#refuse(socket, new MessageError('CONNECT')),
      )
      .on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
        this.#refuse(socket, new MessageError(error.message, STATUSES.get(error.code ?? ''))),
      );
  }

  #opened(socket: Socket): void {
    const probe = new HalfOpenProbe();
    this.#sockets.set(socket, {
      response: undefined,
      waiting: [],
      refusal: undefined,
      isRefused: false,
      probe,
    });
    socket
      .on('end', () => this.#clientEnded(socket))
      .on('close', () => {
        probe.stop();
        this.#sockets.delete(socket);
      });
  }

  #take(message: IncomingMessage, raw: ServerResponse): void {
    const { socket } = message;
    const open = this.#sockets.get(socket);
    if (!open) socket.destroy();
    else if (open.isRefused) message.resume();
    else if (open.response) open.waiting.push([message, raw]);
    else this.#begin(open, message, raw);
  }

  #begin(open: OpenSocket, message: IncomingMessage, raw: ServerResponse): void {
    const { socket } = message;
    let head;
    try {
      head = requestHeadOf(message);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return this.#refuse(socket, error);
    }
    open.response = new NodeResponse(raw, head, {
      timeouts: this.#options.timeouts,
      left: () => this.#left(open, socket),
    });
    this.#options.request(new NodeRequest(message, head), open.response);
  }

  #left(open: OpenSocket, socket: Socket): void {
    open.response = undefined;
    if (this.#options.stopping()) return destroySoon(socket);
    const next = socket.destroyed ? undefined : open.waiting.shift();
    if (next) this.#begin(open, ...next);
    else if (open.refusal) this.#refuse(socket, open.refusal);
  }

  #refuse(socket: Duplex, error: MessageError): void {
    const open = this.#sockets.get(socket);
    const { status, message } = error;
    // An answer to these bytes would be taken for the answer to the request before them.
    if (open?.response?.hasWholeRequest === true) {
      open.refusal = error;
      return;
    }
    if ((socket as Socket).bytesRead === 0) return destroySoon(socket);
    this.#options.refused(status, message);
    if (!socket.writable || open?.response?.begun === true) return void socket.destroy();
    if (open) open.isRefused = true;
    socket.end(finalResponse(status, errorBody(refusalText(status, message))));
    lingers(socket, this.#options.timeouts.lingerMs);
  }

  #clientEnded(socket: Socket): void {
    const open = this.#sockets.get(socket);
    const response = open?.response;
    if (!open || !response || response.ended) return;
    if (response.endsWithClient) socket.destroy();
    else open.probe.begin(response);
  }

  #check(): void {
    const now = performance.now();
    for (const { response } of this.#sockets.values()) {
      if (response?.isOverdue(now) !== true) continue;
      this.#options.cut(response.waitingBytes);
      response.destroy();
    }
  }
}

const STATUSES: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

function destroySoon(socket: Duplex): void {
  (socket as Socket).destroySoon();
}

/** Closing a socket with unread bytes resets it, and the client may never see the answer. */
function lingers(socket: Duplex, ms: number): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), ms);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
