/** `switchyard serve`: MCP over stdio, over HTTP, or both, until told to stop. */
import type { Config } from '../config/config.ts';
import type { Machine } from '../config/folders.ts';
import { Reloading } from '../config/reloading.ts';
import { markOf } from '../config/watch.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { configId, createProxy, type Proxy } from '../proxy.ts';
import { openStdioFace } from '../server/stdio-face.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { RecentLog } from '../telemetry/recent-log.ts';
import type { HttpPage, HttpServer } from '../transport/http-server.ts';
import type { Command, Input } from './command.ts';
import { configFiles, readConfig, secretsOf } from './configured.ts';
import { packageVersion } from './package-version.ts';
import { UsageError } from './usage-error.ts';
import { servedPart } from './served-part.ts';
import { withoutItself } from './without-itself.ts';

export const serve: Command = {
  name: 'serve',
  takes: '',
  summary: 'serves all servers of a config as one, over stdio or over Streamable HTTP',
  options: {
    http: {
      type: 'string',
      value: '[HOST:]PORT',
      about: 'serve Streamable HTTP at /mcp instead of stdio (host 127.0.0.1; port 0 picks one)',
    },
    stdio: { type: 'boolean', about: 'with --http: serve stdio as well' },
    servers: {
      type: 'string',
      multiple: true,
      value: 'A,B',
      about: 'serve only these servers of the config',
    },
    tags: {
      type: 'string',
      multiple: true,
      value: 'T,-U',
      about: 'serve only servers with tag T, and none with tag U',
    },
  },
  examples: [
    'switchyard --config switchyard.json',
    'switchyard serve --http 8080 --config ~/.cursor/mcp.json',
  ],
  positionals: false,
  run: serveInput,
};

interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

interface Faces {
  readonly http: HttpAddress | undefined;
  readonly stdio: boolean;
}

/** The configs being served by the processes above us. */
const CHAIN_VARIABLE = 'SWITCHYARD_SERVING';
/** When commands may find us, at the earliest. */
const DOOR_AFTER_MS = 200;
/** How long what is under way may take to end, where a signal ends us. */
const DRAIN_MS = 1000;
/** How long the answers to what did not end may take to leave. */
const LAST_ANSWERS_MS = 500;

interface Ending {
  readonly why: string;
  /** How long what is under way may take to end. */
  readonly drainMs: number;
}

type Closer = (drainMs: number) => Promise<void>;

/** Runs until the client leaves or a signal comes. */
async function serveInput({ options, configFiles: given, machine }: Input): Promise<number> {
  const at = options.text('http');
  const http = at === undefined ? undefined : address(at);
  const faces: Faces = { http, stdio: http === undefined || options.flag('stdio') };
  const part = { servers: options.list('servers'), tags: options.list('tags') };
  const files = configFiles(given, machine);
  const chain = refuseOwnChild(files, machine.env);
  const marks = new Map<string, string>();
  const load = async (onRead: (file: string) => void): Promise<Config> =>
    servedPart(withoutItself(await readConfig(files, machine, onRead), http), part);
  const config = await load((file) => marks.set(file, markOf(file)));
  const recent = new RecentLog();
  const log = createLog({ level: config.log.level, secrets: secretsOf(config), recent });
  if (http) await checkGuard(http.host, config);
  for (const warning of config.warnings) log.warn({}, warning);
  if (config.servers.size === 0)
    log.warn({}, `No server is configured: there is none under mcpServers in ${files.join(', ')}.`);
  return run(faces, { config, files, load, marks }, { machine, chain, log, recent });
}

/** `[HOST:]PORT`; an IPv6 host stands in brackets. */
function address(text: string): HttpAddress {
  const match = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:]+):)?(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  if (!match || port > 65_535) throw new UsageError(`--http expects [HOST:]PORT, got "${text}".`);
  return { host: (match.groups?.['host'] ?? '127.0.0.1').replaceAll(/[[\]]/g, ''), port };
}

/** Before any server is started. */
async function checkGuard(host: string, { http }: Config): Promise<void> {
  const { buildGuard } = await import('../transport/http-guard.ts');
  try {
    buildGuard({ host, ...http });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

interface Loaded {
  readonly config: Config;
  readonly files: readonly string[];
  readonly load: (onRead: (file: string) => void) => Promise<Config>;
  /** The files that were read, and how they were then. */
  readonly marks: ReadonlyMap<string, string>;
}

interface Surroundings {
  readonly machine: Machine;
  /** The configs that are served by the processes above us, and ours. */
  readonly chain: string;
  readonly log: Log;
  readonly recent: RecentLog;
}

async function run(faces: Faces, loaded: Loaded, surroundings: Surroundings): Promise<number> {
  const { machine, chain, log } = surroundings;
  const { config } = loaded;
  let stop: (ending: Ending) => void = () => {};
  const stopped = new Promise<Ending>((resolve) => (stop = resolve));
  // Before anything is started: a signal in the middle of the start must end it in good order too.
  // A second one changes nothing: the end is bounded, and cut short it would leave children behind.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => stop({ why: signal, drainMs: DRAIN_MS }));
  let reloading: Reloading | undefined;
  process.on('SIGHUP', () => reloading?.now());
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => log.error({ err: error }, 'uncaught exception'));

  const proxy = await createProxy({
    config,
    version: packageVersion(),
    exclusive: faces.http === undefined,
    env: machine.env,
    childEnv: { [CHAIN_VARIABLE]: chain },
    log,
  });
  const closers: Closer[] = [];
  let drainMs = 0;
  let door: Promise<() => Promise<void>> | undefined;
  let cancelDoor: () => void = () => {};
  try {
    const http = faces.http && (await serveHttp(faces.http, config, proxy, log));
    if (http) closers.push(http.close);
    // After the first answers: nobody waits for it.
    cancelDoor = systemClock.after(DOOR_AFTER_MS, () => {
      door = doorOf(proxy, loaded, surroundings, http?.url);
    });
    const clientLeft = (why: string): void => stop({ why, drainMs: 0 });
    if (faces.stdio) closers.push(serveStdio(config, proxy, log, faces.http ? () => {} : clientLeft));
    reloading = new Reloading({
      ...loaded,
      apply: (changed) => takeOver(changed, proxy, log),
      clock: systemClock,
      log,
    });
    const ending = await stopped;
    drainMs = ending.drainMs;
    log.info({ why: ending.why }, 'stopping');
  } finally {
    cancelDoor();
    await Promise.all([reloading?.close(), ...closers.map((close) => close(drainMs))]);
    await proxy.close();
    await (
      await door
    )?.();
    await log.flush();
    // All has been given its time: what nobody reads must not keep the process.
    setImmediate(() => process.exit());
  }
  return 0;
}

async function doorOf(
  proxy: Proxy,
  { config, files }: Loaded,
  { machine, recent, log }: Surroundings,
  url: string | undefined,
): Promise<() => Promise<void>> {
  const { openDoor } = await import('./door.ts');
  return openDoor({
    proxy,
    stateDir: config.stateDir,
    machine,
    run: {
      version: packageVersion(),
      configId: configId(files),
      configFiles: files,
      serves: url === undefined ? 'stdio' : 'http',
      url,
    },
    recent,
    log,
  });
}

function takeOver(config: Config, proxy: Proxy, log: Log): void {
  log.hide(secretsOf(config));
  log.setLevel(config.log.level);
  for (const warning of config.warnings) log.warn({}, warning);
  proxy.reload(config);
}

interface ServedHttp {
  readonly url: string;
  readonly close: Closer;
}

async function serveHttp(at: HttpAddress, config: Config, proxy: Proxy, log: Log): Promise<ServedHttp> {
  const { served } = proxy;
  // Loaded only here: most proxies are started by a client and speak over stdio.
  const { createHttpFace } = await import('../server/http-face.ts');
  const { openHttpServer } = await import('../transport/http-server.ts');
  const face = createHttpFace({ served, clock: systemClock, log });
  const http: HttpServer = await openHttpServer({
    ...at,
    ...config.http,
    path: '/mcp',
    silenceMs: 10_000,
    onMcp: (exchange) => face.handle(exchange),
    routes: new Map<string, () => HttpPage | Promise<HttpPage>>([
      ['/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok\n' })],
      [
        '/readyz',
        () =>
          proxy.ready
            ? { status: 200, type: 'text/plain', body: 'ready\n' }
            : { status: 503, type: 'text/plain', body: 'not all servers are connected\n' },
      ],
      [
        '/metrics',
        async () => {
          const { metrics } = proxy;
          if (!metrics) return { status: 404, type: 'text/plain', body: 'no metrics are kept\n' };
          return { status: 200, type: metrics.contentType, body: await metrics.text() };
        },
      ],
    ]),
    log,
  });
  process.stderr.write(`listening ${http.url}\n`);
  const close: Closer = async (drainMs) => {
    const closed = http.close(drainMs + LAST_ANSWERS_MS);
    await Promise.race([closed, new Promise<void>((done) => systemClock.after(drainMs, done))]);
    face.close();
    await closed;
  };
  return { url: http.url, close };
}

function serveStdio(config: Config, { served }: Proxy, log: Log, ended: (why: string) => void): Closer {
  const face = openStdioFace({
    served,
    stdin: process.stdin,
    stdout: process.stdout,
    clientId: 'stdio',
    maxMessageBytes: config.http.maxBodyBytes,
    clock: systemClock,
    log,
    ended,
  });
  return (drainMs) => face.close(drainMs);
}

/** A proxy that serves a client's whole file might find itself in it. */
function refuseOwnChild(files: readonly string[], env: Readonly<Record<string, string | undefined>>): string {
  const id = configId(files);
  const above = (env[CHAIN_VARIABLE] ?? '').split(':').filter((one) => one !== '');
  if (above.includes(id))
    throw new UsageError(
      'This proxy was started by a proxy that serves the same config: it would start itself again and again. Remove the entry that starts it.',
    );
  return [...above, id].join(':');
}
