/** Resource subscriptions of attached clients, and the clients that hear of an update. */
import type { Target } from '../../catalog/catalog.ts';
import type { UriMemory } from '../../catalog/uris/uri-memory.ts';
import type { AttachedClient } from './attached-client.ts';
import type { CurrentState } from '../current-state.ts';
import { INVALID_PARAMS, messageOf, RpcError } from '../../core/errors.ts';
import { Json, stringAt } from '../../json/json.ts';
import { editObject } from '../../json/edit.ts';
import type { Logger } from '../../core/logger.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { ServerSet } from '../server-set/server-set.ts';
import { loadScore } from '../../pipeline/server-load.ts';

export interface ResourceSubscriptionsOptions {
  readonly uris: UriMemory;
  readonly clients: ReadonlyMap<string, AttachedClient>;
  readonly state: CurrentState;
  /** The most of one client: each is looked at whenever a resource changes. */
  readonly most: number;
  readonly log: Logger;
}

export class ResourceSubscriptions {
  readonly #options: ResourceSubscriptionsOptions;

  constructor(options: ResourceSubscriptionsOptions) {
    this.#options = options;
  }

  async subscribe(attached: AttachedClient, uri: string): Promise<void> {
    const target = this.#options.uris.find(uri, attached.serverSet.catalog);
    if (!target) throw RpcError.of(INVALID_PARAMS, `Unknown resource: ${uri}`);
    const { originalName } = target;
    const knownAt = [...attached.subscriptions].find(([, subscribed]) => subscribed.uri === uri)?.[0];
    const server = this.#homeOf(attached.serverSet, target);
    const about = knownAt ?? JSON.stringify([server, originalName]);
    const known = attached.subscriptions.get(about);
    const { most } = this.#options;
    if (!known && attached.subscriptions.size >= most)
      throw RpcError.of(
        INVALID_PARAMS,
        `No more than ${most} subscriptions of one client (limits.subscriptions)`,
      );
    attached.subscriptions.set(about, { uri, count: (known?.count ?? 0) + 1 });
    if (known) return;
    try {
      await attached.serverSet.find(server)?.downstream.subscribe(originalName);
    } catch (error) {
      attached.subscriptions.delete(about);
      throw error;
    }
  }

  async unsubscribe(attached: AttachedClient, uri: string): Promise<void> {
    for (const [about, subscribed] of attached.subscriptions) {
      if (subscribed.uri !== uri) continue;
      if (subscribed.count > 1) attached.subscriptions.set(about, { uri, count: subscribed.count - 1 });
      else {
        attached.subscriptions.delete(about);
        const [server, originalName] = JSON.parse(about) as [string, string];
        await attached.serverSet.find(server)?.downstream.unsubscribe(originalName);
      }
    }
  }

  /** The new connections of these servers know nothing of what was subscribed to on the old ones. */
  renew({ serverSet, subscriptions }: AttachedClient, servers: ReadonlySet<string>): void {
    for (const about of subscriptions.keys()) {
      const [server, originalName] = JSON.parse(about) as [string, string];
      if (!servers.has(server)) continue;
      serverSet
        .find(server)
        ?.downstream.subscribe(originalName)
        .catch((error: unknown) => {
          this.#options.log.warn({ server, why: messageOf(error) }, 'could not subscribe again');
        });
    }
  }

  /** Tells the clients that subscribed on this connection. */
  updated(server: string, params: Json, downstream: Downstream): void {
    const { uris, clients } = this.#options;
    const uri = stringAt(params.value, 'uri') ?? '';
    for (const { handle, serverSet, subscriptions } of clients.values()) {
      if (subscriptions.size === 0 || serverSet.downstreamOf(server) !== downstream) continue;
      const about = new Set<string>();
      for (const [key, subscribed] of subscriptions) {
        const [whose, originalName] = JSON.parse(key) as [string, string];
        if (whose === server && isWithin(uri, originalName)) about.add(subscribed.uri);
      }
      if (about.size === 0) continue;
      const seen = JSON.stringify(uris.exposed(uri, server, serverSet.catalog));
      handle.resourceUpdated(Json.fromText(editObject(params.text, { uri: seen })), about);
    }
  }

  /** A pool's subscription stays with the member that would be asked now. */
  #homeOf(serverSet: ServerSet, { server, originalName }: Target): string {
    const { topology, pipeline } = this.#options.state.now;
    const pool = pipeline.pools.get(server);
    if (!pool) return server;
    const having = serverSet.membersWith(server, 'resources', originalName);
    const [home] = pool.order({
      members: having.length > 0 ? having : (topology.pools.get(server)?.members ?? []),
      scoreOf: (one) => loadScore(serverSet.downstreamOf(one)?.state, serverSet.pipelineOf(one)),
    });
    return home ?? server;
  }
}

/** A subscriber to a resource hears of its sub-resources too. */
function isWithin(uri: string, subscribed: string): boolean {
  if (!uri.startsWith(subscribed)) return false;
  return uri === subscribed || subscribed.endsWith('/') || /[/?#]/.test(uri.charAt(subscribed.length));
}
