/**
 * The one file that knows every part: config in, proxy out.
 *
 * client → server/ → call-road.ts → routing/server-road.ts → downstream/
 */
import { join } from 'node:path';
import type { Attached } from './attached-client.ts';
import { CallCounts } from '../pipeline/call-counts.ts';
import { type CallRoad, callRoad } from '../pipeline/call-pipeline.ts';
import { type Cohort, Cohorts } from './capability-groups.ts';
import { ClientNotices } from './client-notifications.ts';
import { ClientViews } from './client-views.ts';
import { carriersFor, type CarrierContext } from './transports.ts';
import { schemaChecks } from '../catalog/schemas/schema-checks.ts';
import { openSnapshots, snapshotAddress } from '../catalog/snapshot.ts';
import { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { compareConfigs, differingServers } from '../config/reload/compare-configs.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import type { Client, ClientDoor } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { Hops, VIA_VARIABLE } from '../core/loop-detection.ts';
import type { JsonObject } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import { loginFor, loginStore } from './server-logins.ts';
import { Downstream } from '../downstream/downstream.ts';
import { eraMemory } from '../downstream/connection/eras.ts';
import { type GreetingSource, greetingSource, withoutRoots } from '../downstream/connection/client-info.ts';
import { Turns } from '../downstream/reconnect-limiter.ts';
import { expectedClient } from './expected-client.ts';
import { Fleet, type Running } from './server-set.ts';
import { fleetConfigOf } from './server-set-config.ts';
import { definitionOf, type MetaTool } from '../meta-tools/meta-tools.ts';
import { proxyStatus, type ServerReport } from '../meta-tools/proxy-status.ts';
import { boundBytes } from '../middleware/memory-limit.ts';
import { observe } from '../middleware/observe.ts';
import { ResultStore } from '../middleware/cache-store.ts';
import { RetryBudget } from '../middleware/retry-budget.ts';
import { ListNews } from './list-notifications.ts';
import { ListWait } from './list-wait.ts';
import { membersOf } from '../routing/topology.ts';
import { serverRoad } from '../pipeline/server-pipeline.ts';
import { LATEST_LEGACY } from '../protocol/revisions.ts';
import { Sealer } from '../protocol/seal.ts';
import { patienceOf } from '../server/client-patience.ts';
import type { Attachment, Member, ServedProxy } from '../server/served-proxy.ts';
import { savedWorkflowTools, workflowTools } from '../meta-tools/workflow-tools.ts';
import { packageRunner } from '../transport/child-process/package-runners.ts';
import { memoryByGroup, startTimeOf } from '../transport/child-process/process-table.ts';
import { workflowsOnDemand, type WorkflowsOnDemand } from '../workflow/on-demand.ts';
import { USER_OF_THIS_MACHINE } from '../workflow/owners.ts';
import { ServerReports } from './server-status.ts';
import { stateKey } from './state-key.ts';
import { Subscriptions } from './resource-subscriptions.ts';
import { taskIds } from '../routing/task-ids.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { openProcessRecord, sweepProcesses } from '../transport/child-process/process-record.ts';

export interface ProxyOptions {
  readonly config: Config;
  readonly version: string;
  /** One client only (stdio): its downstreams are told exactly what it can do, and belong to it. */
  readonly exclusive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its first client is on its way: servers are greeted when it is known what that one can do. */
  readonly awaitsClient?: boolean;
  /** All clients are one user, as over stdio: they see each other's workflow runs. Default: as `exclusive`. */
  readonly oneUser?: boolean;
  /** Whether it goes on with workflow runs that a dead proxy left; default: it does. */
  readonly goesOn?: boolean;
  /** Whether servers that are remembered are started before a call wants them; default: they are. */
  readonly startsKnown?: boolean;
  /** Set for every child process; tells a proxy that it was started by itself. */
  readonly childEnv?: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock?: Clock;
}

export interface Proxy {
  /** @internal */
  readonly served: ServedProxy;
  /** Every server that connects for all clients is connected. */
  readonly ready: boolean;
  /**
   * Takes over a changed config: only what differs is started anew, and calls under way on it may end.
   *
   * @returns the keys that differ and hold for as long as the process lives.
   */
  reload(config: Config): readonly string[];
  /** Waits until every server that connects for all clients is up or has failed. */
  connected(): Promise<void>;
  /** Waits until every server that is coming up for all clients has told what it offers, or has failed. */
  listed(): Promise<void>;
  /** Waits for a tool of a server that is coming up. */
  toolAppears(name: string, signal: Cancellation): Promise<void>;
  /** How every server does, as the client with this view sees it; without one, as who runs the proxy does. */
  report(view: string): readonly ServerReport[];
  /** Resident memory of each server's processes, bytes; empty where the system does not tell. */
  memory(): Promise<ReadonlyMap<string, number>>;
  /**
   * Absent where `expose.metaTools` is off.
   *
   * @internal
   */
  readonly workflows: WorkflowsOnDemand | undefined;
  /**
   * Who is attached now.
   *
   * @internal
   */
  readonly clients: readonly Client[];
  /** Figures for Prometheus. */
  readonly metrics: Metrics | undefined;
  /** It is about to stop: lists that wait for servers are answered with what is there. */
  stopWaiting(): void;
  /** Lets servers that have never been listed and are still coming up tell what they offer, so that it is remembered. */
  learn(ms: number): Promise<void>;
  /** Ends every connection and child process, and hurries where it has to be done in so many milliseconds. Idempotent. */
  close(withinMs?: number): Promise<void>;
}

/** Starts all servers; waits for none. */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const { log, clock = systemClock, exclusive, oneUser = exclusive, env } = options;
  // A reload replaces these, and the road that is made of them.
  let { config } = options;
  let all = membersOf(config);
  const key = stateKey(config.stateDir, log);
  const sealer = new Sealer(key, () => Date.now());
  const eras = eraMemory(join(config.stateDir, 'eras.json'), key, log);
  const snapshots = openSnapshots(config.stateDir, key, log);
  const schemas = schemaChecks(log);
  const turns = new Turns({ atOnce: config.limits.reconnects, longestMs: LONGEST_TURN_MS, clock });
  const tasks = taskIds(sealer);
  const uris = new UriMemory(
    (server) => (all.servers.get(server) ?? all.pools.get(server))?.namespace ?? server,
  );
  const loginsKept = loginStore(config, clock, log);
  const processes = await openProcessRecord(config.stateDir, log);
  const hops = new Hops(clock, env[VIA_VARIABLE], () => clock.after(TELL_HOPS_MS, tellHops));
  const leaving = new Cancellation();
  const swept = sweepProcesses(config.stateDir, log);
  const carriers: Omit<CarrierContext, 'stopGraceMs' | 'authorization'> = {
    env,
    childEnv: options.childEnv ?? {},
    processes,
    maxProcesses: config.limits.processes,
    hops,
    leaving,
    clock,
    log,
  };

  const counts = new CallCounts(log);
  const members = new Map<string, Attached>();
  const reports = new ServerReports({
    all: () => all,
    shared: () => shared,
    attached: () => members,
    countOf: (server) => counts.of(server),
  });
  const subscriptions = new Subscriptions({
    uris,
    attached: () => members.values(),
    poolOf(server) {
      const pool = road.pools.get(server);
      return pool && { pool, members: all.pools.get(server)?.members ?? [] };
    },
    most: config.limits.subscriptions,
    log,
  });
  // Set by an SDK that was loaded before us; without one there is nothing to record.
  const tracing =
    Symbol.for('opentelemetry.js.api.1') in globalThis ? await import('../middleware/trace.ts') : undefined;
  // Who serves one client over stdio has no page to show them on.
  const metrics = exclusive
    ? undefined
    : (await import('../telemetry/metrics.ts')).createMetrics(
        () => reports.figures(),
        () => processes.running.size,
      );
  const notices = new ClientNotices({ tasks, attached: () => members.values(), fleets: allFleets });
  const views = new ClientViews({
    all: () => all,
    pools: () => road.pools,
    shared: () => shared,
    attached: () => members,
    exclusive,
    hasParted: (server) => cohorts?.hasParted(server) ?? false,
  });
  const logged = new Set<string>();
  /** Servers that asked for roots. */
  const rootsAskers = new Set<string>();
  /** Of the only client. */
  const greeted = greetingSource();
  const expected = exclusive || options.awaitsClient ? undefined : expectedClient(config.stateDir, log);
  const status = proxyStatus((view) => reports.of(view));

  const workflows = config.expose.metaTools
    ? workflowsOnDemand(
        {
          ...config.workflows,
          folder: config.stateDir,
          stateDir: config.stateDir,
          handle: (call) => road.steps(call),
          tools: (client) =>
            views.tools(client, (name) =>
              road.policies.isSafe({ method: 'tools/call', name, client: client ?? NOBODY }),
            ),
          ownerOf: runsOwner,
          settled: (client) => views.fleetOf(client).settled(),
          goesOn: options.goesOn ?? true,
          startTimeOf,
          savedChanged: () => {
            savedTools = undefined;
            for (const { news } of members.values()) news.changed(['tools']);
          },
          clock,
          log,
        },
        join(config.stateDir, 'workflows', 'journal.db'),
      )
    : undefined;
  let savedTools: { readonly catalog: Catalog; readonly tools: readonly MetaTool[] } | undefined;

  const cohorts = exclusive
    ? undefined
    : new Cohorts({
        info: ownInfo(options.version),
        expected: expected?.capabilities,
        open: cohortFleet,
        mayPart: (server) => all.servers.get(server)?.connections === 'auto',
        parted: dropResults,
        clock,
        log,
      });
  const shared = cohorts?.first ?? exclusiveFleet();
  shared.start();

  const results = new ResultStore({ maxBytes: config.limits.cacheBytes, clock });
  const bounded = boundBytes({ maxBytes: config.limits.waitingBytes });
  const budget = new RetryBudget(config.retryBudget);
  let road = newRoad();
  // After the first answers: the engine takes a moment to load.
  clock.after(WORKFLOWS_AFTER_MS, () => workflows?.start());
  /** How long a child process may take for each step of its end. */
  let stepMs = Infinity;
  let closing: Promise<void> | undefined;
  return {
    served: {
      info: { name: 'switchyard', title: 'Switchyard', version: options.version },
      get pageSize() {
        return config.expose.pageSize;
      },
      limits: config.limits,
      hops,
      get metaTools() {
        return [...road.definitions, ...savedWorkflows().map(definitionOf)];
      },
      sealer,
      handle: (call) => road.handle(call),
      attach,
    },
    get ready() {
      return [...shared.downstreams].every(({ connected, lazy }) => connected || lazy);
    },
    connected: () => shared.connected(),
    listed: () => shared.listed(),
    toolAppears: (name, signal) => shared.appears(({ tools }) => tools.has(name), { name, signal }),
    reload,
    report: (view) => reports.of(view),
    memory,
    get clients() {
      return [...members.values()].map(({ member }) => member.client);
    },
    workflows,
    metrics,
    stopWaiting() {
      for (const its of allFleets()) its.stopWaiting();
    },
    async learn(ms) {
      // Before anybody has come, servers are not even greeted.
      if (cohorts || greeted.now) await shared.settled(clock.now() + ms);
    },
    close: (withinMs) => (closing ??= close(withinMs)),
  };

  /** All that depends on the config and is cheap to make anew. */
  function newRoad(): CallRoad {
    const own = workflows ? [status, ...workflowTools(workflows)] : [];
    return callRoad({
      composedTools: config.tools,
      all,
      views,
      uris,
      tasks,
      bounded,
      results,
      budget,
      counts,
      clock,
      own,
      saved: savedWorkflows,
    });
  }

  /** What is saved is judged by the tools that are there. */
  function savedWorkflows(): readonly MetaTool[] {
    if (!workflows) return [];
    const { catalog } = shared;
    if (savedTools?.catalog !== catalog) savedTools = { catalog, tools: savedWorkflowTools(workflows) };
    return savedTools.tools;
  }

  function reload(next: Config): readonly string[] {
    if (closing) return [];
    const before = all;
    const change = compareConfigs(config, next);
    if (change.restartNeeded.length > 0)
      log.warn({ keys: change.restartNeeded }, 'changed in the config, but not in force: restart needed');
    if (change.same) return [];
    config = next;
    all = membersOf(next);
    const differs = differingServers(before.servers, all.servers);
    const definitions = road.definitions.join();
    road = newRoad();
    for (const server of differs) dropResults(server);
    const parts = fleetConfigOf(config, all);
    for (const its of allFleets()) its.reload(parts, differs);
    for (const attached of members.values()) {
      subscriptions.renew(attached, differs);
      if (definitions !== road.definitions.join()) attached.news.changed(['tools']);
    }
    const gone = [...before.servers.keys()].filter((server) => !all.servers.has(server));
    const added = [...all.servers.keys()].filter((server) => !before.servers.has(server));
    log.info({ changed: [...differs], added, removed: gone }, 'the config was read again');
    return change.restartNeeded;
  }

  /** Whose workflow runs a client may see: its person's, where tokens tell persons apart, else those of its session. */
  function runsOwner({ id, person }: Client): string {
    if (oneUser) return USER_OF_THIS_MACHINE;
    return config.http.tokens.size > 0 && person !== undefined ? `person ${person}` : id;
  }

  function allFleets(): ReadonlySet<Fleet> {
    const own = [...members.values()].map(({ fleet: its }) => its);
    return new Set([...(cohorts?.fleets ?? [shared]), ...own]);
  }

  async function close(withinMs: number | undefined): Promise<void> {
    // Clients kill what they started two seconds after they left.
    leaving.cancel('the proxy goes');
    if (exclusive) stepMs = HURRY_MS;
    // It is asked to end, then told to.
    if (withinMs !== undefined) stepMs = Math.min(HURRY_MS, Math.max(LEAST_STEP_MS, withinMs / 2));
    await workflows?.close();
    for (const { fleet: its } of members.values()) if (its !== shared) await its.close();
    await (cohorts ?? shared).close();
    schemas.close();
    await Promise.all([eras.close(), snapshots.close(), expected?.close()]);
    await swept;
    await processes.close();
  }

  /** A circle of proxies shows in the next request on its way: it shall not have to wait for one. */
  function tellHops(): void {
    for (const [server, { transport }] of all.servers)
      if (transport.kind === 'http') for (const its of allFleets()) its.downstreamOf(server)?.probe();
  }

  function attach(member: Member): Attachment {
    const { view, info, capabilities } = member.client;
    expected?.came(capabilities);
    const news = new ListNews({
      tell: (kinds) => member.listsChanged(kinds),
      comingUp: () => its.comingUp,
      clock,
    });
    const cohort = cohorts?.join(member);
    const its = cohort ? clientFleet(member, cohort, news) : shared;
    if (!cohort) {
      greeted.set({
        info: info ?? ownInfo(options.version),
        capabilities,
        protocolVersion: askedIn(member.client),
      });
      shared.recall();
    }
    const attached: Attached = { member, fleet: its, news, subscriptions: new Map(), logLevel: undefined };
    members.set(view, attached);
    const wait = new ListWait({
      patience: patienceOf(member.client, !oneUser),
      given: () => config.expose.listWaitMs,
      clock,
    });
    return {
      get catalog() {
        return its.catalog;
      },
      get complete() {
        return its.complete;
      },
      async settledCatalog(kind) {
        const { listUntil } = wait;
        await Promise.all([its.settled(listUntil), savedRead(listUntil)]);
        if (its.missing) its.waitedInVain();
        await its.freshen('listed');
        for (const one of new Set([its, cohort?.fleet ?? its, shared])) one.hasListed();
        news.listed(kind);
        return its.catalog;
      },
      async greetingCatalog() {
        await its.settled(wait.greetingUntil);
        return its.catalog;
      },
      listens: () => news.listens(),
      subscribe: (uri) => subscriptions.subscribe(attached, uri),
      unsubscribe: (uri) => subscriptions.unsubscribe(attached, uri),
      watchTask: (taskId) => notices.watchTask(attached, taskId, true),
      unwatchTask: (taskId) => notices.watchTask(attached, taskId, false),
      setLogLevel: (level) => notices.setLogLevel(attached, level),
      rootsChanged() {
        for (const downstream of its.downstreams) downstream.rootsChanged();
        if (!cohort) return;
        for (const server of all.servers.keys())
          if (cohorts?.doorOf(cohort, server) === member) cohort.fleet.downstreamOf(server)?.rootsChanged();
      },
      detach() {
        if (members.get(view) === attached) members.delete(view);
        news.close();
        if (cohort) cohorts?.leave(cohort, member);
        if (its !== shared) void its.close();
      },
    };
  }

  /** The saved workflows have been read; at most as long as a list may wait. */
  async function savedRead(until: number): Promise<void> {
    if (!workflows) return;
    let stop = (): void => {};
    const waitMs = Math.max(SAVED_MS, until - clock.now());
    const late = new Promise<void>((done) => (stop = clock.after(waitMs, done)));
    const read = workflows.ready().catch((error: unknown) => {
      log.error({ why: messageOf(error) }, 'the saved workflows could not be read');
    });
    await Promise.race([read, late]);
    stop();
  }

  /** The connections of the only client. */
  function exclusiveFleet(): Fleet {
    const its: Fleet = fleet({
      own: () => true,
      door: () => [...members.values()][0]?.member,
      greeting: greeted,
      changed: (kinds) => {
        for (const { news } of members.values()) news.changed(kinds);
      },
    });
    return its;
  }

  /** The connections that clients of equal capabilities share. What the config has all clients share the first cohort has. */
  function cohortFleet(cohort: Cohort, first: Fleet | undefined): Fleet {
    return fleet({
      cohort,
      own: (server) => (first ? connectionsOf(server) === 'auto' : connectionsOf(server) !== 'per-client'),
      door: (server) => cohorts?.doorOf(cohort, server),
      get greeting() {
        return cohort.greeting;
      },
      ...(first && { shared: first }),
      // Each of them has a fleet of its own, which hears of it.
      changed: () => {},
    });
  }

  /** A client's own connections, where a server's config or its behaviour asks for them. */
  function clientFleet(member: Member, cohort: Cohort, news: ListNews): Fleet {
    const { info, capabilities, view } = member.client;
    const greeting = greetingSource({
      info: info ?? ownInfo(options.version),
      capabilities,
      protocolVersion: askedIn(member.client),
    });
    const its: Fleet = fleet({
      own: (server) => connectionsOf(server) === 'per-client',
      ownOnDemand: (server) => cohorts?.needsOwn(cohort, server, view) ?? false,
      owner: member,
      door: () => member,
      greeting,
      shared: cohort.fleet,
      changed: (kinds) => news.changed(kinds),
    });
    its.start();
    return its;
  }

  function connectionsOf(server: string): ServerConfig['connections'] | undefined {
    return all.servers.get(server)?.connections;
  }

  function fleet(part: FleetPart): Fleet {
    return new Fleet({
      config: fleetConfigOf(config, all),
      own: part.own,
      ownOnDemand: part.ownOnDemand ?? (() => false),
      shared: part.shared,
      startsKnown: options.startsKnown ?? true,
      make: (server, changed) => run(all.servers.get(server) as ServerConfig, part, changed),
      clock,
      changed: (kinds, catalog) => {
        logProblems(catalog);
        part.changed(kinds);
      },
    });
  }

  function run(server: ServerConfig, part: FleetPart, changed: () => void): Running {
    const { key: name } = server;
    // Connections of their own are for one person each; the shared one is for whoever may use this proxy.
    const who = config.http.tokens.size > 0 ? (part.owner?.client.person ?? '') : '';
    const login = loginFor({
      key: all.ownerOf(name),
      server,
      who,
      mayAsk: exclusive || who !== '' || config.http.tokens.size < 2,
      store: loginsKept,
      env,
      loggedIn: () => {
        dropResults(name);
        downstream.loggedIn();
      },
      completed: (clientId, params) => notices.tell(clientId, 'notifications/elicitation/complete', params),
      clock,
      log,
    });
    const downstream: Downstream = new Downstream({
      server: name,
      carriers: carriersFor(server, {
        ...carriers,
        stopGraceMs: () => Math.min(server.stopGraceMs, stepMs),
        authorization: login?.authorization,
      }),
      protocol: server.protocol,
      eras: eras.for(JSON.stringify(server.transport, mapsAsArrays)),
      greeting: part.cohort && server.connections === 'shared' ? withoutRoots(part.greeting) : part.greeting,
      memory: snapshots.for(snapshotAddress(server.transport, server.protocol, who)),
      checked: (listing, before) => schemas.checked(listing, before),
      door: () => part.door(name),
      caller: () => callerOf(part, name),
      asksForRoots: () => rootsAskers.has(name),
      start: server.start,
      idleStopMs: server.idleStopMs,
      outage: server.outage,
      connectTimeoutMs: server.connectTimeoutMs,
      fetches: () =>
        server.transport.kind === 'stdio' &&
        packageRunner(server.transport.command, server.transport.args) !== undefined,
      health: server.health,
      turns,
      restart: server.restart,
      limits: server.limits,
      clock,
      random: Math.random,
      log,
      events: {
        changed,
        resourceUpdated: (params) => {
          dropResults(name);
          subscriptions.updated(name, params, downstream);
        },
        greeted: () => its.greeted(),
        outdated: () => dropResults(name),
        taskChanged: (method, params) => notices.taskChanged(name, method, params, downstream),
        elicitationCompleted: (clientId, params) =>
          notices.tell(clientId, 'notifications/elicitation/complete', params),
        needsOwnConnections: () => part.cohort && cohorts?.cannotTellWho(part.cohort, name),
        rootsAsked: (client) => {
          rootsAskers.add(name);
          if (part.cohort) cohorts?.rootsAsked(part.cohort, name, client);
        },
      },
    });
    const its = serverRoad({
      server,
      downstream,
      login,
      outside: [
        observe({
          server: name,
          stats: counts.of(name),
          clock,
          log,
          measured: metrics && ((call, ms) => metrics.took(name, call.method, call.name, ms)),
        }),
        ...(tracing ? [tracing.traced({ server: name, version: options.version })] : []),
      ],
      clock,
      log,
    });
    const level = notices.leastLogLevel;
    if (level !== undefined) downstream.setLogLevel(level);
    return { downstream, road: its };
  }

  function dropResults(server: string): void {
    results.drop(server);
    results.drop(all.ownerOf(server));
  }

  function callerOf({ cohort, owner, door }: FleetPart, server: string): Client | undefined {
    if (cohort) return cohorts?.callerOf(cohort, server);
    const client = (owner ?? door(server))?.client;
    return client?.era === 'modern' ? client : undefined;
  }

  async function memory(): Promise<ReadonlyMap<string, number>> {
    const byGroup = await memoryByGroup();
    const byServer = new Map<string, number>();
    for (const [pid, server] of processes.running)
      if (byGroup.has(pid)) byServer.set(server, (byServer.get(server) ?? 0) + (byGroup.get(pid) ?? 0));
    return byServer;
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

/** How long a server that reconnects may hold the others up. */
const LONGEST_TURN_MS = 2000;
const MAX_LOGGED = 10_000;
/** What a child process gets of its grace, twice, when our own time is short. */
const HURRY_MS = 600;
const LEAST_STEP_MS = 150;

const TELL_HOPS_MS = 50;
const WORKFLOWS_AFTER_MS = 100;
/** The files of saved workflows may take so long, whatever a list may wait for servers. */
const SAVED_MS = 1000;
/** Stands for a client where none is known: it sees what all see. */
const NOBODY: Client = {
  id: '',
  view: '',
  era: 'legacy',
  protocolVersion: LATEST_LEGACY,
  info: undefined,
  capabilities: {},
  logLevel: undefined,
};

interface FleetPart {
  readonly own: (server: string) => boolean;
  readonly ownOnDemand?: (server: string) => boolean;
  /** The one client that a server can only mean. */
  readonly door: (server: string) => ClientDoor | undefined;
  /** There if the connections are shared by a cohort of clients. */
  readonly cohort?: Cohort;
  /** Whose own connections they are, beside the shared ones. */
  readonly owner?: Member;
  readonly greeting: GreetingSource;
  readonly shared?: Fleet;
  readonly changed: (kinds: readonly ListKind[]) => void;
}

/** What a server that takes no other revision may suit best. */
function askedIn({ era, protocolVersion }: Client): string | undefined {
  return era === 'legacy' ? protocolVersion : undefined;
}

function ownInfo(version: string): JsonObject {
  return { name: 'switchyard', version };
}

function mapsAsArrays(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}
