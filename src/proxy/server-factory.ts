/** Makes what answers for one server on one connection: its login, its downstream, the pipeline around them. */
import type { CallCounts } from '../pipeline/call-counts.ts';
import type { ClientNotifications } from './clients/client-notifications.ts';
import { transportsFor, type TransportContext } from './transports.ts';
import type { SchemaChecker } from '../catalog/schemas/schema-checker.ts';
import { snapshotAddress } from '../catalog/snapshot.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Client, ClientHandle, Middleware } from '../core/call.ts';
import type { CurrentState } from './current-state.ts';
import { Downstream } from '../downstream/downstream.ts';
import type { DownstreamEvents } from '../downstream/downstream-options.ts';
import { type IdentitySource, withoutRoots } from '../downstream/connection/client-info.ts';
import type { ReconnectLimiter } from '../downstream/reconnect-limiter.ts';
import { observe } from '../middleware/observe.ts';
import { serverPipeline, type ServerPipeline } from '../pipeline/server-pipeline.ts';
import { type Login, loginFor } from './server-logins.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { packageRunner } from '../transport/child-process/package-runners.ts';
import type { ResourceSubscriptions } from './clients/resource-subscriptions.ts';
import type { ServerInstance } from './server-set/server-set.ts';
import type { StateFolder } from './state-folder.ts';

/** The clients that a set of connections is for. */
export interface ConnectionsFor {
  readonly identity: IdentitySource;
  /** Several clients share them. */
  readonly shared: boolean;
  /** The client whose own connections they are, beside shared ones. */
  readonly owner?: Client;
  /** The one client that a server can only mean. */
  clientHandle(server: string): ClientHandle | undefined;
  /** The one client of the modern era, whose programs can be asked with their own calls. */
  caller(server: string): Client | undefined;
  /** A server asked, and it could not be told whom. */
  cannotTellWho(server: string): void;
  /** A server is about to learn this client's roots. */
  rootsAsked(server: string, client: Client): void;
}

export interface ServerFactoryOptions {
  readonly version: string;
  readonly exclusive: boolean;
  readonly state: CurrentState;
  readonly stateFolder: Pick<StateFolder, 'eras' | 'snapshots' | 'logins'>;
  readonly schemas: SchemaChecker;
  readonly transports: Omit<TransportContext, 'stopGraceMs' | 'authorization'>;
  readonly reconnects: ReconnectLimiter;
  readonly counts: CallCounts;
  readonly clientNotifications: ClientNotifications;
  readonly subscriptions: ResourceSubscriptions;
  /** Results of this server that are kept may be wrong from now on. */
  readonly dropResults: (server: string) => void;
  readonly metrics: Metrics | undefined;
  /** The trace middleware; absent where no OpenTelemetry SDK was loaded. */
  readonly traced:
    ((options: { readonly server: string; readonly version: string }) => Middleware) | undefined;
}

export class ServerFactory {
  readonly #options: ServerFactoryOptions;
  /** Servers that asked for roots. */
  readonly #rootsAskers = new Set<string>();
  /** The most that a child process may take for each step of its end, milliseconds. */
  #stepMs = Infinity;

  constructor(options: ServerFactoryOptions) {
    this.#options = options;
  }

  /** Child processes that end from now on get at most so long for each step of their end. */
  hurry(stepMs: number): void {
    this.#stepMs = stepMs;
  }

  /** @param changed told when the server's state or listing has changed. */
  make(name: string, connections: ConnectionsFor, changed: () => void): ServerInstance {
    const { state, clientNotifications, dropResults } = this.#options;
    const server = state.now.topology.servers.get(name) as ServerConfig;
    const person = this.#personOf(connections);
    const login = this.#loginFor(server, person, () => {
      dropResults(name);
      downstream.loggedIn();
    });
    const downstream: Downstream = this.#downstream(server, connections, person, login, {
      changed,
      resourceUpdated: (params) => {
        dropResults(name);
        this.#options.subscriptions.updated(name, params, downstream);
      },
      handshakeDone: () => pipeline.handshakeDone(),
      outdated: () => dropResults(name),
      taskChanged: (method, params) => clientNotifications.taskChanged(name, method, params, downstream),
      elicitationCompleted: (clientId, params) => clientNotifications.elicitationCompleted(clientId, params),
      needsOwnConnections: () => connections.cannotTellWho(name),
      rootsAsked: (client) => {
        this.#rootsAskers.add(name);
        connections.rootsAsked(name, client);
      },
    });
    const pipeline = this.#pipeline(server, downstream, login);
    const level = clientNotifications.leastLogLevel;
    if (level !== undefined) downstream.setLogLevel(level);
    return { downstream, pipeline };
  }

  /** Connections of a client's own are for one person; shared ones are for whoever may use this proxy: ''. */
  #personOf({ owner }: ConnectionsFor): string {
    return this.#options.state.now.config.http.tokens.size > 0 ? (owner?.person ?? '') : '';
  }

  #loginFor(server: ServerConfig, person: string, loggedIn: () => void): Login | undefined {
    const { exclusive, state, stateFolder, clientNotifications, transports } = this.#options;
    const { config, topology } = state.now;
    return loginFor({
      key: topology.ownerOf(server.key),
      server,
      who: person,
      mayAsk: exclusive || person !== '' || config.http.tokens.size < 2,
      store: stateFolder.logins,
      env: transports.env,
      loggedIn,
      completed: (clientId, params) => clientNotifications.elicitationCompleted(clientId, params),
      clock: transports.clock,
      log: transports.log,
    });
  }

  #downstream(
    server: ServerConfig,
    connections: ConnectionsFor,
    person: string,
    login: Login | undefined,
    events: DownstreamEvents,
  ): Downstream {
    const { stateFolder, schemas, transports, reconnects } = this.#options;
    const { key, transport, protocol } = server;
    const { identity, shared } = connections;
    return new Downstream({
      server: key,
      transports: transportsFor(server, {
        ...transports,
        stopGraceMs: () => Math.min(server.stopGraceMs, this.#stepMs),
        authorization: login?.authorization,
      }),
      protocol,
      eras: stateFolder.eras.for(JSON.stringify(transport, mapsAsArrays)),
      identity: shared && server.connections === 'shared' ? withoutRoots(identity) : identity,
      memory: stateFolder.snapshots.for(snapshotAddress(transport, protocol, person)),
      checked: (listing, before) => schemas.checked(listing, before),
      clientHandle: () => connections.clientHandle(key),
      caller: () => connections.caller(key),
      asksForRoots: () => this.#rootsAskers.has(key),
      start: server.start,
      idleStopMs: server.idleStopMs,
      outage: server.outage,
      connectTimeoutMs: server.connectTimeoutMs,
      fetches: () =>
        transport.kind === 'stdio' && packageRunner(transport.command, transport.args) !== undefined,
      health: server.health,
      reconnects,
      restart: server.restart,
      limits: server.limits,
      clock: transports.clock,
      random: Math.random,
      log: transports.log,
      events,
    });
  }

  #pipeline(server: ServerConfig, downstream: Downstream, login: Login | undefined): ServerPipeline {
    const { version, counts, metrics, traced, transports } = this.#options;
    const { clock, log } = transports;
    const { key } = server;
    return serverPipeline({
      server,
      downstream,
      login,
      outside: [
        observe({
          server: key,
          stats: counts.of(key),
          clock,
          log,
          measured: metrics && ((call, ms) => metrics.took(key, call.method, call.name, ms)),
        }),
        traced?.({ server: key, version }),
      ],
      clock,
      log,
    });
  }
}

function mapsAsArrays(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}
