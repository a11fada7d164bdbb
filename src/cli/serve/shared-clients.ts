/** The clients of a proxy that runs in the background: each attaches over the control socket and is a session of its own. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ControlAnswer } from '../../control/control-server.ts';
import type { Clock } from '../../core/clock.ts';
import { listModeNamed } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { ServedProxy } from '../../server/served-proxy.ts';
import { StdioEndpoint } from '../../server/stdio-endpoint.ts';

export interface SharedClientsOptions {
  readonly served: ServedProxy;
  readonly maxMessageBytes: number;
  /** The number of clients at a time. */
  readonly most: number;
  /** The time to stay without clients. */
  readonly idleExitMs: () => number;
  /** Called when no client is attached and none can come any more. */
  readonly deserted: (why: string) => void;
  /** Has new clients look elsewhere from now on. */
  readonly withdraw: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The client that started this proxy attaches within this time. */
const FIRST_CLIENT_MS = 10_000;
/** Requests under way get this time after the end of a client's input; the client's own process waits a little longer. */
const LAST_ANSWERS_MS = 1500;

export class SharedClients {
  readonly #options: SharedClientsOptions;
  readonly #endpoints = new Map<Socket, StdioEndpoint>();
  #retired = false;
  #cancelIdle: () => void;

  constructor(options: SharedClientsOptions) {
    this.#options = options;
    this.#cancelIdle = this.#after(Math.max(options.idleExitMs(), FIRST_CLIENT_MS));
  }

  /** Answers to the requests that come over the control socket. */
  get answers(): ReadonlyMap<string, ControlAnswer> {
    return new Map<string, ControlAnswer>([
      ['attach', ({ list }, { socket, rest }) => this.#attach(socket, rest, list)],
      [
        'retire',
        (_, { socket }) => {
          this.retire('another proxy takes its place');
          socket.end('{"retired":true}\n');
        },
      ],
    ]);
  }

  /** Takes no more clients, and ends with the last one it has. */
  retire(why: string): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#options.log.info({ why, clients: this.#endpoints.size }, 'takes no more clients');
    this.#options.withdraw().catch((error: unknown) => {
      this.#options.log.warn({ why: messageOf(error) }, 'could not take the files of this run away');
    });
    if (this.#endpoints.size === 0) this.#options.deserted(why);
  }

  async close(drainMs: number): Promise<void> {
    this.#retired = true;
    this.#cancelIdle();
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close(drainMs)));
  }

  #attach(socket: Socket, rest: Buffer, list: unknown): void {
    if (this.#retired) {
      socket.end('{"error":"this proxy takes no more clients"}\n');
      return;
    }
    const { most } = this.#options;
    if (this.#endpoints.size >= most) {
      const full = `the shared proxy has ${this.#endpoints.size} clients already`;
      this.#options.log.warn({ clients: this.#endpoints.size }, 'a client was turned away');
      socket.end(`${JSON.stringify({ error: full, full: true })}\n`);
      return;
    }
    this.#cancelIdle();
    // A client that says no more may still wait for answers.
    socket.allowHalfOpen = true;
    socket.write('{"attached":true}\n');
    if (rest.length > 0) socket.unshift(rest);
    const { served, maxMessageBytes, clock, log } = this.#options;
    const endpoint = new StdioEndpoint({
      served,
      stdin: socket,
      stdout: socket,
      clientId: randomUUID(),
      list: typeof list === 'string' ? listModeNamed(list) : undefined,
      maxMessageBytes,
      clock,
      log,
      ended: (_why, reads) => void this.#left(socket, endpoint, reads ? LAST_ANSWERS_MS : 0),
    });
    this.#endpoints.set(socket, endpoint);
    // The control server has paused the socket.
    socket.resume();
  }

  async #left(socket: Socket, endpoint: StdioEndpoint, drainMs: number): Promise<void> {
    // The socket may have ended in the meantime, or this proxy.
    if (!this.#endpoints.has(socket)) return;
    await endpoint.close(drainMs);
    this.#endpoints.delete(socket);
    socket.destroy();
    if (this.#endpoints.size > 0) return;
    if (this.#retired) this.#options.deserted('the last client has left');
    else this.#cancelIdle = this.#after(this.#options.idleExitMs());
  }

  #after(ms: number): () => void {
    return this.#options.clock.after(ms, () => this.retire('no client is left'));
  }
}
