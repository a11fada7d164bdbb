/** The modern clients that are known by now: bounded in number; the first idle one makes room for a new one. */
import type { Client } from '../../core/call.ts';
import { ModernClient, type ModernClientOptions } from './modern-client.ts';
import { tooMany } from './pending-calls.ts';

export class ModernClients {
  readonly #options: Omit<ModernClientOptions, 'client' | 'idle'>;
  /** Clients by view: each set of capabilities of one client counts by itself. */
  readonly #clients = new Map<string, ModernClient>();

  constructor(options: Omit<ModernClientOptions, 'client' | 'idle'>) {
    this.#options = options;
  }

  /** @throws ProxyError `BUSY` where there are too many, and none of them is idle. */
  get(client: Client): ModernClient {
    const found = this.#clients.get(client.view);
    if (found) return found.use(client);
    if (this.#clients.size >= this.#options.served.limits.clients && !this.#evict())
      throw tooMany(`${this.#clients.size} clients are at work, and none of them is idle.`);
    const made = new ModernClient({
      ...this.#options,
      client,
      idle: () => this.#clients.delete(client.view),
    });
    this.#clients.set(client.view, made);
    return made;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  /** @returns false where nobody is idle. */
  #evict(): boolean {
    for (const [view, client] of this.#clients) {
      if (client.busy) continue;
      this.#clients.delete(view);
      client.close();
      return true;
    }
    return false;
  }
}
