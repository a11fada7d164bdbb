/** A client that is attached, with the servers that it sees. */
import type { ServerSet } from '../server-set/server-set.ts';
import type { ListNotifications } from './list-notifications.ts';
import type { ConnectedClient } from '../../server/served-proxy.ts';

export interface AttachedClient {
  readonly handle: ConnectedClient;
  readonly serverSet: ServerSet;
  readonly listNotifications: ListNotifications;
  /** The URI that this client subscribed to, and how often, by server and the server's own URI. */
  readonly subscriptions: Map<string, { readonly uri: string; readonly count: number }>;
  logLevel: string | undefined;
}
