/** One connection of `ConnectionPool`: writes a request, reads its response, waits for the next. */
import { connect, type Socket } from 'node:net';
import { byteLengthOf, inParts } from '../../json/message-text.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import { requestHead } from '../http1/request-text.ts';
import type { Channel, PendingRequest } from './pending-request.ts';
import { ResponseReader } from '../http1/response-reader.ts';
import { socketReader } from '../bytes/socket-reader.ts';

export interface ClientConnectionOptions {
  readonly origin: URL;
  readonly connectTimeoutMs: number;
  readonly events: {
    /** The response is complete, and the connection can take the next request. */
    free(): void;
    gone(): void;
  };
}

/** An unused connection is kept this long where the server gives no time: one that the server closes first may take a request with it. */
const IDLE_MS = 4000;
/** As much earlier than the server says. */
const IDLE_MARGIN_MS = 2000;
const LONGEST_IDLE_MS = 600_000;
/** The system's pause before it looks whether a silent peer is still there. */
const ALIVE_MS = 60_000;

export class ClientConnection implements Channel {
  readonly #events: ClientConnectionOptions['events'];
  readonly #socket: Socket;
  readonly #host: string;
  readonly #reader: ResponseReader;
  readonly #connectTimer: NodeJS.Timeout;
  #job: PendingRequest | undefined;
  #connected = false;
  #gone = false;
  #idleMs = IDLE_MS;
  /** The header fields of the last response; the next one mostly has the same. */
  #headers: ResponseHeaders | undefined;

  constructor({ origin, connectTimeoutMs, events }: ClientConnectionOptions) {
    this.#events = events;
    this.#host = origin.host;
    this.#reader = new ResponseReader({
      head: (status, headers) => this.#head(status, headers),
      data: (chunk) => this.#job?.data(chunk),
      end: (persists) => this.#end(persists),
    });
    this.#socket = socketTo(origin, (chunk) => this.#read(() => this.#reader.push(chunk)));
    this.#connectTimer = setTimeout(() => this.fail(timedOut()), connectTimeoutMs);
    this.#listen();
  }

  /** Does not wait for the connection to come about. */
  take(job: PendingRequest): void {
    this.#job = job;
    if (!this.#connected) return;
    this.#socket.ref().setTimeout(0);
    this.#write(job);
  }

  fail(error: Error): void {
    const job = this.#job;
    this.#leave();
    job?.fail(error);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #listen(): void {
    this.#socket
      .setNoDelay(true)
      .setKeepAlive(true, ALIVE_MS)
      .once('connect', () => {
        clearTimeout(this.#connectTimer);
        this.#connected = true;
        if (this.#job) this.#write(this.#job);
      })
      .on('end', () => {
        this.#read(() => this.#reader.close());
        this.fail(closed());
      })
      .on('close', () => this.fail(closed()))
      .on('error', (error) => this.fail(error))
      .on('timeout', () => this.fail(closed()));
  }

  #write(job: PendingRequest): void {
    const { request } = job;
    if (!job.begin(this)) {
      this.#job = undefined;
      job.fail(job.reason ?? closed());
      return this.#rest();
    }
    // It may have been told to end meanwhile.
    if (this.#job !== job) return;
    const { method, path, body } = request;
    const fields = (request.headers ?? []) as readonly string[];
    const head = requestHead({ method, path, host: this.#host }, fields);
    if (!head) return this.fail(notAllowed());
    const start = head.text;
    this.#reader.expect();
    const parts = body === undefined ? undefined : inParts(body);
    if (typeof parts === 'string' && head.ascii)
      this.#socket.write(`${start}content-length: ${Buffer.byteLength(parts)}\r\n\r\n${parts}`);
    else {
      const length = parts === undefined ? '' : `content-length: ${byteLengthOf(parts)}\r\n`;
      this.#socket.cork();
      this.#socket.write(`${start}${length}\r\n`, 'latin1');
      for (const part of typeof parts === 'string' ? [parts] : (parts ?? [])) this.#socket.write(part);
      this.#socket.uncork();
    }
  }

  #head(status: number, headers: ResponseHeaders): void {
    if (headers !== this.#headers) {
      this.#headers = headers;
      this.#idleMs = idleMsIn(headers);
    }
    this.#job?.head(status, headers);
  }

  #end(persists: boolean): void {
    const job = this.#job;
    this.#job = undefined;
    if (persists && this.#idleMs > 0 && this.#socket.writableLength === 0 && job?.paused === false)
      this.#rest();
    else this.#leave();
    job?.end();
  }

  #rest(): void {
    if (this.#gone) return;
    this.#socket.unref().setTimeout(this.#idleMs);
    this.#events.free();
  }

  #read(work: () => void): void {
    if (this.#gone) return;
    try {
      work();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#job = undefined;
    clearTimeout(this.#connectTimer);
    this.#socket.destroy();
    this.#events.gone();
  }
}

/** The time that a connection may be kept, going by the server's `Keep-Alive`. */
function idleMsIn({ 'keep-alive': hint }: ResponseHeaders): number {
  const seconds =
    typeof hint === 'string' ? /(?:^|[,\s])timeout=(\d{1,6})(?![\w.])/i.exec(hint)?.[1] : undefined;
  return seconds === undefined ? IDLE_MS : Math.min(Number(seconds) * 1000 - IDLE_MARGIN_MS, LONGEST_IDLE_MS);
}

/** @param take gets what comes in. */
function socketTo({ hostname, port }: URL, take: (chunk: Buffer) => void): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  return connect({ host, port: Number(port) || 80, onread: socketReader(take) });
}

function closed(): Error {
  return new Error('other side closed');
}

function timedOut(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
}

function notAllowed(): Error {
  return Object.assign(new Error('characters that HTTP does not allow'), { code: 'ERR_INVALID_CHAR' });
}
