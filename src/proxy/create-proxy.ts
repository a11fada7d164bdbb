/**
 * The one file that knows every part: config in, proxy out.
 *
 * client → server/ → pipeline/call-pipeline.ts → pipeline/server-pipeline.ts → downstream/
 */
import { join } from 'node:path';
import type { AttachedClient } from './attached-client.ts';
import { callRules } from '../context/call-rules.ts';
import { modelExposures } from './model-exposures.ts';
import { CallCounts } from '../pipeline/call-counts.ts';
import { type CallPipeline, callPipeline } from '../pipeline/call-pipeline.ts';
import { type CapabilityGroup, CapabilityGroups } from './capability-groups.ts';
import { ClientNotifications } from './client-notifications.ts';
import { ClientViews } from './client-views.ts';
import { transportsFor, type TransportContext } from './transports.ts';
import { schemaChecks } from '../catalog/schemas/schema-checks.ts';
import { openSnapshots, snapshotAddress } from '../catalog/snapshot.ts';
import { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { compareConfigs, differingServers } from '../config/reload/compare-configs.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import type { Client, ClientHandle } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { LoopDetection, VIA_VARIABLE } from '../core/loop-detection.ts';
import type { JsonObject } from '../json/json.ts';
import type { ListKind } from '../core/listing.ts';
import type { Logger } from '../core/logger.ts';
import { loginFor, loginStore } from './server-logins.ts';
import { Downstream } from '../downstream/downstream.ts';
import { eraMemory } from '../downstream/connection/eras.ts';
import { type IdentitySource, identitySource, withoutRoots } from '../downstream/connection/client-info.ts';
import { ReconnectLimiter } from '../downstream/reconnect-limiter.ts';
import { expectedClient } from './expected-client.ts';
import { ServerSet, type RunningServer } from './server-set.ts';
import { serverSetConfig } from './server-set-config.ts';
import { definitionOf, type MetaTool } from '../meta-tools/meta-tools.ts';
import { proxyStatus, type ServerReport } from '../meta-tools/proxy-status.ts';
import { memoryLimit } from '../middleware/memory-limit.ts';
import { observe } from '../middleware/observe.ts';
import { CacheStore } from '../middleware/cache-store.ts';
import { RetryBudget } from '../middleware/retry-budget.ts';
import { ListNotifications } from './list-notifications.ts';
import { ListWait } from './list-wait.ts';
import { topologyOf } from '../routing/topology.ts';
import { serverPipeline } from '../pipeline/server-pipeline.ts';
import { LATEST_LEGACY } from '../protocol/revisions.ts';
import { Sealer } from '../protocol/seal.ts';
import { patienceOf } from '../server/client-patience.ts';
import type { Attachment, ConnectedClient, ServedProxy } from '../server/served-proxy.ts';
import { savedWorkflowTools, workflowTools } from '../meta-tools/workflow-tools.ts';
import { packageRunner } from '../transport/child-process/package-runners.ts';
import { memoryByGroup, startTimeOf } from '../transport/child-process/process-table.ts';
import { workflowsOnDemand, type WorkflowsOnDemand } from '../workflow/on-demand.ts';
import { USER_OF_THIS_MACHINE } from '../workflow/owners.ts';
import { ServerStatuses } from './server-status.ts';
import { stateKey } from './state-key.ts';
import { ResourceSubscriptions } from './resource-subscriptions.ts';
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
  // A reload replaces these, and the pipeline that is made of them.
  let { config } = options;
  let all = topologyOf(config);
  const key = stateKey(config.stateDir, log);
  const sealer = new Sealer(key, () => Date.now());
  const eras = eraMemory(join(config.stateDir, 'eras.json'), key, log);
  const snapshots = openSnapshots(config.stateDir, key, log);
  const schemas = schemaChecks(log);
  const turns = new ReconnectLimiter({ atOnce: config.limits.reconnects, longestMs: LONGEST_TURN_MS, clock });
  const tasks = taskIds(sealer);
  const uris = new UriMemory(
    (server) => (all.servers.get(server) ?? all.pools.get(server))?.namespace ?? server,
  );
  const loginsKept = loginStore(config, clock, log);
  const processes = await openProcessRecord(config.stateDir, log);
  const loopDetection = new LoopDetection(clock, env[VIA_VARIABLE], () =>
    clock.after(TELL_HOPS_MS, tellHops),
  );
  const leaving = new Cancellation();
  const swept = sweepProcesses(config.stateDir, log);
  const transports: Omit<TransportContext, 'stopGraceMs' | 'authorization'> = {
    env,
    childEnv: options.childEnv ?? {},
    processes,
    maxProcesses: config.limits.processes,
    loopDetection,
    leaving,
    clock,
    log,
  };

  const counts = new CallCounts(log);
  const members = new Map<string, AttachedClient>();
  const reports = new ServerStatuses({
    all: () => all,
    shared: () => shared,
    attached: () => members,
    countOf: (server) => counts.of(server),
  });
  const subscriptions = new ResourceSubscriptions({
    uris,
    attached: () => members.values(),
    poolOf(server) {
      const pool = pipeline.pools.get(server);
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
  const clientNotifications = new ClientNotifications({
    tasks,
    attached: () => members.values(),
    serverSets: allServerSets,
  });
  const views = new ClientViews({
    all: () => all,
    pools: () => pipeline.pools,
    shared: () => shared,
    attached: () => members,
    exclusive,
    hasParted: (server) => capabilityGroups?.hasParted(server) ?? false,
  });
  const logged = new Set<string>();
  /** Servers that asked for roots. */
  const rootsAskers = new Set<string>();
  /** Of the only client. */
  const handshakeDone = identitySource();
  const expected = exclusive || options.awaitsClient ? undefined : expectedClient(config.stateDir, log);
  const status = proxyStatus((view) => reports.of(view));

  const workflows = config.expose.metaTools
    ? workflowsOnDemand(
        {
          ...config.workflows,
          folder: config.stateDir,
          stateDir: config.stateDir,
          handle: (call) => pipeline.steps(call),
          tools: (client) =>
            views.tools(client, (name) =>
              pipeline.policies.isSafe({ method: 'tools/call', name, client: client ?? NOBODY }),
            ),
          ownerOf: runsOwner,
          settled: (client) => views.serverSetOf(client).settled(),
          goesOn: options.goesOn ?? true,
          startTimeOf,
          savedChanged: () => {
            savedTools = undefined;
            for (const { listNotifications } of members.values()) listNotifications.changed(['tools']);
          },
          clock,
          log,
        },
        join(config.stateDir, 'workflows', 'journal.db'),
      )
    : undefined;
  let savedTools: { readonly catalog: Catalog; readonly tools: readonly MetaTool[] } | undefined;

  const capabilityGroups = exclusive
    ? undefined
    : new CapabilityGroups({
        info: ownInfo(options.version),
        expected: expected?.capabilities,
        open: groupServerSet,
        mayPart: (server) => all.servers.get(server)?.connections === 'auto',
        parted: dropResults,
        clock,
        log,
      });
  const shared = capabilityGroups?.first ?? exclusiveServerSet();
  shared.start();

  const results = new CacheStore({ maxBytes: config.limits.cacheBytes, clock });
  const bounded = memoryLimit({ maxBytes: config.limits.waitingBytes });
  const budget = new RetryBudget(config.retryBudget);
  const exposures = modelExposures({
    config: () => config,
    all: () => all,
    views,
    own: ownDefinitions,
    clock,
    log,
  });
  let pipeline = newRoad();
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
      loopDetection,
      get metaTools() {
        return ownDefinitions();
      },
      exposures,
      sealer,
      handle: (call) => pipeline.handle(call),
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
      for (const its of allServerSets()) its.stopWaiting();
    },
    async learn(ms) {
      // Before anybody has come, servers are not even greeted.
      if (capabilityGroups || handshakeDone.now) await shared.settled(clock.now() + ms);
    },
    close: (withinMs) => (closing ??= close(withinMs)),
  };

  /** All that depends on the config and is cheap to make anew. */
  function newRoad(): CallPipeline {
    const own = workflows ? [status, ...workflowTools(workflows)] : [];
    return callPipeline({
      outermost: exposures.middleware,
      rules: callRules(config.expose),
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

  function ownDefinitions(): readonly string[] {
    return [...pipeline.definitions, ...savedWorkflows().map(definitionOf)];
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
    all = topologyOf(next);
    const differs = differingServers(before.servers, all.servers);
    const definitions = pipeline.definitions.join();
    pipeline = newRoad();
    for (const server of differs) dropResults(server);
    const parts = serverSetConfig(config, all);
    for (const its of allServerSets()) its.reload(parts, differs);
    for (const attached of members.values()) {
      subscriptions.renew(attached, differs);
      if (definitions !== pipeline.definitions.join()) attached.listNotifications.changed(['tools']);
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

  function allServerSets(): ReadonlySet<ServerSet> {
    const own = [...members.values()].map(({ serverSet: its }) => its);
    return new Set([...(capabilityGroups?.serverSets ?? [shared]), ...own]);
  }

  async function close(withinMs: number | undefined): Promise<void> {
    // Clients kill what they started two seconds after they left.
    leaving.cancel('the proxy goes');
    if (exclusive) stepMs = HURRY_MS;
    // It is asked to end, then told to.
    if (withinMs !== undefined) stepMs = Math.min(HURRY_MS, Math.max(LEAST_STEP_MS, withinMs / 2));
    await workflows?.close();
    await exposures.close();
    for (const { serverSet: its } of members.values()) if (its !== shared) await its.close();
    await (capabilityGroups ?? shared).close();
    schemas.close();
    await Promise.all([eras.close(), snapshots.close(), expected?.close()]);
    await swept;
    await processes.close();
  }

  /** A circle of proxies shows in the next request on its way: it shall not have to wait for one. */
  function tellHops(): void {
    for (const [server, { transport }] of all.servers)
      if (transport.kind === 'http') for (const its of allServerSets()) its.downstreamOf(server)?.probe();
  }

  function attach(member: ConnectedClient): Attachment {
    const { view, info, capabilities } = member.client;
    expected?.came(capabilities);
    const listNotifications = new ListNotifications({
      tell: (kinds) => member.listsChanged(kinds),
      comingUp: () => its.comingUp,
      clock,
    });
    const capabilityGroup = capabilityGroups?.join(member);
    const its = capabilityGroup ? clientServerSet(member, capabilityGroup, listNotifications) : shared;
    if (!capabilityGroup) {
      handshakeDone.set({
        info: info ?? ownInfo(options.version),
        capabilities,
        protocolVersion: askedIn(member.client),
      });
      shared.recall();
    }
    const attached: AttachedClient = {
      member,
      serverSet: its,
      listNotifications,
      subscriptions: new Map(),
      logLevel: undefined,
    };
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
        for (const one of new Set([its, capabilityGroup?.serverSet ?? its, shared])) one.hasListed();
        listNotifications.listed(kind);
        return its.catalog;
      },
      async greetingCatalog() {
        await its.settled(wait.greetingUntil);
        return its.catalog;
      },
      listens: () => listNotifications.listens(),
      subscribe: (uri) => subscriptions.subscribe(attached, uri),
      unsubscribe: (uri) => subscriptions.unsubscribe(attached, uri),
      watchTask: (taskId) => clientNotifications.watchTask(attached, taskId, true),
      unwatchTask: (taskId) => clientNotifications.watchTask(attached, taskId, false),
      setLogLevel: (level) => clientNotifications.setLogLevel(attached, level),
      rootsChanged() {
        for (const downstream of its.downstreams) downstream.rootsChanged();
        if (!capabilityGroup) return;
        for (const server of all.servers.keys())
          if (capabilityGroups?.doorOf(capabilityGroup, server) === member)
            capabilityGroup.serverSet.downstreamOf(server)?.rootsChanged();
      },
      detach() {
        if (members.get(view) === attached) members.delete(view);
        listNotifications.close();
        if (capabilityGroup) capabilityGroups?.leave(capabilityGroup, member);
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
  function exclusiveServerSet(): ServerSet {
    const its: ServerSet = serverSet({
      own: () => true,
      clientHandle: () => [...members.values()][0]?.member,
      identity: handshakeDone,
      changed: (kinds) => {
        for (const { listNotifications } of members.values()) listNotifications.changed(kinds);
      },
    });
    return its;
  }

  /** The connections that clients of equal capabilities share. What the config has all clients share the first group has. */
  function groupServerSet(capabilityGroup: CapabilityGroup, first: ServerSet | undefined): ServerSet {
    return serverSet({
      capabilityGroup,
      own: (server) => (first ? connectionsOf(server) === 'auto' : connectionsOf(server) !== 'per-client'),
      clientHandle: (server) => capabilityGroups?.doorOf(capabilityGroup, server),
      get identity() {
        return capabilityGroup.identity;
      },
      ...(first && { shared: first }),
      // Each of them has a server set of its own, which hears of it.
      changed: () => {},
    });
  }

  /** A client's own connections, where a server's config or its behaviour asks for them. */
  function clientServerSet(
    member: ConnectedClient,
    capabilityGroup: CapabilityGroup,
    listNotifications: ListNotifications,
  ): ServerSet {
    const { info, capabilities, view } = member.client;
    const identity = identitySource({
      info: info ?? ownInfo(options.version),
      capabilities,
      protocolVersion: askedIn(member.client),
    });
    const its: ServerSet = serverSet({
      own: (server) => connectionsOf(server) === 'per-client',
      ownOnDemand: (server) => capabilityGroups?.needsOwn(capabilityGroup, server, view) ?? false,
      owner: member,
      clientHandle: () => member,
      identity,
      shared: capabilityGroup.serverSet,
      changed: (kinds) => listNotifications.changed(kinds),
    });
    its.start();
    return its;
  }

  function connectionsOf(server: string): ServerConfig['connections'] | undefined {
    return all.servers.get(server)?.connections;
  }

  function serverSet(part: FleetPart): ServerSet {
    return new ServerSet({
      config: serverSetConfig(config, all),
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

  function run(server: ServerConfig, part: FleetPart, changed: () => void): RunningServer {
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
      completed: (clientId, params) =>
        clientNotifications.tell(clientId, 'notifications/elicitation/complete', params),
      clock,
      log,
    });
    const downstream: Downstream = new Downstream({
      server: name,
      transports: transportsFor(server, {
        ...transports,
        stopGraceMs: () => Math.min(server.stopGraceMs, stepMs),
        authorization: login?.authorization,
      }),
      protocol: server.protocol,
      eras: eras.for(JSON.stringify(server.transport, mapsAsArrays)),
      identity:
        part.capabilityGroup && server.connections === 'shared' ? withoutRoots(part.identity) : part.identity,
      memory: snapshots.for(snapshotAddress(server.transport, server.protocol, who)),
      checked: (listing, before) => schemas.checked(listing, before),
      clientHandle: () => part.clientHandle(name),
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
        handshakeDone: () => its.handshakeDone(),
        outdated: () => dropResults(name),
        taskChanged: (method, params) => clientNotifications.taskChanged(name, method, params, downstream),
        elicitationCompleted: (clientId, params) =>
          clientNotifications.tell(clientId, 'notifications/elicitation/complete', params),
        needsOwnConnections: () =>
          part.capabilityGroup && capabilityGroups?.cannotTellWho(part.capabilityGroup, name),
        rootsAsked: (client) => {
          rootsAskers.add(name);
          if (part.capabilityGroup) capabilityGroups?.rootsAsked(part.capabilityGroup, name, client);
        },
      },
    });
    const its = serverPipeline({
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
    const level = clientNotifications.leastLogLevel;
    if (level !== undefined) downstream.setLogLevel(level);
    return { downstream, pipeline: its };
  }

  function dropResults(server: string): void {
    results.drop(server);
    results.drop(all.ownerOf(server));
  }

  function callerOf({ capabilityGroup, owner, clientHandle }: FleetPart, server: string): Client | undefined {
    if (capabilityGroup) return capabilityGroups?.callerOf(capabilityGroup, server);
    const client = (owner ?? clientHandle(server))?.client;
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
  readonly clientHandle: (server: string) => ClientHandle | undefined;
  /** There if the connections are shared by a group of clients. */
  readonly capabilityGroup?: CapabilityGroup;
  /** Whose own connections they are, beside the shared ones. */
  readonly owner?: ConnectedClient;
  readonly identity: IdentitySource;
  readonly shared?: ServerSet;
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
