/** The connection for a handshake: opened at once, and anew where a refusal has used it up. */
import type { Connection } from './connection.ts';

export class Dial {
  readonly #open: () => Connection;
  readonly #lasts: boolean;
  #connection: Connection;

  /** @param lasts whether a refused handshake leaves the connection as it was, as long as it is open. */
  constructor(open: () => Connection, lasts: boolean) {
    this.#open = open;
    this.#lasts = lasts;
    this.#connection = open();
  }

  get connection(): Connection {
    return this.#connection;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Makes ready for another handshake after one was refused. */
  again(): void {
    if (this.#lasts && !this.closed) return;
    this.close();
    this.#connection = this.#open();
  }

  close(): void {
    void this.#connection.close();
  }
}
