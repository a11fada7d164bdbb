/**
 * Subscriptions and the log level, which a server has to be told again after each start.
 */
import { METHOD_NOT_FOUND, messageOf, RpcError } from '../core/errors.ts';
import { at, type Json } from '../json/json.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Connection } from './connection/connection.ts';
import { envelopeFor } from './connection/own-requests.ts';
import type { ClientIdentity } from './connection/client-info.ts';
import { ModernSubscription } from './modern-subscription.ts';

export interface ServerSubscriptionsOptions {
  readonly server: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ServerSubscriptions {
  readonly #options: ServerSubscriptionsOptions;
  /** The number of subscribers by URI. */
  readonly #counts = new Map<string, number>();
  /** The number of waiting clients by task id. */
  readonly #tasks = new Map<string, number>();
  #logLevel: string | undefined;
  #connection: Connection | undefined;
  #listening: ModernSubscription | undefined;

  constructor(options: ServerSubscriptionsOptions) {
    this.#options = options;
  }

  /** A client wants to hear of a resource or a task. */
  get any(): boolean {
    return this.#counts.size > 0 || this.#tasks.size > 0;
  }

  connected(connection: Connection, identity: ClientIdentity): void {
    this.#connection = connection;
    this.#listening = undefined;
    if (connection.agreement.era === 'modern') {
      this.#listening = new ModernSubscription(connection, envelopeFor(identity), this.#options.clock);
      this.#listenAnew();
      return;
    }
    this.#tellLogLevel();
    for (const uri of this.#counts.keys())
      this.#ignoringAnswer(connection.request('resources/subscribe', { uri }), 'resources/subscribe');
  }

  lost(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#listening = undefined;
  }

  /** Counts subscribers: the server is told of the first and the last only. */
  async subscribe(uri: string): Promise<void> {
    const count = this.#counts.get(uri) ?? 0;
    this.#counts.set(uri, count + 1);
    if (count > 0) return;
    try {
      await this.#tell('resources/subscribe', uri);
    } catch (error) {
      this.#counts.delete(uri);
      throw error;
    }
  }

  async unsubscribe(uri: string): Promise<void> {
    const count = this.#counts.get(uri) ?? 0;
    if (count > 1) this.#counts.set(uri, count - 1);
    else if (this.#counts.delete(uri)) await this.#tell('resources/unsubscribe', uri);
  }

  /** Modern servers tell of tasks only on a stream that asks for them; legacy servers tell without being asked. */
  watchTask(taskId: string): void {
    const count = this.#tasks.get(taskId) ?? 0;
    this.#tasks.set(taskId, count + 1);
    if (count === 0) this.#listenAnew();
  }

  unwatchTask(taskId: string): void {
    const count = this.#tasks.get(taskId) ?? 0;
    if (count > 1) this.#tasks.set(taskId, count - 1);
    else if (this.#tasks.delete(taskId)) this.#listenAnew();
  }

  /** The least severe level that any client wants; modern servers are told call by call. */
  setLogLevel(level: string): void {
    if (this.#logLevel === level) return;
    this.#logLevel = level;
    this.#tellLogLevel();
  }

  async #tell(method: string, uri: string): Promise<void> {
    if (this.#listening) this.#listenAnew();
    else await this.#connection?.request(method, { uri });
  }

  #listenAnew(): void {
    this.#listening?.listen([...this.#counts.keys()], [...this.#tasks.keys()]);
  }

  #tellLogLevel(): void {
    const connection = this.#connection;
    if (!connection || this.#logLevel === undefined) return;
    const { era, capabilities } = connection.agreement;
    if (era !== 'legacy' || at(capabilities, 'logging') === undefined) return;
    const answer = connection.request('logging/setLevel', { level: this.#logLevel });
    this.#ignoringAnswer(answer, 'logging/setLevel');
  }

  #ignoringAnswer(answer: PromiseLike<Json>, method: string): void {
    void answer.then(undefined, (error: unknown) => {
      if (error instanceof RpcError && error.code === METHOD_NOT_FOUND) return;
      const { log, server } = this.#options;
      log.warn({ server, method, why: messageOf(error) }, 'request failed');
    });
  }
}
