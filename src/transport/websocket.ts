/** The link to a server that speaks MCP over a WebSocket, one message a frame. */
import type { IncomingMessage } from 'node:http';
import { type RawData, WebSocket } from 'ws';
import { type Clock, systemClock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { bytesOf, lengthOf, type EncodedMessage } from '../json/message-text.ts';
import { GuardedEvents } from './guarded-events.ts';
import { badResponse, redirectError, transportError } from './http-client/errors.ts';
import { statusError } from './http-client/status-error.ts';
import type { Headers } from './http-client/request-headers.ts';
import { crowdControl, passOver, takeIn } from './message-reader.ts';
import type { Link, LinkEvents, LinkLimits, OpenLink, Outgoing } from './link.ts';
import { messageText } from '../json/long-text.ts';
import { SendQueue, type Sink } from './bytes/send-queue.ts';
import { OversizedScanner } from '../json/oversized.ts';

export interface WebSocketOptions {
  /** The server's name, for messages. */
  readonly describe: string;
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly headers?: Headers | undefined;
  readonly limits: LinkLimits;
  readonly connectTimeoutMs: number;
  /** The pause between two pings, and the time that a pong may take. */
  readonly pingMs?: number | undefined;
  readonly pongMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A message larger than allowed is read and thrown away. One several times as large ends the connection, since
 * there is no way to skip it: `closed` then comes with `RESULT_TOO_LARGE`.
 */
export function openWebSocket(options: WebSocketOptions): OpenLink {
  return (events) => {
    const guarded = new GuardedEvents(events);
    try {
      return new WebSocketLink(options, guarded);
    } catch {
      setImmediate(() => guarded.closed(badAddress(options.describe)));
      return { send: () => {}, close: () => Promise.resolve(guarded.closed(undefined)) };
    }
  };
}

/** Pings are answered while no more than this waits, so that a flood of them costs no memory. */
const PONG_ROOM = 64 * 1024;
const CLOSE_MS = 1000;
/** So many times the limit is still read, to tell whose answer it is. */
const READ_OVER = 4;

class WebSocketLink implements Link {
  readonly #options: WebSocketOptions;
  readonly #events: GuardedEvents;
  readonly #socket: WebSocket;
  readonly #frames: Frames;
  readonly #outbox: SendQueue;
  readonly #clock: Clock;
  #opened = false;
  #heard = false;
  #stopPinging: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor(options: WebSocketOptions, events: GuardedEvents) {
    this.#options = options;
    this.#events = events;
    this.#clock = options.clock ?? systemClock;
    this.#socket = new WebSocket(options.url, ['mcp'], {
      headers: { ...options.headers },
      perMessageDeflate: false,
      maxPayload: READ_OVER * options.limits.messageBytes,
      handshakeTimeout: options.connectTimeoutMs,
      followRedirects: false,
      autoPong: false,
    });
    this.#frames = new Frames(this.#socket);
    this.#outbox = new SendQueue(this.#frames, {
      server: options.describe,
      queueBytes: options.limits.queueBytes,
      events,
    });
    this.#listen(this.#socket, events);
  }

  send(message: Outgoing): void {
    this.#outbox.send(message);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #listen(socket: WebSocket, events: LinkEvents): void {
    const { describe: server, limits } = this.#options;
    socket.once('open', () => this.#open());
    const counted = crowdControl(socket);
    socket.on('message', (data: RawData, isBinary) => {
      this.#heard = true;
      counted();
      if (isBinary) events.odd('a binary frame was skipped');
      else this.#take(data as Buffer, events);
    });
    socket.on('ping', (data: Buffer) => {
      this.#heard = true;
      if (socket.bufferedAmount <= PONG_ROOM) socket.pong(data);
    });
    socket.on('pong', () => (this.#heard = true));
    socket.once('unexpected-response', (_, response) => this.#fail(refused(server, response)));
    socket.on('error', (error) =>
      this.#fail(
        socketError(server, error, { opened: this.#opened, messageBytes: READ_OVER * limits.messageBytes }),
      ),
    );
    socket.once('close', (code: number) =>
      this.#fail(badResponse(server, `closed the connection (code ${code})`)),
    );
  }

  #take(message: Buffer, events: LinkEvents): void {
    const { describe: server, limits } = this.#options;
    if (message.length <= limits.messageBytes) return takeIn(messageText(message), events);
    const scanner = new OversizedScanner();
    scanner.scan(message);
    passOver(scanner.result, { server, messageBytes: limits.messageBytes, events });
  }

  #open(): void {
    this.#opened = true;
    this.#frames.open();
    this.#pingLater();
  }

  #pingLater(): void {
    const { pingMs = 30_000 } = this.#options;
    this.#stopPinging = this.#clock.after(pingMs, () => this.#ping());
  }

  #ping(): void {
    const { describe: server, pongMs = 10_000 } = this.#options;
    this.#heard = false;
    this.#socket.ping();
    this.#stopPinging = this.#clock.after(pongMs, () => {
      if (this.#heard) this.#pingLater();
      else this.#fail(badResponse(server, 'gives no sign of life on its WebSocket connection'));
    });
  }

  #fail(error: ProxyError): void {
    this.#stopPinging();
    this.#events.closed(this.#closing ? undefined : error);
    this.#socket.terminate();
  }

  async #close(): Promise<void> {
    const socket = this.#socket;
    this.#stopPinging();
    if (socket.readyState !== WebSocket.CLOSED)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
        socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        socket.close(1000);
      });
    this.#events.closed(undefined);
  }
}

/** Keeps what is sent before the connection stands. */
class Frames implements Sink {
  readonly #socket: WebSocket;
  #early: EncodedMessage[] | undefined = [];
  #earlyBytes = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get waitingBytes(): number {
    return this.#earlyBytes + this.#socket.bufferedAmount;
  }

  write(message: EncodedMessage): void {
    if (!this.#early) return this.#send(message);
    this.#early.push(message);
    this.#earlyBytes += lengthOf(message);
  }

  open(): void {
    for (const message of this.#early ?? []) this.#send(message);
    this.#early = undefined;
    this.#earlyBytes = 0;
  }

  #send(message: EncodedMessage): void {
    if (typeof message === 'string') this.#socket.send(message);
    else this.#socket.send(bytesOf(message), { binary: false });
  }
}

/** Errors of a WebSocket, as errors of ours. */
interface SocketState {
  readonly opened: boolean;
  readonly messageBytes: number;
}

function socketError(server: string, error: Error, { opened, messageBytes }: SocketState): ProxyError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
    return new ProxyError('RESULT_TOO_LARGE', {
      message: `"${server}" sent more than the ${messageBytes} bytes that are taken in, which ends a WebSocket connection.`,
      server,
      // Which of the requests under way it would have answered is not known.
      delivered: 'unknown',
    });
  if (code.startsWith('WS_ERR')) return badResponse(server, `broke the WebSocket protocol (${code})`);
  return transportError(server, withCode(error), opened);
}

/** The server answered the upgrade with something else. */
function refused(server: string, response: IncomingMessage): ProxyError {
  const { statusCode: status = 0, headers } = response;
  response.resume();
  if (status >= 300 && status < 400) return redirectError(server, headers);
  return statusError(server, status, headers, '');
}

/** Without a cause: it would quote the address, which may hold secrets. */
function badAddress(server: string): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" could not be reached: its address or a header field is not valid.`,
    server,
    delivered: false,
  });
}

/** ws tells by words alone that its handshake took too long. */
function withCode(error: Error): Error {
  if (error.message !== 'Opening handshake has timed out') return error;
  return Object.assign(new Error(error.message), { code: 'ETIMEDOUT' });
}
