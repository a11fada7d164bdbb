/** The connections of a server that reads and writes HTTP itself (`http.server: "own"`). */
import { createServer, type Server, type Socket } from 'node:net';
import { ServerConnection } from './connection.ts';
import type { ServerConnections, ServerConnectionsOptions } from './incoming-request.ts';
import { checkIntervalMs } from './slow-clients.ts';

export class OwnConnections implements ServerConnections {
  readonly server: Server = createServer({ noDelay: true, allowHalfOpen: true });
  readonly #all = new Set<ServerConnection>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ServerConnectionsOptions) {
    const gone = (connection: ServerConnection): void => void this.#all.delete(connection);
    const each = { ...options, gone };
    this.server.on('connection', (socket: Socket) => {
      this.#all.add(new ServerConnection(socket, each));
    });
    this.#timer = setInterval(() => this.#check(), checkIntervalMs(options.timeouts));
    this.#timer.unref();
  }

  get size(): number {
    return this.#all.size;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
    clearInterval(this.#timer);
  }

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
}
