/**
 * The one file that knows every part: config in, proxy out.
 *
 * client → server/ → meta-tools → router → observe → timeout → downstream
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { carriersFor, type CarrierContext } from './carriers.ts';
import { UriMemory } from './catalog/uri-memory.ts';
import type { Catalog } from './catalog/catalog.ts';
import { type Config, prefixesNames, type ServerConfig } from './config/config.ts';
import type { Client, ClientDoor } from './core/call.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { INVALID_PARAMS, RpcError } from './core/errors.ts';
import { Json, type JsonObject, stringAt } from './core/json.ts';
import { editObject } from './core/json-edit.ts';
import type { ListKind } from './core/listing.ts';
import type { Logger } from './core/logger.ts';
import { Downstream } from './downstream/downstream.ts';
import { eraMemory } from './downstream/eras.ts';
import type { Greeting } from './downstream/handshake.ts';
import { Fleet, type FleetServer, type Running } from './fleet.ts';
import { definitionOf, metaTools } from './meta-tools/meta-tools.ts';
import { proxyStatus, type ServerReport } from './meta-tools/proxy-status.ts';
import { compose } from './middleware/compose.ts';
import { CallStats, observe } from './middleware/observe.ts';
import { timeout } from './middleware/timeout.ts';
import { LOG_LEVELS } from './protocol/revisions.ts';
import { Sealer } from './protocol/seal.ts';
import { createRouter, type View } from './router.ts';
import type { Attachment, Member, ServedProxy } from './server/served-proxy.ts';
import { stateKey } from './state-key.ts';
import { taskIds } from './task-ids.ts';
import { openProcessRecord, sweepProcesses } from './transport/process-record.ts';

/** The deepest nesting of a client's message. */
const CLIENT_DEPTH = 256;
/** How long greeting a client waits for servers that are not known yet. */
const GREETING_MS = 250;

export interface ProxyOptions {
  readonly config: Config;
  readonly version: string;
  /** One client only (stdio): its downstreams are told exactly what it can do, and belong to it. */
  readonly exclusive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Set for every child process; tells a proxy that it was started by itself. */
  readonly childEnv?: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock?: Clock;
}

export interface Proxy {
  readonly served: ServedProxy;
  /** Every server that connects for all clients is connected. */
  readonly ready: boolean;
  /** Ends every connection and child process. Idempotent. */
  close(): Promise<void>;
}

/** Starts all servers; waits for none. */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const { config, log, clock = systemClock, exclusive, env } = options;
  const servers = [...config.servers.values()].filter(({ disabled }) => !disabled);
  const key = stateKey(config.stateDir, log);
  const sealer = new Sealer(key, () => Date.now());
  const eras = eraMemory(join(config.stateDir, 'eras.json'), key, log);
  const tasks = taskIds(sealer);
  const namespaces = new Map(servers.map((server) => [server.key, server.namespace]));
  const uris = new UriMemory((server) => namespaces.get(server) ?? server);
  const processes = await openProcessRecord(config.stateDir, log);
  const swept = sweepProcesses(config.stateDir, log);
  const carriers: Omit<CarrierContext, 'stopGraceMs'> = {
    env,
    childEnv: options.childEnv ?? {},
    processes,
    clock,
    log,
  };

  const stats = new Map(servers.map((server) => [server.key, new CallStats()]));
  const members = new Map<string, Attached>();
  const logged = new Set<string>();
  /** Servers that proved to need a connection for each client. */
  const promoted = new Set<string>();
  const greeted = greetingOf(exclusive ? undefined : ownGreeting(options.version));
  const status = proxyStatus(report);
  const own = config.expose.metaTools ? [status] : [];

  const shared = fleet({
    own: (server) => exclusive || !wantsOwnConnections(server),
    door: () => (exclusive ? [...members.values()][0]?.member : undefined),
    greeting: () => greeted.promise,
    changed: (kinds) => {
      for (const { member, fleet: its } of members.values()) if (its === shared) member.listsChanged(kinds);
    },
  });
  shared.start();

  const handle = compose([metaTools(own)], createRouter({ viewOf, uris, tasks }));

  let hurry = false;
  let closing: Promise<void> | undefined;
  return {
    served: {
      info: { name: 'switchyard', title: 'Switchyard', version: options.version },
      pageSize: config.expose.pageSize,
      maxDepth: CLIENT_DEPTH,
      metaTools: own.map(definitionOf),
      sealer,
      handle,
      attach,
    },
    get ready() {
      return [...shared.downstreams].every(({ state }) => state === 'ready');
    },
    close: () => (closing ??= close()),
  };

  async function close(): Promise<void> {
    // Clients kill what they started two seconds after they left.
    hurry = exclusive;
    for (const { fleet: its } of members.values()) if (its !== shared) await its.close();
    await shared.close();
    await eras.close();
    await swept;
    await processes.close();
  }

  function viewOf(client: Client): View {
    const its = members.get(client.view)?.fleet ?? shared;
    return {
      get catalog() {
        return its.catalog;
      },
      appears: (found) => its.appears(found),
      alone: (server) => exclusive || its.owns(server),
      find: (server) => its.find(server)?.handle,
    };
  }

  function attach(member: Member): Attachment {
    const { view } = member.client;
    greeted.set({
      info: member.client.info ?? ownInfo(options.version),
      capabilities: member.client.capabilities,
    });
    const its = exclusive ? shared : clientFleet(member);
    const attached: Attached = { member, fleet: its, subscriptions: new Map(), logLevel: undefined };
    members.set(view, attached);
    return {
      get catalog() {
        return its.catalog;
      },
      get complete() {
        return its.complete;
      },
      async settledCatalog() {
        await its.settled();
        return its.catalog;
      },
      async greetingCatalog() {
        await Promise.race([its.settled(), new Promise<void>((done) => clock.after(GREETING_MS, done))]);
        return its.catalog;
      },
      subscribe: (uri) => subscribe(attached, uri),
      unsubscribe: (uri) => unsubscribe(attached, uri),
      setLogLevel(level) {
        attached.logLevel = level;
        tellLogLevel();
      },
      rootsChanged() {
        for (const downstream of its.downstreams) if (exclusive || its !== shared) downstream.rootsChanged();
      },
      detach() {
        if (members.get(view) === attached) members.delete(view);
        if (its !== shared) void its.close();
      },
    };
  }

  /** A client's own connections, where a server's config or its behaviour asks for them. */
  function clientFleet(member: Member): Fleet {
    const { info, capabilities } = member.client;
    const greeting = { info: info ?? ownInfo(options.version), capabilities };
    const its: Fleet = fleet({
      own: wantsOwnConnections,
      ownOnDemand: (server) => promoted.has(server),
      door: () => member,
      greeting: () => Promise.resolve(greeting),
      shared,
      changed: (kinds) => member.listsChanged(kinds),
    });
    its.start();
    return its;
  }

  function wantsOwnConnections(server: string): boolean {
    return config.servers.get(server)?.connections === 'per-client';
  }

  function fleet(part: FleetPart): Fleet {
    return new Fleet({
      servers: servers.map(fleetServer),
      own: part.own,
      ownOnDemand: part.ownOnDemand ?? (() => false),
      shared: part.shared,
      make: (server, changed) => run(config.servers.get(server) as ServerConfig, part, changed),
      catalog: {
        prefix: prefixesNames(config),
        maxNameLength: config.expose.maxNameLength,
        origin: config.expose.origin,
        reserved: new Set(META_TOOL_NAMES),
        metaTools: config.expose.metaTools,
      },
      listWaitMs: config.expose.listWaitMs,
      clock,
      changed: (kinds, catalog) => {
        logProblems(catalog);
        part.changed(kinds);
      },
    });
  }

  function run(server: ServerConfig, part: FleetPart, changed: () => void): Running {
    const { key: name, timeoutMs, maxTimeoutMs } = server;
    const downstream = new Downstream({
      server: name,
      carriers: carriersFor(server, {
        ...carriers,
        stopGraceMs: () => Math.min(server.stopGraceMs, hurry ? HURRY_MS : Infinity),
      }),
      protocol: server.protocol,
      eras: eras.for(JSON.stringify(server.transport, mapsAsArrays)),
      greeting: part.greeting,
      door: part.door,
      connectTimeoutMs: server.connectTimeoutMs,
      restart: server.restart,
      limits: server.limits,
      clock,
      random: Math.random,
      log,
      events: {
        changed,
        resourceUpdated: (params) => resourceUpdated(name, params),
        taskChanged: (method, params) => taskChanged(name, method, params),
        elicitationCompleted: (clientId, params) =>
          tell(clientId, 'notifications/elicitation/complete', params),
        needsOwnConnections: () => promote(server),
      },
    });
    const handler = compose(
      [
        observe({ server: name, stats: stats.get(name) as CallStats, clock, log }),
        timeout({ server: name, idleMs: timeoutMs, maxMs: maxTimeoutMs, clock }),
      ],
      (call) => downstream.handle(call),
    );
    return { downstream, handle: handler };
  }

  function promote({ key: server, connections }: ServerConfig): void {
    if (connections !== 'auto' || exclusive || promoted.has(server)) return;
    promoted.add(server);
    log.info({ server }, 'asks its clients questions: every client gets a connection of its own from now on');
  }

  async function subscribe(attached: Attached, uri: string): Promise<void> {
    const target = uris.find(uri, attached.fleet.catalog);
    if (!target) throw RpcError.of(INVALID_PARAMS, `Unknown resource: ${uri}`);
    const { server, originalName } = target;
    const about = JSON.stringify([server, originalName]);
    const known = attached.subscriptions.get(about);
    attached.subscriptions.set(about, { uri, count: (known?.count ?? 0) + 1 });
    if (known) return;
    try {
      await attached.fleet.find(server)?.downstream.subscribe(originalName);
    } catch (error) {
      attached.subscriptions.delete(about);
      throw error;
    }
  }

  async function unsubscribe(attached: Attached, uri: string): Promise<void> {
    for (const [about, subscribed] of attached.subscriptions) {
      if (subscribed.uri !== uri) continue;
      if (subscribed.count > 1) attached.subscriptions.set(about, { uri, count: subscribed.count - 1 });
      else {
        attached.subscriptions.delete(about);
        const [server, originalName] = JSON.parse(about) as [string, string];
        await attached.fleet.find(server)?.downstream.unsubscribe(originalName);
      }
    }
  }

  function resourceUpdated(server: string, params: Json): void {
    const about = JSON.stringify([server, stringAt(params.value, 'uri')]);
    for (const { member, subscriptions } of members.values()) {
      const uri = subscriptions.get(about)?.uri;
      if (uri === undefined) continue;
      member.resourceUpdated(Json.fromText(editObject(params.text, { uri: JSON.stringify(uri) })));
    }
  }

  /** What is about a task goes to the client that holds it, under the id that it knows. */
  function taskChanged(server: string, method: string, params: Json): void {
    const taskId = stringAt(params.value, 'taskId');
    const owner = taskId === undefined ? undefined : tasks.ownerOf(server, taskId);
    if (!owner || taskId === undefined) return;
    tell(owner.clientId, method, tasks.restoreIn(params, taskId, owner.sealed));
  }

  function tell(clientId: string, method: string, params: Json): void {
    for (const { member } of members.values())
      if (member.client.id === clientId) member.notify(method, params);
  }

  /** A server is told the least severe level that any client wants; each client gets what it asked for. */
  function tellLogLevel(): void {
    const wanted = [...members.values()].flatMap(({ logLevel }) => logLevel ?? []);
    const least = LOG_LEVELS.find((level) => wanted.includes(level));
    if (least === undefined) return;
    const fleets = new Set([shared, ...[...members.values()].map(({ fleet: its }) => its)]);
    for (const its of fleets) for (const downstream of its.downstreams) downstream.setLogLevel(least);
  }

  function report(view: string): ServerReport[] {
    const its = members.get(view)?.fleet ?? shared;
    return servers.map(({ key: server }) => {
      const downstream = its.downstreamOf(server);
      const counts = stats.get(server) as CallStats;
      const failures = Object.fromEntries(counts.failures);
      return {
        ...downstream?.status,
        server,
        state: downstream?.state ?? 'stopped',
        tools: [...its.catalog.tools.values()].filter(({ targets }) => targets[0]?.server === server).length,
        calls: counts.calls,
        errors: [...counts.failures.values()].reduce((sum, count) => sum + count, 0),
        failures,
        toolErrors: counts.toolErrors,
        problems: its.catalog.problems
          .filter((problem) => problem.server === server)
          .map(({ item, what }) => (item === '' ? what : `${item}: ${what}`)),
      };
    });
  }

  /** Each problem once, however often the catalog is built. */
  function logProblems({ problems }: Catalog): void {
    for (const { server, item, what } of problems) {
      const id = JSON.stringify([server, item, what]);
      if (logged.has(id)) continue;
      if (logged.size < MAX_LOGGED) logged.add(id);
      log.warn({ server, item, what }, 'left out or altered');
    }
  }
}

const MAX_LOGGED = 10_000;
/** What a child process gets of its grace, twice, when our own time is short. */
const HURRY_MS = 600;

/** All names that are or will be the proxy's own. */
const META_TOOL_NAMES = [
  'run_workflow',
  'workflow_runs',
  'resume_workflow',
  'cancel_workflow',
  'proxy_status',
];

interface Attached {
  readonly member: Member;
  readonly fleet: Fleet;
  /** By server and the server's own URI: the URI this client subscribed to, and how often. */
  readonly subscriptions: Map<string, { readonly uri: string; readonly count: number }>;
  logLevel: string | undefined;
}

interface FleetPart {
  readonly own: (server: string) => boolean;
  readonly ownOnDemand?: (server: string) => boolean;
  readonly door: () => ClientDoor | undefined;
  readonly greeting: () => Promise<Greeting>;
  readonly shared?: Fleet;
  readonly changed: (kinds: readonly ListKind[]) => void;
}

function fleetServer({ key, namespace, tools, limits }: ServerConfig): FleetServer {
  return { server: key, namespace, tools, maxTools: limits.tools };
}

function ownInfo(version: string): JsonObject {
  return { name: 'switchyard', version };
}

/** What a connection that serves many clients says: never roots, which some servers take as their own limits. */
function ownGreeting(version: string): Greeting {
  return {
    info: ownInfo(version),
    capabilities: { sampling: { tools: {}, context: {} }, elicitation: { form: {}, url: {} } },
  };
}

/** A greeting that is known at once, or when the client has come. */
function greetingOf(known: Greeting | undefined): {
  promise: Promise<Greeting>;
  set: (greeting: Greeting) => void;
} {
  if (known) return { promise: Promise.resolve(known), set: () => {} };
  let set: (greeting: Greeting) => void = () => {};
  const promise = new Promise<Greeting>((resolve) => (set = resolve));
  return { promise, set: (greeting) => set(greeting) };
}

function mapsAsArrays(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

/** Which config a proxy serves, for children that might be proxies of the same. */
export function configId(files: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('base64url').slice(0, 16);
}
