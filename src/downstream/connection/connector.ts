/** Opens connections to one server: the handshake in one era or the other, bounded in time, remembered for the next. */
import type { Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import type { OpenLink } from '../../transport/link.ts';
import type { Transports } from '../transports.ts';
import type { IdentitySource } from './client-info.ts';
import type { Connection } from './connection.ts';
import type { EraOfServer } from './eras.ts';
import { handshake } from './handshake.ts';
import { Tried } from './tried-eras.ts';

export interface ConnectorOptions {
  readonly server: string;
  readonly transports: Transports;
  readonly protocol: string;
  readonly eras: EraOfServer;
  readonly identity: IdentitySource;
  readonly connectTimeoutMs: number;
  readonly open: (open: OpenLink) => Connection;
  /** No connection came about. @param from since when the server could have answered; the clock's time. */
  readonly failed: (from: number) => void;
  readonly clock: Clock;
}

export class Connector {
  readonly #options: ConnectorOptions;
  /** Every connection that is not gone yet: the one in use, one in its handshake, those being ended. */
  readonly #open = new Set<Connection>();
  #closed = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** @throws ProxyError | RpcError after the last way has failed, or `TIMEOUT`. */
  async connect(): Promise<Connection> {
    const { server, clock, eras, protocol, transports, identity, connectTimeoutMs } = this.#options;
    let connection: Connection | undefined;
    let over = false;
    let timedOut = false;
    const tried = new Tried(server);
    let stopTimer: () => void = () => {};
    let from = clock.now();
    const tooLate = new Promise<never>((_, reject) => {
      const arm = (): void => {
        from = clock.now();
        stopTimer = clock.after(connectTimeoutMs, () => {
          timedOut = true;
          reject(this.#timeout(connection, tried.reasons));
        });
      };
      // The time until our own client's handshake is not the server's.
      if (identity.now) arm();
      else void identity.promise.then(arm);
    });
    const done = handshake({
      server,
      transports,
      protocol,
      remembered: eras.get(),
      rememberedVersion: eras.version(),
      tried,
      connectTimeoutMs,
      clock,
      identity: () => identity.promise,
      connect: (open) => {
        if (over || this.#closed) throw this.#timeout();
        return (connection = this.#opened(open));
      },
    });
    try {
      const ready = await Promise.race([done, tooLate]);
      eras.set(ready.connection.agreement.era, ready.onlyVersion);
      return ready.connection;
    } catch (error) {
      done.catch(() => {
        // Reported by the race, or too late to matter.
      });
      over = true;
      void connection?.close();
      if (!this.#closed) this.#options.failed(from);
      // Some servers stay silent when they are asked in the way of the other era.
      if ((transports.kind === 'one' || timedOut) && !this.#closed) eras.forget();
      throw error;
    } finally {
      stopTimer();
    }
  }

  /** Ends what is left of a connection that was lost: its process group may still have to be ended. */
  lost(connection: Connection): void {
    void connection.close().then(() => this.#open.delete(connection));
  }

  /** Opens nothing any more, and ends all that is open. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open].map((connection) => connection.close()));
  }

  #opened(open: OpenLink): Connection {
    const connection = this.#options.open(open);
    this.#open.add(connection);
    return connection;
  }

  #timeout(connection?: Connection, before?: string): ProxyError {
    const { server, connectTimeoutMs } = this.#options;
    const why = connection?.whySilent ?? '';
    const earlier =
      before === undefined ? '' : ` Before that: ${before}. "protocol" in its config says which to speak.`;
    return new ProxyError('TIMEOUT', {
      message: `"${server}" did not answer the handshake within ${connectTimeoutMs} ms (connectTimeoutMs).${why && ` ${why}`}${earlier}`,
      server,
      delivered: false,
    });
  }
}
