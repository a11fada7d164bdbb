/** `switchyard serve`: MCP over stdio, over HTTP, or both, until told to stop. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Config } from '../config/config.ts';
import { configFolders, findConfigFiles } from '../config/find-config-files.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Machine } from '../config/folders.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { configId, createProxy, type Proxy } from '../proxy.ts';
import { createHttpFace } from '../server/http-face.ts';
import { openStdioFace } from '../server/stdio-face.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { type HttpServer, openHttpServer } from '../transport/http-server.ts';
import { UsageError } from './usage-error.ts';

export interface ServeOptions {
  readonly configFiles: readonly string[];
  readonly http: { readonly host: string; readonly port: number } | undefined;
  readonly stdio: boolean;
}

/** The configs being served by the processes above us. */
const CHAIN_VARIABLE = 'SWITCHYARD_SERVING';
/** How long what is under way may take to end. */
const DRAIN_MS = 1000;

/** Runs until the client leaves or a signal comes. @returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const machine: Machine = {
    env: process.env,
    cwd: process.cwd(),
    homeDir: homedir(),
    platform: process.platform,
  };
  const files = findConfigFiles(options.configFiles, machine);
  if (files.length === 0)
    throw new UsageError(
      `No config found: looked for switchyard.json (.yaml, .toml) in ${configFolders(machine).join(' and ')}. Name one with --config FILE.`,
    );
  const chain = refuseOwnChild(files, machine.env);
  const config = await loadConfig({ files, ...machine });
  const log = createLog({ level: config.log.level, secrets: secretsOf(config) });
  for (const warning of config.warnings) log.warn({}, warning);
  return run(options, config, chain, log);
}

async function run(options: ServeOptions, config: Config, chain: string, log: Log): Promise<number> {
  let stop: (why: string) => void = () => {};
  const stopped = new Promise<string>((resolve) => (stop = resolve));
  // Before anything is started: a signal in the middle of the start must end it in good order too.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop(signal));
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => log.error({ err: error }, 'uncaught exception'));

  const proxy = await createProxy({
    config,
    version: packageVersion(),
    exclusive: options.http === undefined,
    env: process.env,
    childEnv: { [CHAIN_VARIABLE]: chain },
    log,
  });
  const closers: (() => Promise<void>)[] = [];
  try {
    if (options.http) closers.push(await serveHttp(options.http, config, proxy, log));
    if (options.stdio) closers.push(serveStdio(config, proxy, log, options.http ? () => {} : stop));
    log.info({ why: await stopped }, 'stopping');
  } finally {
    await Promise.all(closers.map((close) => close()));
    await proxy.close();
    log.flush();
  }
  return 0;
}

async function serveHttp(
  at: { readonly host: string; readonly port: number },
  config: Config,
  proxy: Proxy,
  log: Log,
): Promise<() => Promise<void>> {
  const { served } = proxy;
  const face = createHttpFace({ served, clock: systemClock, log });
  const http: HttpServer = await openHttpServer({
    ...at,
    ...config.http,
    path: '/mcp',
    silenceMs: 10_000,
    onMcp: (exchange) => face.handle(exchange),
    routes: new Map([
      ['/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok\n' })],
      [
        '/readyz',
        () =>
          proxy.ready
            ? { status: 200, type: 'text/plain', body: 'ready\n' }
            : { status: 503, type: 'text/plain', body: 'not all servers are connected\n' },
      ],
    ]),
    log,
  });
  process.stderr.write(`listening ${http.url}\n`);
  return async () => {
    face.close();
    await http.close(DRAIN_MS);
  };
}

function serveStdio(
  config: Config,
  { served }: Proxy,
  log: Log,
  ended: (why: string) => void,
): () => Promise<void> {
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
  return () => face.close();
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

function secretsOf(config: Config): string[] {
  const secrets = [...config.http.tokens.values()];
  for (const { transport } of config.servers.values()) {
    if (transport.kind === 'stdio') secrets.push(...transport.env.values());
    else if (transport.kind !== 'tcp') {
      secrets.push(...transport.headers.values());
      secrets.push(...urlSecrets(transport.url));
    }
  }
  return secrets;
}

function urlSecrets(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { password, searchParams } = new URL(url);
  return [decodeURIComponent(password), ...searchParams.values()];
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch (error) {
    throw new Error(`package.json of Switchyard cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
