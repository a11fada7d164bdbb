/** The needs and the events of one downstream. */
import type { Client, ClientHandle } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../json/json.ts';
import type { ListingMemory } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import type { ConnectionLimits } from './connection/connection-limits.ts';
import type { EraOfServer } from './connection/eras.ts';
import type { IdentitySource } from './connection/client-info.ts';
import type { ListSyncOptions } from './list-sync.ts';
import type { ReconnectLimiter } from './reconnect-limiter.ts';
import type { Transports } from './transports.ts';

export interface DownstreamOptions {
  /** The config key. */
  readonly server: string;
  readonly transports: Transports;
  readonly protocol: string;
  /** The era that the server was found to speak, kept between starts. */
  readonly eras: EraOfServer;
  readonly identity: IdentitySource;
  /** The listings of earlier runs. */
  readonly memory: ListingMemory;
  readonly checked: ListSyncOptions['checked'];
  /** The one client that the server can only mean; asked for when needed because it may come after the start. */
  readonly clientHandle: () => ClientHandle | undefined;
  /** The one client of the modern era, which can be asked only while it waits for an answer. */
  readonly caller: () => Client | undefined;
  /** Whether the server is known to ask for roots right after the handshake. */
  readonly asksForRoots: () => boolean;
  readonly start: 'eager' | 'lazy';
  /** 0: never. */
  readonly idleStopMs: number;
  readonly outage: 'keep' | 'hide';
  readonly connectTimeoutMs: number;
  /** Whether the server's command fetches a package first. */
  readonly fetches: () => boolean;
  readonly restart: { readonly enabled: boolean; readonly delayMs: number; readonly maxDelayMs: number };
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly limits: ConnectionLimits;
  /** Shared by all that reconnect. */
  readonly reconnects: ReconnectLimiter;
  readonly events: DownstreamEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface DownstreamEvents {
  /** The listing or the state changed. */
  changed(): void;
  /** A handshake succeeded; told before any call goes out on the new connection. */
  handshakeDone(): void;
  /** The server says that its lists have changed; the new ones come later. */
  outdated(): void;
  resourceUpdated(params: Json): void;
  /** A notification about a task, for the client that holds the task. */
  taskChanged(method: string, params: Json): void;
  /** A matter that a client was asked to see to elsewhere is done. */
  elicitationCompleted(clientId: string, params: Json): void;
  /** A question came that only a connection per client could have answered. */
  needsOwnConnections(): void;
  /** The server learns the roots of this client, and takes them as its own limits. */
  rootsAsked(client: Client): void;
}
