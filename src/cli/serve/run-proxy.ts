/** A proxy from its start to its end: the faces to its clients, its config's changes, its door, its signals. */
import type { Config } from '../../config/config.ts';
import { configId } from '../../config/config-id.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { ConfigReloader } from '../../config/reload/reload.ts';
import type { ControlAnswer } from '../../control/control-server.ts';
import type { Leadership } from '../../control/leader-election.ts';
import { systemClock } from '../../core/clock.ts';
import type { ListMode } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import { createProxy, type Proxy } from '../../proxy/create-proxy.ts';
import { openStdioEndpoint, type StdioEndpointOptions } from '../../server/stdio-endpoint.ts';
import type { Log } from '../../telemetry/log.ts';
import type { RecentLog } from '../../telemetry/recent-log.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { configSecrets } from '../support/configured.ts';
import { packageVersion } from '../support/package-version.ts';
import { collectWhenIdle } from './idle-gc.ts';
import type { ControlEndpoint } from './control-endpoint.ts';
import type { HttpAddress } from '../support/http-address.ts';
import type { Closer, ServedHttp } from './http-endpoint.ts';
import { electionFolder } from './attach-protocol.ts';
import type { SharedClients, SharedClientsOptions } from './shared-clients.ts';

export interface Endpoints {
  readonly http: HttpAddress | undefined;
  readonly stdio: boolean;
  /** Clients that attach to this share alone. */
  readonly share: string | undefined;
  /** How clients get tools whose URL does not say it. */
  readonly list: ListMode | undefined;
}

/** When commands may find us, at the earliest. */
const DOOR_AFTER_MS = 200;
/** How long what is under way may take to end, where a signal ends us. */
const DRAIN_MS = 1000;
/** The same where the client says no more; clients wait about 2 s for us to end, and our servers need some of it. */
const LAST_ANSWERS_MS = 900;
/** What our servers get of that. */
const CLIENT_WAITS_MS = 1500;

/** How long servers that were never listed may still tell what they offer when the client has left, last answers included. */
const LEARN_MS = 800;
/** The same where the client's process is gone. */
const LEARN_ALONE_MS = 15_000;

interface Ending {
  readonly why: string;
  /** How long what is under way may take to end. */
  readonly drainMs: number;
  /** When we must be gone, from now; without it we may take our time. */
  readonly withinMs?: number;
  readonly code: number;
}

/** How the config is had, again and again. */
export interface Loaded {
  readonly config: Config;
  readonly files: readonly string[];
  readonly load: (onRead: (file: string) => void) => Promise<Config>;
  /** The files that were read, and how they were then. */
  readonly marks: ReadonlyMap<string, string>;
}

export interface RunProxyContext {
  readonly machine: HostEnvironment;
  /** Set for every child process: tells a proxy that it was started by itself. */
  readonly childEnv: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly recent: RecentLog;
}

/** Runs until the client leaves or a signal comes. @returns the exit code. */
export async function runProxy(
  faces: Endpoints,
  loaded: Loaded,
  surroundings: RunProxyContext,
): Promise<number> {
  const { machine, log } = surroundings;
  const client = process.ppid;
  let stop: (ending: Ending) => void = () => {};
  const stopped = new Promise<Ending>((resolve) => (stop = resolve));
  let hurry: () => void = () => {};
  const hurried = new Promise<void>((resolve) => (hurry = resolve));
  // Before anything is started: a signal in the middle of the start must end it in good order too.
  // A second one changes nothing: the end is bounded, and cut short it would leave children behind.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      hurry();
      stop({ why: signal, drainMs: DRAIN_MS, code: 0 });
    });
  let reloading: ConfigReloader | undefined;
  process.on('SIGHUP', () => reloading?.now());
  endAfterMistakes(log, (why) => stop({ why, drainMs: 0, code: EXIT_OF_MISTAKES }));

  let { config } = loaded;
  const office = faces.share === undefined ? undefined : await elected(config, faces.share);
  if (faces.share !== undefined && !office) {
    log.info({}, 'another proxy serves these clients');
    return 0;
  }
  const proxy = await createProxy({
    config,
    version: packageVersion(),
    exclusive: faces.stdio && !faces.http,
    awaitsClient: faces.share !== undefined,
    oneUser: !faces.http,
    env: machine.env,
    childEnv: surroundings.childEnv,
    log,
  });
  const closers: Closer[] = [];
  let ending: Ending | undefined;
  let clientHandle: Promise<ControlEndpoint | undefined> | undefined;
  let cancelDoor: () => void = () => {};
  let endRest: () => void = () => {};
  let shared: SharedClients | undefined;
  const openTheDoor = (how: HowServed): Promise<ControlEndpoint> => doorOf(proxy, loaded, surroundings, how);
  try {
    const http = faces.http && (await serveHttp(faces.http, config, proxy, { log, list: faces.list }));
    if (http) closers.push(http.close);
    if (office) {
      shared = await sharedClients({
        served: proxy.served,
        maxMessageBytes: config.limits.requestBytes,
        most: config.limits.attached,
        idleExitMs: () => config.idleExitMs,
        deserted: (why) => stop({ why, drainMs: 0, code: 0 }),
        withdraw: async () => {
          await (await clientHandle)?.withdraw();
          await office.leave();
        },
        clock: systemClock,
        log,
      });
      closers.push((ms) => (shared as SharedClients).close(ms));
      // Without it nobody can come.
      clientHandle = openTheDoor({ serves: 'shared', share: faces.share, answers: shared.answers });
      await clientHandle;
      await retireOthers(loaded, log);
    } else {
      // After the first answers: nobody waits for it.
      cancelDoor = systemClock.after(DOOR_AFTER_MS, () => {
        const how: HowServed = http ? { serves: 'http', url: http.url } : { serves: 'stdio' };
        clientHandle = openTheDoor(how).catch((error: unknown) => {
          log.warn({ why: messageOf(error) }, '"switchyard status" and "logs" will not find this proxy');
          return undefined;
        });
      });
    }
    const clientLeft = (why: string, reads: boolean): void =>
      stop({ why, drainMs: reads ? LAST_ANSWERS_MS : 0, withinMs: CLIENT_WAITS_MS, code: 0 });
    if (faces.stdio)
      closers.push(serveStdio(config, proxy, { log, list: faces.list }, faces.http ? () => {} : clientLeft));
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
    endRest = collectWhenIdle({ clock: systemClock });
    ending = await stopped;
    // There are clients that are to have their answers.
    if (ending.drainMs > 0) proxy.stopWaiting();
    log.info({ why: ending.why }, 'stopping');
  } finally {
    const since = systemClock.now();
    const { drainMs = 0, withinMs } = ending ?? {};
    cancelDoor();
    endRest();
    await Promise.all([
      reloading?.close(),
      office?.leave(),
      // Nobody is to come to a proxy that ends.
      clientHandle?.then((its) => its?.withdraw()).catch(() => {}),
      ...closers.map((close) => close(drainMs)),
    ]);
    // After a mistake of ours nothing more is begun.
    if (ending?.code === 0) await Promise.race([learnTheRest(proxy, client, since + LEARN_MS), hurried]);
    await proxy.close(withinMs === undefined ? undefined : since + withinMs - systemClock.now());
    await clientHandle?.then((its) => its?.close()).catch(() => {});
    await log.flush();
    // All has been given its time: what nobody reads must not keep the process.
    setImmediate(() => process.exit());
  }
  return ending.code;
}

/** The command line's own word for "it did not work". */
const EXIT_OF_MISTAKES = 1;
/** However the end goes wrong after a mistake of ours, it comes. */
const MISTAKE_ENDS_MS = 5000;

/**
 * Ends the process where a mistake of ours left it in a state that nobody has thought of: a reader that was left in
 * the middle of a text may take part of it for the next one's. What is under way is answered with an error.
 */
function endAfterMistakes(log: Log, stop: (why: string) => void): void {
  let isEnding = false;
  const end = (error: unknown, what: string): void => {
    log.error({ err: error }, what);
    if (isEnding) return;
    isEnding = true;
    stop(what);
    setTimeout(() => process.exit(EXIT_OF_MISTAKES), MISTAKE_ENDS_MS);
  };
  process.on('unhandledRejection', (error) => end(error, 'unhandled rejection'));
  process.on('uncaughtException', (error) => end(error, 'uncaught exception'));
}

/**
 * What was begun for a client that has left soon is of use to the next one. A client that is still there may wait for
 * our end, and ends us by a signal when it no longer does.
 */
async function learnTheRest(proxy: Proxy, client: number, until: number): Promise<void> {
  await proxy.learn(Math.max(0, until - systemClock.now()));
  // With another parent than the one that started us nobody waits any more.
  if (process.ppid !== client) await proxy.learn(LEARN_ALONE_MS);
}

async function elected({ stateDir }: Config, share: string): Promise<Leadership | undefined> {
  const { electLeader } = await import('../../control/leader-election.ts');
  return electLeader(electionFolder(stateDir, share), startTimeOf);
}

async function sharedClients(options: SharedClientsOptions): Promise<SharedClients> {
  const { SharedClients } = await import('./shared-clients.ts');
  return new SharedClients(options);
}

/** Proxies of another version of ours, whose clients would never move. */
async function retireOthers({ config, files }: Loaded, log: Log): Promise<void> {
  const { askProxy } = await import('../../control/control-client.ts');
  const { runningProxies } = await import('../../control/run-file.ts');
  for (const run of await runningProxies(config.stateDir, startTimeOf))
    if (run.serves === 'shared' && run.configId === configId(files) && run.version !== packageVersion())
      await askProxy(run.socket, { ask: 'retire' }).catch((error: unknown) => {
        log.warn({ pid: run.pid, why: messageOf(error) }, 'the proxy of another version does not leave');
      });
}

interface HowServed {
  readonly serves: 'stdio' | 'http' | 'shared';
  readonly url?: string;
  readonly share?: string | undefined;
  readonly answers?: ReadonlyMap<string, ControlAnswer>;
}

async function doorOf(
  proxy: Proxy,
  { config, files }: Loaded,
  { machine, recent, log }: RunProxyContext,
  { answers = new Map(), ...how }: HowServed,
): Promise<ControlEndpoint> {
  const { openControlEndpoint } = await import('./control-endpoint.ts');
  const { stateDir, limits } = config;
  const run = {
    version: packageVersion(),
    configId: configId(files),
    configFiles: files,
    url: undefined,
    ...how,
  };
  const { attached } = limits;
  return openControlEndpoint({ proxy, stateDir, machine, run, recent, answers, attached, log });
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
  const face = openStdioEndpoint({
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
  return (drainMs) => face.close(drainMs);
}
