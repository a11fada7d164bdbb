/**
 * The connections to one origin: so many at a time, kept open between requests, one request at a time on each.
 *
 * Does what undici's `Pool` does, and makes use of it that from one request to the next hardly anything but the body
 * changes. Nothing is sent twice: whether a request may go again is for others to say.
 */
import type { Dispatcher } from 'undici';
import { ClientConnection } from './connection.ts';
import { PendingRequest, type HttpRequest } from './pending-request.ts';

export interface ConnectionPoolOptions {
  readonly origin: URL;
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #all = new Set<ClientConnection>();
  /** The one that was used last goes first: it is the least likely to have been closed by the server. */
  readonly #idle: ClientConnection[] = [];
  /**
   * Those whose answer has just ended. What else the server sends must have had its chance to come before the next
   * request goes out, or it would be taken for that one's answer.
   */
  readonly #settling = new Set<ClientConnection>();
  /** Those of them whose answer ended in this turn. */
  #ended: ClientConnection[] = [];
  readonly #queue: PendingRequest[] = [];
  #destroyed = false;

  /** @throws TypeError where the origin is none for HTTP. */
  constructor(options: ConnectionPoolOptions) {
    const { protocol } = options.origin;
    if (protocol !== 'http:') throw new TypeError(`"${protocol}" is not plain HTTP`);
    this.#options = options;
  }

  /** Never throws: the handler is told what becomes of the request. */
  dispatch(request: HttpRequest, handler: Dispatcher.DispatchHandler): void {
    const job = new PendingRequest(request, handler);
    if (this.#destroyed) return job.fail(new Error('closed'));
    const idle = this.#idle.pop();
    if (idle) idle.take(job);
    // One of them is free before another connection could have come about.
    else if (this.#settling.size > this.#queue.length) {
      this.#queue.push(job);
      setImmediate(() => {});
    } else if (this.#all.size < this.#options.connections) this.#open(job);
    else this.#queue.push(job);
  }

  destroy(): Promise<void> {
    this.#destroyed = true;
    const error = new Error('closed');
    for (const job of this.#queue.splice(0)) job.fail(error);
    for (const connection of this.#all) connection.fail(error);
    return Promise.resolve();
  }

  #open(job: PendingRequest): void {
    const { origin, connectTimeoutMs } = this.#options;
    const connection: ClientConnection = new ClientConnection({
      origin,
      connectTimeoutMs,
      events: {
        free: () => {
          this.#settling.add(connection);
          if (this.#ended.push(connection) === 1) this.#unhurried(setImmediate(this.#turnEnds));
        },
        gone: () => this.#gone(connection),
      },
    });
    this.#all.add(connection);
    connection.take(job);
  }

  /** Only where somebody waits does the next turn come sooner than it would. */
  #unhurried(immediate: NodeJS.Immediate): void {
    if (this.#queue.length === 0) immediate.unref();
  }

  /** Still in the turn in which the answer ended. */
  readonly #turnEnds = (): void => {
    this.#unhurried(setImmediate(this.#settle, this.#ended));
    this.#ended = [];
  };

  /** Sockets have been looked at since. */
  readonly #settle = (connections: readonly ClientConnection[]): void => {
    for (const connection of connections) {
      if (!this.#settling.delete(connection)) continue;
      const next = this.#queue.shift();
      if (next) connection.take(next);
      else this.#idle.push(connection);
    }
  };

  #gone(connection: ClientConnection): void {
    this.#all.delete(connection);
    this.#settling.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const next = this.#queue.shift();
    if (next) this.#open(next);
  }
}
