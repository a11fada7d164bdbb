/** The clients that are attached now, and what each may do beside calling. */
import type { AttachedClient } from './attached-client.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../core/clock.ts';
import type { ListKind } from '../../core/listing.ts';
import type { ClientNotifications } from './client-notifications.ts';
import type { CurrentState } from '../current-state.ts';
import type { ExpectedClient } from './expected-client.ts';
import { ListNotifications } from './list-notifications.ts';
import { ListWait } from './list-wait.ts';
import type { ProxyWorkflows } from '../proxy-workflows.ts';
import type { ResourceSubscriptions } from './resource-subscriptions.ts';
import type { ClientConnections, ServerSets } from '../server-sets.ts';
import { patienceOf } from '../../server/client-patience.ts';
import type { Attachment, ConnectedClient } from '../../server/served-proxy.ts';

export interface ClientRegistryOptions {
  readonly state: CurrentState;
  /** The attached clients by view; the registry alone writes to this map. */
  readonly clients: Map<string, AttachedClient>;
  readonly serverSets: ServerSets;
  readonly subscriptions: ResourceSubscriptions;
  readonly clientNotifications: ClientNotifications;
  readonly workflows: ProxyWorkflows | undefined;
  readonly expected: ExpectedClient | undefined;
  /** All clients are one user, as over stdio. */
  readonly oneUser: boolean;
  readonly clock: Clock;
}

export class ClientRegistry {
  readonly #options: ClientRegistryOptions;

  constructor(options: ClientRegistryOptions) {
    this.#options = options;
  }

  attach(handle: ConnectedClient): Attachment {
    const { clients, serverSets, expected, clock } = this.#options;
    const { client } = handle;
    expected?.came(client.capabilities);
    const listNotifications = new ListNotifications({
      tell: (kinds) => handle.listsChanged(kinds),
      comingUp: () => servers.serverSet.comingUp,
      clock,
    });
    const servers: ClientConnections = serverSets.join(handle, listNotifications);
    const attached: AttachedClient = {
      handle,
      serverSet: servers.serverSet,
      listNotifications,
      subscriptions: new Map(),
      logLevel: undefined,
    };
    clients.set(client.view, attached);
    return new RegisteredClient(attached, servers, this.#options);
  }
}

class RegisteredClient implements Attachment {
  readonly #attached: AttachedClient;
  readonly #servers: ClientConnections;
  readonly #options: ClientRegistryOptions;
  readonly #wait: ListWait;

  constructor(attached: AttachedClient, servers: ClientConnections, options: ClientRegistryOptions) {
    this.#attached = attached;
    this.#servers = servers;
    this.#options = options;
    this.#wait = new ListWait({
      patience: patienceOf(attached.handle.client, !options.oneUser),
      given: () => options.state.now.config.expose.listWaitMs,
      clock: options.clock,
    });
  }

  get catalog(): Catalog {
    return this.#servers.serverSet.catalog;
  }

  get complete(): boolean {
    return this.#servers.serverSet.complete;
  }

  async settledCatalog(kind: ListKind): Promise<Catalog> {
    const { serverSets, workflows } = this.#options;
    const { serverSet, group } = this.#servers;
    const { listUntil } = this.#wait;
    await Promise.all([serverSet.settled(listUntil), workflows?.savedRead(listUntil)]);
    if (serverSet.missing) serverSet.waitedInVain();
    await serverSet.freshen('listed');
    for (const one of new Set([serverSet, group?.serverSet ?? serverSet, serverSets.first])) one.hasListed();
    this.#attached.listNotifications.listed(kind);
    return serverSet.catalog;
  }

  async greetingCatalog(): Promise<Catalog> {
    const { serverSet } = this.#servers;
    await serverSet.settled(this.#wait.handshakeUntil);
    return serverSet.catalog;
  }

  listens(): void {
    this.#attached.listNotifications.listens();
  }

  subscribe(uri: string): Promise<void> {
    return this.#options.subscriptions.subscribe(this.#attached, uri);
  }

  unsubscribe(uri: string): Promise<void> {
    return this.#options.subscriptions.unsubscribe(this.#attached, uri);
  }

  watchTask(taskId: string): void {
    this.#options.clientNotifications.watchTask(this.#attached, taskId, true);
  }

  unwatchTask(taskId: string): void {
    this.#options.clientNotifications.watchTask(this.#attached, taskId, false);
  }

  setLogLevel(level: string): void {
    const { clientNotifications, serverSets } = this.#options;
    clientNotifications.setLogLevel(this.#attached, level, serverSets.all);
  }

  rootsChanged(): void {
    this.#options.serverSets.rootsChanged(this.#attached.handle, this.#servers);
  }

  detach(): void {
    const { clients, serverSets } = this.#options;
    const { handle, listNotifications } = this.#attached;
    const { view } = handle.client;
    if (clients.get(view) === this.#attached) clients.delete(view);
    listNotifications.close();
    serverSets.leave(handle, this.#servers);
  }
}
