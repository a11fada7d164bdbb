/** The clients of a proxy that runs in the background: each attaches over the door's socket and is a session of its own. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ControlAnswer } from '../../control/control-server.ts';
import type { Clock } from '../../core/clock.ts';
import { listModeNamed } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { ServedProxy } from '../../server/served-proxy.ts';
import { openStdioEndpoint, type StdioEndpoint } from '../../server/stdio-endpoint.ts';

export interface SharedClientsOptions {
  readonly served: ServedProxy;
  readonly maxMessageBytes: number;
  /** At a time. */
  readonly most: number;
  /** How long to stay without clients. */
  readonly idleExitMs: () => number;
  /** Nobody is here, and nobody can come any more. */
  readonly deserted: (why: string) => void;
  /** From now on new clients look elsewhere. */
  readonly withdraw: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whoever started us is on its way. */
const FIRST_CLIENT_MS = 10_000;
/** How long what is under way may take to end where a client says no more; its own end waits a little longer. */
const LAST_ANSWERS_MS = 1500;

export class SharedClients {
  readonly #options: SharedClientsOptions;
  readonly #faces = new Map<Socket, StdioEndpoint>();
  #retired = false;
  #cancelIdle: () => void;

  constructor(options: SharedClientsOptions) {
    this.#options = options;
    this.#cancelIdle = this.#after(Math.max(options.idleExitMs(), FIRST_CLIENT_MS));
  }

  /** To the requests at the door. */
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
    this.#options.log.info({ why, clients: this.#faces.size }, 'takes no more clients');
    this.#options.withdraw().catch((error: unknown) => {
      this.#options.log.warn({ why: messageOf(error) }, 'could not take the files of this run away');
    });
    if (this.#faces.size === 0) this.#options.deserted(why);
  }

  async close(drainMs: number): Promise<void> {
    this.#retired = true;
    this.#cancelIdle();
    await Promise.all([...this.#faces.values()].map((face) => face.close(drainMs)));
  }

  #attach(socket: Socket, rest: Buffer, list: unknown): void {
    if (this.#retired) {
      socket.end('{"error":"this proxy takes no more clients"}\n');
      return;
    }
    const { most } = this.#options;
    if (this.#faces.size >= most) {
      const full = `the shared proxy has ${this.#faces.size} clients already (limits.attached)`;
      this.#options.log.warn({ clients: this.#faces.size }, 'a client was turned away (limits.attached)');
      socket.end(`${JSON.stringify({ error: full, full: true })}\n`);
      return;
    }
    this.#cancelIdle();
    // A client that says no more may still wait for answers.
    socket.allowHalfOpen = true;
    socket.write('{"attached":true}\n');
    if (rest.length > 0) socket.unshift(rest);
    const { served, maxMessageBytes, clock, log } = this.#options;
    const face = openStdioEndpoint({
      served,
      stdin: socket,
      stdout: socket,
      clientId: randomUUID(),
      list: typeof list === 'string' ? listModeNamed(list) : undefined,
      maxMessageBytes,
      clock,
      log,
      ended: (_why, reads) => void this.#left(socket, face, reads ? LAST_ANSWERS_MS : 0),
    });
    this.#faces.set(socket, face);
    // The door had it paused.
    socket.resume();
  }

  async #left(socket: Socket, face: StdioEndpoint, drainMs: number): Promise<void> {
    // It may be gone in the meantime, or we.
    if (!this.#faces.has(socket)) return;
    await face.close(drainMs);
    this.#faces.delete(socket);
    socket.destroy();
    if (this.#faces.size > 0) return;
    if (this.#retired) this.#options.deserted('the last client has left');
    else this.#cancelIdle = this.#after(this.#options.idleExitMs());
  }

  #after(ms: number): () => void {
    return this.#options.clock.after(ms, () => this.retire('no client is left'));
  }
}
