/** A client that is here, with the servers that it sees. */
import type { Fleet } from './server-set.ts';
import type { ListNews } from './list-notifications.ts';
import type { Member } from '../server/served-proxy.ts';

export interface Attached {
  readonly member: Member;
  readonly fleet: Fleet;
  readonly news: ListNews;
  /** By server and the server's own URI: the URI this client subscribed to, and how often. */
  readonly subscriptions: Map<string, { readonly uri: string; readonly count: number }>;
  logLevel: string | undefined;
}
