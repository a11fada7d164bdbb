/** A client that is attached, with the servers that it sees. */
import type { ServerSet } from '../server-set/server-set.ts';
import type { ListNotifications } from './list-notifications.ts';
import type { ConnectedClient } from '../../server/served-proxy.ts';

export interface AttachedClient {
  readonly handle: ConnectedClient;
  readonly serverSet: ServerSet;
  readonly listNotifications: ListNotifications;
  /** By server and the server's own URI: the URI that this client subscribed to, and how often. */
  readonly subscriptions: Map<string, { readonly uri: string; readonly count: number }>;
  logLevel: string | undefined;
}
