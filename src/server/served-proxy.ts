/** What the faces to clients need of the proxy behind them. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Client, ClientHandle, Handler } from '../core/call.ts';
import type { ClientExposure, ListMode } from '../core/list-mode.ts';
import type { LoopDetection } from '../core/loop-detection.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import type { Sealer } from '../protocol/seal.ts';

export interface ServedProxy {
  /** `serverInfo`: our name and version. */
  readonly info: JsonObject;
  /** 0: everything in one page. */
  readonly pageSize: number;
  readonly limits: ClientLimits;
  /** The proxies before us. */
  readonly loopDetection: LoopDetection;
  /** The definitions of our own tools, as JSON texts; they follow the downstreams' in `tools/list`. */
  readonly metaTools: readonly string[];
  readonly exposures: ClientExposures;
  readonly sealer: Sealer;
  /** The whole pipeline of a call. */
  readonly handle: Handler;
  /** A client came. It stays until `detach`. */
  attach(member: ConnectedClient): Attachment;
}

/** Which clients get tools otherwise than the servers give them, and what those get. */
export interface ClientExposures {
  /** For one request of the modern family. @param asked by the URL or the flag of the client's entry. */
  ofRequest(asked: ListMode | undefined, person: string | undefined): ClientExposure | undefined;
  /** For a session. @returns `later` where more has to be known of the servers. */
  ofSession(
    client: Client,
    asked: ListMode | undefined,
    known: { readonly catalog: Catalog; readonly complete: boolean },
  ): Promise<ClientExposure | 'later' | undefined>;
  context(): Promise<ChangedLists>;
}

export interface ChangedLists {
  /** @param items the catalog's tools as the client's family takes them. @returns all of `tools/list`. */
  list(client: Client, catalog: Catalog, items: readonly string[]): readonly string[];
  instructions(client: Client, instructions: string | undefined): string | undefined;
}

/** What clients may take; named as in the config, which is what errors call them. */
export interface ClientLimits {
  /** Nesting of one message. */
  readonly depth: number;
  /** Elements and members in one message. */
  readonly values: number;
  /** Calls of one modern client that wait for its answers. */
  readonly parkedCalls: number;
  /** Of all modern clients, parked ones included. */
  readonly calls: number;
  /** Modern clients, each set of capabilities of one counting by itself. */
  readonly clients: number;
  /** Of one modern client. */
  readonly streams: number;
  /** Of one client. */
  readonly subscriptions: number;
  /** Legacy ones over HTTP. */
  readonly sessions: number;
  /** Of messages for one session whose stream is not open. */
  readonly keptBytes: number;
  /** Of one client's answers. */
  readonly unreadBytes: number;
}

/** An attached client: what it is told. */
export interface ConnectedClient extends ClientHandle {
  /** These lists differ from what was listed before. */
  listsChanged(kinds: readonly ListKind[]): void;
  /**
   * A resource, as this client sees it, was updated.
   *
   * @param subscribed the URIs it subscribed to that this concerns: the resource's own, or one that it is part of.
   */
  resourceUpdated(params: Json, subscribed: ReadonlySet<string>): void;
}

/** What an attached client may do beside calling. */
export interface Attachment {
  readonly catalog: Catalog;
  /** The catalog for a list of the client's, after waiting a bounded time for servers that were never listed. */
  settledCatalog(kind: ListKind): Promise<Catalog>;
  /** The same, after waiting no longer than the client waits to be greeted. */
  greetingCatalog(): Promise<Catalog>;
  /** It asked to be told when a list changes. */
  listens(): void;
  /** Every server is in the catalog; otherwise more may come. */
  readonly complete: boolean;
  subscribe(uri: string): Promise<void>;
  unsubscribe(uri: string): Promise<void>;
  /** News of a task of this client, by the id it knows. */
  watchTask(taskId: string): void;
  unwatchTask(taskId: string): void;
  setLogLevel(level: string): void;
  rootsChanged(): void;
  detach(): void;
}
