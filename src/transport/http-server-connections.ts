/**
 * The sockets of an HTTP server: what each is busy with, what to say to bytes that are no request, and how
 * all of them end.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Logger } from '../core/logger.ts';
import { refuseSocket, type Refusal } from './http-server-refusal.ts';

export class Connections {
  readonly #server: Server;
  readonly #lingerMs: number;
  readonly #log: Logger;
  /** The latest response of each socket; `undefined` before the first request. */
  readonly #sockets = new Map<Socket, ServerResponse | undefined>();
  readonly #refused = new WeakSet<Socket>();
  #full = false;

  constructor(server: Server, lingerMs: number, log: Logger) {
    this.#server = server;
    this.#lingerMs = lingerMs;
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#failed(error, socket));
    server.on('drop', () => this.#dropped());
  }

  get size(): number {
    return this.#sockets.size;
  }

  begins(req: IncomingMessage, res: ServerResponse): void {
    this.#sockets.set(req.socket, res);
  }

  /** Accepts no more. @returns when the last connection is gone. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      // Not http's own `close`: that cuts answers which are written but have not left yet.
      NetServer.prototype.close.call(this.#server, () => {
        // With nothing left to cut it only stops http's own timer.
        this.#server.close(() => resolve());
      });
    });
  }

  /** Closes the connections on which nothing is asked. */
  closeIdle(): void {
    for (const [socket, res] of this.#sockets) if (isDone(res)) socket.destroySoon();
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #opened(socket: Socket): void {
    this.#full = false;
    this.#sockets.set(socket, undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #failed(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#refused.has(socket)) return;
    const refusal = refusalOf(error.code);
    if (!socket.writable || refusal === undefined || !this.#canAnswer(socket)) return void socket.destroy();
    this.#refused.add(socket);
    this.#log.debug({ status: refusal.status, code: error.code }, 'connection refused');
    refuseSocket(socket, refusal, this.#lingerMs);
  }

  /**
   * Bytes that follow a request in progress get no answer of their own: the client would take it for the
   * answer to that request.
   */
  #canAnswer(socket: Socket): boolean {
    const res = this.#sockets.get(socket);
    return isDone(res) || (!res?.req.complete && !res?.headersSent);
  }

  #dropped(): void {
    if (!this.#full)
      this.#log.warn(
        { connections: this.size },
        'too many connections (limits.connections): further ones are closed',
      );
    this.#full = true;
  }
}

function isDone(res: ServerResponse | undefined): boolean {
  return res === undefined || res.writableFinished || res.destroyed;
}

/** @returns `undefined` where nobody is left to be told. */
function refusalOf(code: string | undefined): Refusal | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') return undefined;
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'The headers are too large.' };
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { status: 413, message: 'The chunk extensions are too large.' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: 'The request did not arrive in time.' };
  return { status: 400, message: 'This is no valid HTTP request.' };
}
