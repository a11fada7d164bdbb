/** All connections of an HTTP server: how many there may be, how long they may take, and how all of them end. */
import type { Server, Socket } from 'node:net';
import type { Logger } from '../../core/logger.ts';
import { type ServerConnectionOptions, ServerConnection } from './connection.ts';

/** At least so often those that take too long are looked for. */
const MAX_CHECK_MS = 5_000;

export class ServerConnections {
  readonly #server: Server;
  readonly #log: Logger;
  readonly #all = new Set<ServerConnection>();
  readonly #timer: NodeJS.Timeout;
  #full = false;

  constructor(server: Server, options: Omit<ServerConnectionOptions, 'gone'>, log: Logger) {
    this.#server = server;
    this.#log = log;
    const each: ServerConnectionOptions = {
      ...options,
      gone: (connection) => void this.#all.delete(connection),
    };
    server.on('connection', (socket: Socket) => {
      this.#full = false;
      this.#all.add(new ServerConnection(socket, each));
    });
    server.on('drop', () => this.#dropped());
    const { headersMs, bodyMs, keepAliveMs, drainMs } = options.timeouts;
    const shortest = Math.min(headersMs, bodyMs, keepAliveMs, drainMs);
    const checkMs = Math.min(MAX_CHECK_MS, Math.ceil(shortest / 4));
    this.#timer = setInterval(() => this.#check(), checkMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#all.size;
  }

  /** Accepts no more. @returns when the last connection is gone. */
  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    clearInterval(this.#timer);
  }

  /** Closes the connections on which nothing is asked. */
  closeIdle(): void {
    for (const connection of this.#all) connection.closeIfIdle();
  }

  cut(): void {
    for (const connection of this.#all) connection.cut();
  }

  #check(): void {
    const now = performance.now();
    for (const connection of this.#all) connection.check(now);
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
