/** A proxy from its start to its end: the endpoints for clients and commands, changes of the config, signals. */
import type { Config } from '../../config/config.ts';
import { configId } from '../../config/config-id.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { ConfigReloader } from '../../config/reload/reload.ts';
import type { ControlAnswer } from '../../control/control-server.ts';
import { systemClock } from '../../core/clock.ts';
import type { ListMode } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import { createProxy } from '../../proxy/create-proxy.ts';
import type { Proxy } from '../../proxy/proxy.ts';
import { StdioEndpoint, type StdioEndpointOptions } from '../../server/stdio-endpoint.ts';
import type { Log } from '../../telemetry/log.ts';
import type { RecentLog } from '../../telemetry/recent-log.ts';
import { configSecrets } from '../support/configured.ts';
import { packageVersion } from '../support/package-version.ts';
import { collectWhenIdle } from './idle-gc.ts';
import type { ControlEndpoint } from './control-endpoint.ts';
import type { HttpAddress } from '../support/http-address.ts';
import type { Closer, ServedHttp } from './http-endpoint.ts';
import { endAfterInternalErrors, EXIT_AFTER_INTERNAL_ERROR } from './internal-errors.ts';
import type { SharedClients } from './shared-clients.ts';

export interface Endpoints {
  readonly http: HttpAddress | undefined;
  readonly stdio: boolean;
  /** The id of the share whose clients alone may attach; `undefined`: none may. */
  readonly share: string | undefined;
  /** How clients get tools whose URL does not say it. */
  readonly list: ListMode | undefined;
}

/** The control endpoint opens so long after the start: the first answers to the client come before it. */
const CONTROL_AFTER_MS = 200;
/** Requests under way get this time after a signal. */
const DRAIN_MS = 1000;
/** Requests under way get this time after the end of input. */
const LAST_ANSWERS_MS = 900;
/** Clients kill us about 2 s after the end of input: servers must have ended before that. */
const CLIENT_WAITS_MS = 1500;
/** Servers that were never listed get this time to be listed after the client left, the last answers included. */
const LEARN_MS = 800;
/** Servers get this time where the client's process is gone, too, and nobody waits for our end. */
const LEARN_ALONE_MS = 15_000;

interface Ending {
  readonly why: string;
  /** The time that requests under way get. */
  readonly drainMs: number;
  /** The time until the process must be gone; without it servers get all of theirs. */
  readonly withinMs?: number;
  readonly code: number;
}

/** A config that can be loaded again. */
export interface Loaded {
  readonly config: Config;
  readonly files: readonly string[];
  readonly load: (onRead: (file: string) => void) => Promise<Config>;
  /** The state of each file when it was read. */
  readonly marks: ReadonlyMap<string, string>;
}

export interface RunProxyContext {
  readonly machine: HostEnvironment;
  /** Variables of every child process, by which a proxy notices that it has started itself. */
  readonly childEnv: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly recent: RecentLog;
}

/** Runs until the client leaves or a signal comes. @returns the exit code. */
export async function runProxy(
  endpoints: Endpoints,
  loaded: Loaded,
  context: RunProxyContext,
): Promise<number> {
  const { machine, log } = context;
  const client = process.ppid;
  let stop: (ending: Ending) => void = () => {};
  const stopped = new Promise<Ending>((resolve) => (stop = resolve));
  let hurry: () => void = () => {};
  const hurried = new Promise<void>((resolve) => (hurry = resolve));
  // The handlers come before anything is started: a signal in the middle of the start must end it in good order, too.
  // A second signal changes nothing: the end is bounded, and cut short it would leave children behind.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      hurry();
      stop({ why: signal, drainMs: DRAIN_MS, code: 0 });
    });
  let reloading: ConfigReloader | undefined;
  process.on('SIGHUP', () => reloading?.now());
  endAfterInternalErrors(log, (why) => stop({ why, drainMs: 0, code: EXIT_AFTER_INTERNAL_ERROR }));

  let { config } = loaded;
  const { share } = endpoints;
  const sharing = share === undefined ? undefined : await import('./shared-proxy.ts');
  const leadership = share === undefined ? undefined : await sharing?.elected(config, share);
  if (sharing && !leadership) {
    log.info({}, 'another proxy serves these clients');
    return 0;
  }
  const proxy = await createProxy({
    config,
    version: packageVersion(),
    exclusive: endpoints.stdio && !endpoints.http,
    awaitsClient: share !== undefined,
    oneUser: !endpoints.http,
    env: machine.env,
    childEnv: context.childEnv,
    log,
  });
  const closers: Closer[] = [];
  let ending: Ending | undefined;
  let control: Promise<ControlEndpoint | undefined> | undefined;
  let cancelControl: () => void = () => {};
  let stopIdleGc: () => void = () => {};
  let shared: SharedClients | undefined;
  const openControl = (how: HowServed): Promise<ControlEndpoint> =>
    openControlEndpoint(proxy, loaded, context, how);
  try {
    const http =
      endpoints.http && (await serveHttp(endpoints.http, config, proxy, { log, list: endpoints.list }));
    if (http) closers.push(http.close);
    if (sharing && leadership) {
      const clients = new sharing.SharedClients({
        served: proxy.served,
        maxMessageBytes: config.limits.requestBytes,
        most: config.limits.attached,
        idleExitMs: () => config.idleExitMs,
        deserted: (why) => stop({ why, drainMs: 0, code: 0 }),
        withdraw: async () => {
          await (await control)?.withdraw();
          await leadership.leave();
        },
        clock: systemClock,
        log,
      });
      shared = clients;
      closers.push((ms) => clients.close(ms));
      // Clients come by the control endpoint.
      control = openControl({ serves: 'shared', share, answers: clients.answers });
      await control;
      await sharing.retireOtherVersions(loaded.config, configId(loaded.files), log);
    } else {
      cancelControl = systemClock.after(CONTROL_AFTER_MS, () => {
        const how: HowServed = http ? { serves: 'http', url: http.url } : { serves: 'stdio' };
        control = openControl(how).catch((error: unknown) => {
          log.warn({ why: messageOf(error) }, '"switchyard status" and "logs" will not find this proxy');
          return undefined;
        });
      });
    }
    const clientLeft = (why: string, reads: boolean): void =>
      stop({ why, drainMs: reads ? LAST_ANSWERS_MS : 0, withinMs: CLIENT_WAITS_MS, code: 0 });
    if (endpoints.stdio) {
      const how = { log, list: endpoints.list };
      closers.push(serveStdio(config, proxy, how, endpoints.http ? () => {} : clientLeft));
    }
    reloading = new ConfigReloader({
      ...loaded,
      apply: (changed) => {
        config = changed;
        const restartNeeded = takeOver(changed, proxy, log);
        if (restartNeeded.length > 0)
          shared?.retire('the config has changed in what only a restart can bring');
      },
      clock: systemClock,
      log,
    });
    stopIdleGc = collectWhenIdle({ clock: systemClock });
    ending = await stopped;
    log.info({ why: ending.why }, 'stopping');
  } finally {
    const since = systemClock.now();
    const { drainMs = 0, withinMs } = ending ?? {};
    cancelControl();
    stopIdleGc();
    await Promise.all([
      reloading?.close(),
      leadership?.leave(),
      // Nobody is to come to a proxy that ends.
      control?.then((endpoint) => endpoint?.withdraw()).catch(() => {}),
      ...closers.map((close) => close(drainMs)),
    ]);
    // After an error of ours nothing more is begun.
    if (ending?.code === 0) await Promise.race([learnTheRest(proxy, client, since + LEARN_MS), hurried]);
    await proxy.close(withinMs === undefined ? undefined : since + withinMs - systemClock.now());
    await control?.then((endpoint) => endpoint?.close()).catch(() => {});
    await log.flush();
    // Output that nobody reads must not keep the process.
    setImmediate(() => process.exit());
  }
  return ending.code;
}

/**
 * Lets servers that are coming up for a client that has left be listed: the next client has their lists then. A client
 * that is still there may wait for our end, and sends a signal when it no longer does.
 */
async function learnTheRest(proxy: Proxy, client: number, until: number): Promise<void> {
  await proxy.learn(Math.max(0, until - systemClock.now()));
  // The process that started us is gone: nobody waits any more.
  if (process.ppid !== client) await proxy.learn(LEARN_ALONE_MS);
}

interface HowServed {
  readonly serves: 'stdio' | 'http' | 'shared';
  readonly url?: string;
  readonly share?: string | undefined;
  readonly answers?: ReadonlyMap<string, ControlAnswer>;
}

/** Loaded only here: the first answers to the client come before it. */
async function openControlEndpoint(
  proxy: Proxy,
  { config, files }: Loaded,
  { machine, recent, log }: RunProxyContext,
  { answers = new Map(), ...how }: HowServed,
): Promise<ControlEndpoint> {
  const endpoint = await import('./control-endpoint.ts');
  const { stateDir, limits } = config;
  const run = {
    version: packageVersion(),
    configId: configId(files),
    configFiles: files,
    url: undefined,
    ...how,
  };
  const { attached } = limits;
  return endpoint.openControlEndpoint({ proxy, stateDir, machine, run, recent, answers, attached, log });
}

/** @returns the keys that only a restart can bring into force. */
function takeOver(config: Config, proxy: Proxy, log: Log): readonly string[] {
  log.hide(configSecrets(config));
  log.setLevel(config.log.level);
  for (const warning of config.warnings) log.warn({}, warning);
  return proxy.reload(config);
}

/** Loaded only here: most proxies are started by a client and speak over stdio. */
async function serveHttp(
  at: HttpAddress,
  config: Config,
  proxy: Proxy,
  { log, list }: { readonly log: Log; readonly list: ListMode | undefined },
): Promise<ServedHttp> {
  return (await import('./http-endpoint.ts')).serveHttp(at, config, proxy, log, list);
}

function serveStdio(
  config: Config,
  { served }: Proxy,
  { log, list }: { readonly log: Log; readonly list: ListMode | undefined },
  ended: StdioEndpointOptions['ended'],
): Closer {
  const endpoint = new StdioEndpoint({
    served,
    stdin: process.stdin,
    stdout: process.stdout,
    clientId: 'stdio',
    list,
    maxMessageBytes: config.limits.requestBytes,
    clock: systemClock,
    log,
    ended,
  });
  return (drainMs) => endpoint.close(drainMs);
}
