/**
 * Puts the parts together: config in, proxy out.
 *
 * client → server/ → pipeline/call-pipeline.ts → pipeline/server-pipeline.ts → downstream/
 */
import type { AttachedClient } from './clients/attached-client.ts';
import { callRules } from '../context/call-rules.ts';
import { CallCounts } from '../pipeline/call-counts.ts';
import { callPipeline } from '../pipeline/call-pipeline.ts';
import { ClientNotifications } from './clients/client-notifications.ts';
import { ClientRegistry } from './clients/client-registry.ts';
import { ClientViews } from './clients/client-views.ts';
import { schemaChecks } from '../catalog/schemas/schema-checks.ts';
import { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { Config } from '../config/config.ts';
import { Cancellation } from '../core/cancellation.ts';
import { systemClock } from '../core/clock.ts';
import { LoopDetection, VIA_VARIABLE } from '../transport/loop-detection.ts';
import { CurrentState, type ProxyState } from './current-state.ts';
import { ReconnectLimiter } from '../downstream/reconnect-limiter.ts';
import { expectedClient } from './clients/expected-client.ts';
import { definitionOf, type MetaTool } from '../meta-tools/meta-tools.ts';
import { proxyStatus } from '../meta-tools/proxy-status.ts';
import { memoryLimit } from '../middleware/memory-limit.ts';
import { CacheStore } from '../middleware/cache-store.ts';
import { RetryBudget } from '../middleware/retry-budget.ts';
import { topologyOf } from '../routing/topology.ts';
import { taskIds } from '../routing/task-ids.ts';
import { modelExposures } from './model-exposures.ts';
import type { Proxy, ProxyOptions } from './proxy.ts';
import { ProxyWorkflows } from './proxy-workflows.ts';
import { reload } from './reload.ts';
import { ResourceSubscriptions } from './clients/resource-subscriptions.ts';
import { ServerFactory } from './server-factory.ts';
import { ServerSets } from './server-sets.ts';
import { memoryByServer, ServerStatuses } from './server-status.ts';
import { openStateFolder } from './state-folder.ts';

/** A server that reconnects holds the others up at most so long. */
const LONGEST_RECONNECT_MS = 2000;
/** A child process gets so much of its grace, twice, when the proxy's own time is short. */
const HURRY_MS = 600;
const LEAST_STEP_MS = 150;
/** Proxies that were heard of within this time are told to the servers behind in one go. */
const PROBE_DELAY_MS = 50;
/** The engine takes a moment to load: it comes after the first answers. */
const WORKFLOWS_AFTER_MS = 100;

/** Starts all servers; waits for none. */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const { config, version, log, clock = systemClock, exclusive, oneUser = exclusive, env } = options;
  const info = { name: 'switchyard', version };
  const state = new CurrentState();
  const clients = new Map<string, AttachedClient>();
  const stateFolder = await openStateFolder(config, clock, log);
  const { processes } = stateFolder;
  const schemas = schemaChecks(log);
  const tasks = taskIds(stateFolder.sealer);
  const uris = new UriMemory((server) => {
    const { servers, pools } = state.now.topology;
    return (servers.get(server) ?? pools.get(server))?.namespace ?? server;
  });
  const counts = new CallCounts(log);
  const results = new CacheStore({ maxBytes: config.limits.cacheBytes, clock });
  const dropResults = (server: string): void => {
    results.drop(server);
    results.drop(state.now.topology.ownerOf(server));
  };
  const clientNotifications = new ClientNotifications({ tasks, clients });
  const subscriptions = new ResourceSubscriptions({
    uris,
    clients,
    state,
    most: config.limits.subscriptions,
    log,
  });

  // A circle of proxies shows in the next request on its way: it shall not have to wait for one.
  const loopDetection = new LoopDetection(clock, env[VIA_VARIABLE], () =>
    clock.after(PROBE_DELAY_MS, () => serverSets.probeHttp()),
  );
  // Set by an SDK that was loaded before us; without one there is nothing to record.
  const tracing =
    Symbol.for('opentelemetry.js.api.1') in globalThis ? await import('../middleware/trace.ts') : undefined;
  // A proxy for one client over stdio has no page to show figures on.
  const metrics = exclusive
    ? undefined
    : (await import('../telemetry/metrics.ts')).createMetrics(
        () => statuses.figures(),
        () => processes.running.size,
      );

  const leaving = new Cancellation();
  const factory = new ServerFactory({
    version,
    exclusive,
    state,
    stateFolder,
    schemas,
    transports: {
      env,
      childEnv: options.childEnv ?? {},
      processes,
      maxProcesses: config.limits.processes,
      loopDetection,
      leaving,
      clock,
      log,
    },
    reconnects: new ReconnectLimiter({
      atOnce: config.limits.reconnects,
      longestMs: LONGEST_RECONNECT_MS,
      clock,
    }),
    counts,
    clientNotifications,
    subscriptions,
    dropResults,
    metrics,
    traced: tracing?.traced,
  });
  const expected = exclusive || options.awaitsClient ? undefined : expectedClient(config.stateDir, log);
  const serverSets = new ServerSets({
    state,
    clients,
    factory,
    exclusive,
    info,
    expected: expected?.capabilities,
    startsKnown: options.startsKnown ?? true,
    dropResults,
    clock,
    log,
  });
  const statuses = new ServerStatuses({ state, clients, serverSets, counts });
  const views = new ClientViews({ state, serverSets, exclusive });
  const workflows = config.expose.metaTools
    ? new ProxyWorkflows({
        config,
        state,
        views,
        clients,
        oneUser,
        goesOn: options.goesOn ?? true,
        clock,
        log,
      })
    : undefined;
  const savedTools = (): readonly MetaTool[] => workflows?.savedTools(serverSets.first.catalog) ?? [];
  const ownDefinitions = (): readonly string[] => [
    ...state.now.pipeline.definitions,
    ...savedTools().map(definitionOf),
  ];
  const exposures = modelExposures({ state, views, own: ownDefinitions, clock, log });
  const registry = new ClientRegistry({
    state,
    clients,
    serverSets,
    subscriptions,
    clientNotifications,
    workflows,
    expected,
    oneUser,
    clock,
  });

  const status = proxyStatus((view) => statuses.of(view));
  // Waiting requests and retries are counted over a reload.
  const bounded = memoryLimit({ maxBytes: config.limits.waitingBytes });
  const budget = new RetryBudget(config.retryBudget);
  const stateOf = (next: Config): ProxyState => {
    const topology = topologyOf(next);
    const pipeline = callPipeline({
      exposure: exposures.middleware,
      rules: callRules(next.expose),
      composedTools: next.tools,
      all: topology,
      views,
      uris,
      tasks,
      bounded,
      results,
      budget,
      counts,
      clock,
      own: workflows ? [status, ...workflows.metaTools] : [],
      saved: workflows && ((name) => workflows.savedTool(name)),
    });
    return { config: next, topology, pipeline };
  };
  state.replace(stateOf(config));
  serverSets.start();
  clock.after(WORKFLOWS_AFTER_MS, () => workflows?.onDemand.start());

  let closing: Promise<void> | undefined;
  async function close(withinMs: number | undefined): Promise<void> {
    // Clients kill what they started two seconds after they left.
    leaving.cancel('the proxy goes');
    if (exclusive) factory.hurry(HURRY_MS);
    // A child process is asked to end, then told to.
    if (withinMs !== undefined) factory.hurry(Math.min(HURRY_MS, Math.max(LEAST_STEP_MS, withinMs / 2)));
    await workflows?.onDemand.close();
    await exposures.close();
    await serverSets.close();
    schemas.close();
    await Promise.all([stateFolder.close(), expected?.close()]);
  }

  return {
    served: {
      info: { name: 'switchyard', title: 'Switchyard', version },
      get pageSize() {
        return state.now.config.expose.pageSize;
      },
      limits: config.limits,
      loopDetection,
      get metaTools() {
        return ownDefinitions();
      },
      exposures,
      sealer: stateFolder.sealer,
      handle: (call) => state.now.pipeline.handle(call),
      attach: (handle) => registry.attach(handle),
    },
    get ready() {
      return [...serverSets.first.downstreams].every(({ connected, lazy }) => connected || lazy);
    },
    connected: () => serverSets.first.connected(),
    listed: () => serverSets.first.listed(),
    async savedTool(name) {
      const tool = await workflows?.savedTool(name);
      return tool && definitionOf(tool);
    },
    toolAppears: (name, signal) => serverSets.first.appears(({ tools }) => tools.has(name), { name, signal }),
    reload: (next) =>
      closing ? [] : reload({ state, stateOf, clients, serverSets, subscriptions, dropResults, log }, next),
    report: (view) => statuses.of(view),
    memory: () => memoryByServer(processes.running),
    get clients() {
      return [...clients.values()].map(({ handle }) => handle.client);
    },
    workflows: workflows?.onDemand,
    metrics,
    async learn(ms) {
      // Before any client has come, there was not even a handshake.
      if (serverSets.identityKnown) await serverSets.first.settled(clock.now() + ms);
    },
    close: (withinMs) => (closing ??= close(withinMs)),
  };
}
