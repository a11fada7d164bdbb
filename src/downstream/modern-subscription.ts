/**
 * A modern server tells of changes only on a stream that was asked for (`subscriptions/listen`).
 *
 * Keeps one such stream open per connection, for the lists the server says it announces and for the resources
 * and tasks that somebody here wants to hear of; asks again when that set changes or the stream ends.
 */
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/errors.ts';
import { at, isObject, type JsonObject } from '../json/json.ts';
import { META_CLIENT_CAPABILITIES, TASKS_EXTENSION } from '../protocol/revisions.ts';
import type { Connection } from './connection/connection.ts';

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

export class ModernSubscription {
  readonly #connection: Connection;
  readonly #envelope: JsonObject;
  readonly #clock: Clock;
  #uris: readonly string[] = [];
  #taskIds: readonly string[] = [];
  #current: Cancellation | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(connection: Connection, envelope: JsonObject, clock: Clock) {
    this.#connection = connection;
    this.#envelope = envelope;
    this.#clock = clock;
  }

  /** Opens the stream anew with these resources and tasks. */
  listen(uris: readonly string[], taskIds: readonly string[]): void {
    this.#uris = uris;
    this.#taskIds = taskIds;
    const before = this.#current;
    void this.#open();
    before?.cancel('listening anew');
  }

  async #open(): Promise<void> {
    const notifications = this.#filter();
    if (Object.keys(notifications).length === 0) return;
    const signal = new Cancellation();
    this.#current = signal;
    try {
      await this.#connection.request(
        'subscriptions/listen',
        { notifications, _meta: this.#meta() },
        { signal },
      );
      this.#pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      // A server that refuses to be listened to is listed again only when it is restarted.
      if (error instanceof RpcError) return;
    }
    if (signal.cancelled || this.#connection.closed || this.#current !== signal) return;
    this.#clock.after(this.#pauseMs, () => {
      if (this.#current === signal && !this.#connection.closed) void this.#open();
    });
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2);
  }

  /** A server tells of tasks only where the client declares that it knows tasks. */
  #meta(): JsonObject {
    const capabilities = this.#envelope[META_CLIENT_CAPABILITIES];
    if (this.#taskIds.length === 0 || !isObject(capabilities)) return this.#envelope;
    const declared = capabilities['extensions'];
    const extensions = { ...(isObject(declared) && declared), [TASKS_EXTENSION]: {} };
    return { ...this.#envelope, [META_CLIENT_CAPABILITIES]: { ...capabilities, extensions } };
  }

  #filter(): JsonObject {
    const { capabilities } = this.#connection.agreement;
    return {
      ...(at(capabilities, 'tools', 'listChanged') === true && { toolsListChanged: true }),
      ...(at(capabilities, 'prompts', 'listChanged') === true && { promptsListChanged: true }),
      ...(at(capabilities, 'resources', 'listChanged') === true && { resourcesListChanged: true }),
      ...(this.#uris.length > 0 && { resourceSubscriptions: this.#uris }),
      ...(this.#taskIds.length > 0 && { taskIds: this.#taskIds }),
    };
  }
}
