/** The proxy as its endpoints for clients see it. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Client, ClientHandle, Handler } from '../core/call.ts';
import type { ClientExposure, ListMode } from '../core/list-mode.ts';
import type { LoopDetection } from '../transport/loop-detection.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import type { Sealer } from '../protocol/seal.ts';

export interface ServedProxy {
  /** `serverInfo`: our name and version. */
  readonly info: JsonObject;
  /** 0: everything in one page. */
  readonly pageSize: number;
  readonly limits: ClientLimits;
  /** Refuses calls that have come through this proxy before. */
  readonly loopDetection: LoopDetection;
  /** The definitions of our own tools, as JSON texts; they follow the downstreams' in `tools/list`. */
  readonly metaTools: readonly string[];
  readonly exposures: ClientExposures;
  readonly sealer: Sealer;
  /** The whole pipeline of a call. */
  readonly handle: Handler;
  /** A client came. It stays until `detach`. */
  attach(client: ConnectedClient): Attachment;
}

/** Which clients get tools otherwise than the servers give them, and what those get. */
export interface ClientExposures {
  /** For one request of the modern era. @param asked by the URL or the flag of the client's entry. */
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
  /** @param items the catalog's tools as the client's era takes them. @returns all of `tools/list`. */
  list(client: Client, catalog: Catalog, items: readonly string[]): readonly string[];
  instructions(client: Client, instructions: string | undefined): string | undefined;
}

/** Limits for clients, named as in the config, since errors name the keys. */
export interface ClientLimits {
  /** Nesting of one message. */
  readonly depth: number;
  /** Elements and members in one message. */
  readonly values: number;
  /** Calls of one modern client that wait for its answers. */
  readonly parkedCalls: number;
  /** Calls of all modern clients, parked ones included. */
  readonly calls: number;
  /** Modern clients, each set of capabilities of one counting by itself. */
  readonly clients: number;
  /** Subscription streams of one modern client. */
  readonly streams: number;
  /** Resources and tasks that one client subscribes to. */
  readonly subscriptions: number;
  /** Legacy sessions over HTTP. */
  readonly sessions: number;
  /** Characters of messages for one session whose stream is not open. */
  readonly keptBytes: number;
  /** Bytes of answers that one client has not read yet. */
  readonly unreadBytes: number;
}

/** An attached client, and the news that it gets. */
export interface ConnectedClient extends ClientHandle {
  /** These lists differ from those that the client was shown before. */
  listsChanged(kinds: readonly ListKind[]): void;
  /**
   * A resource, as this client sees it, was updated.
   *
   * @param subscribed the client's subscriptions that this concerns: to the resource itself, or to one that holds it.
   */
  resourceUpdated(params: Json, subscribed: ReadonlySet<string>): void;
}

/** The proxy's services for an attached client, beside calls. */
export interface Attachment {
  readonly catalog: Catalog;
  /** The catalog for a list request, after a bounded wait for servers that were never listed. */
  settledCatalog(kind: ListKind): Promise<Catalog>;
  /** The same for the handshake, whose answer the client awaits for a shorter time. */
  greetingCatalog(): Promise<Catalog>;
  /** The client wants to be told when a list changes. */
  listens(): void;
  /** Every server is in the catalog; otherwise more may come. */
  readonly complete: boolean;
  subscribe(uri: string): Promise<void>;
  unsubscribe(uri: string): Promise<void>;
  /** Brings news of a task of this client, by the id that the client knows. */
  watchTask(taskId: string): void;
  unwatchTask(taskId: string): void;
  setLogLevel(level: string): void;
  rootsChanged(): void;
  detach(): void;
}
