/** The ways to reach a server, from its config. */
import type { ServerConfig, StdioTransportConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { ProxyError } from '../core/errors.ts';
import { type LoopDetection, VIA_VARIABLE } from '../transport/loop-detection.ts';
import type { Logger } from '../core/logger.ts';
import { secretArguments } from '../core/redaction/known-secrets.ts';
import type { Transports } from '../downstream/transports.ts';
import { openChildProcess } from '../transport/child-process/child-process.ts';
import { HttpStatusError } from '../transport/http-client/errors.ts';
import type { Authorization } from '../transport/authorization.ts';
import type { HttpClientOptions } from '../transport/http-client/client.ts';
import { lazyLink } from '../transport/lazy-link.ts';
import { MARKER_VARIABLE, type ProcessRecord } from '../transport/child-process/process-record.ts';
import type { OpenLink } from '../transport/link.ts';
import { failedLink } from '../transport/failed-link.ts';
import type { SseOptions } from '../transport/sse/client.ts';
import { openTcp } from '../transport/tcp.ts';

export interface TransportContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names and values set for every child process, beside the marker. */
  readonly childEnv: Readonly<Record<string, string>>;
  readonly processes: ProcessRecord;
  readonly maxProcesses: number;
  readonly loopDetection: LoopDetection;
  /** The login of a remote server that may demand one. */
  readonly authorization: Authorization | undefined;
  /** The grace of a process, asked for when it is to end. */
  readonly stopGraceMs: () => number;
  /** Cancelled when the proxy goes. */
  readonly leaving: Cancellation;
  readonly clock: Clock;
  readonly log: Logger;
}

export function transportsFor(server: ServerConfig, context: TransportContext): Transports {
  const { key: describe, transport, connectTimeoutMs } = server;
  const { clock, env, log, authorization } = context;
  const { messageBytes, queueBytes } = server.limits;
  const limits = { messageBytes, queueBytes };
  const common = { describe, limits, connectTimeoutMs, clock };
  switch (transport.kind) {
    case 'stdio':
      return { kind: 'one', remote: false, open: childProcess(server, transport, context) };
    case 'tcp':
      return {
        kind: 'one',
        remote: true,
        open: openTcp({ ...common, host: transport.host, port: transport.port }),
      };
    case 'websocket':
      return {
        kind: 'one',
        remote: true,
        open: lazyLink(describe, async () => {
          const { openWebSocket } = await import('../transport/websocket.ts');
          const headers = Object.fromEntries(transport.headers);
          return openWebSocket({ ...common, url: transport.url, headers });
        }),
      };
    case 'sse':
      return {
        kind: 'one',
        remote: true,
        open: sse({
          ...common,
          env,
          url: transport.url,
          headers: Object.fromEntries(transport.headers),
          authorization,
        }),
      };
    case 'http': {
      const options = {
        ...common,
        env,
        log,
        url: transport.url,
        headers: Object.fromEntries(transport.headers),
        authorization,
        via: () => context.loopDetection.mark,
      };
      return {
        kind: 'http',
        modern: http({ ...options, era: 'modern' }),
        legacy: http({ ...options, era: 'legacy' }),
        sse: transport.fallbackToSse ? sse(options) : undefined,
        namedForSse: URL.canParse(transport.url) && /\/sse\/?$/i.test(new URL(transport.url).pathname),
        saysOlder,
      };
    }
  }
}

function http(options: HttpClientOptions): OpenLink {
  // One for all connections: what was learned on one of them holds for the next.
  let open: Promise<OpenLink> | undefined;
  return lazyLink(
    options.describe,
    () =>
      (open ??= import('../transport/http-client/client.ts').then(({ openHttpClient }) =>
        openHttpClient(options),
      )),
  );
}

function sse(options: SseOptions): OpenLink {
  let open: Promise<OpenLink> | undefined;
  return lazyLink(
    options.describe,
    () => (open ??= import('../transport/sse/client.ts').then(({ openSse }) => openSse(options))),
  );
}

/** 401, 403 and whatever is the server's own trouble say nothing about what it speaks. */
function saysOlder(error: unknown): boolean {
  const status =
    error instanceof ProxyError && error.cause instanceof HttpStatusError ? error.cause.status : undefined;
  return (
    status !== undefined &&
    status >= 400 &&
    status < 500 &&
    status !== 401 &&
    status !== 403 &&
    status !== 429
  );
}

function childProcess(
  server: ServerConfig,
  transport: StdioTransportConfig,
  context: TransportContext,
): OpenLink {
  const { key, limits } = server;
  const { log, clock, processes, maxProcesses } = context;
  /** A package runner at work on the same package as the next one. */
  let cleaning: Promise<void> | undefined;
  const start = openChildProcess({
    describe: key,
    command: transport.command,
    args: transport.args,
    get env() {
      return childEnvironment(transport, context);
    },
    cwd: transport.cwd,
    get stopGraceMs() {
      return context.stopGraceMs();
    },
    limits,
    secrets: [...transport.env.values(), ...secretArguments(transport.args)],
    onStderr(line, leftOut) {
      if (log.stderrOf) log.stderrOf(key, line, leftOut);
      else log.debug({ server: key, line, ...(leftOut > 0 && { leftOut }) }, 'stderr');
    },
    onStart(pid, fetches) {
      processes.add(pid, key, fetches);
    },
    onFetched: (pid) => processes.fetched(pid),
    onCleanUp(done) {
      const mine = done.finally(() => {
        if (cleaning === mine) cleaning = undefined;
      });
      cleaning = mine;
    },
    leaving: context.leaving,
    onEnd: (pid) => processes.remove(pid),
    clock,
  });
  const open: OpenLink = (events) =>
    processes.running.size < maxProcesses
      ? start(events)
      : failedLink(events, tooManyProcesses(key, maxProcesses));
  return (events) => {
    const before = cleaning;
    return before ? lazyLink(key, () => before.then(() => open))(events) : open(events);
  };
}

/** The limit is mostly met by clients that each want processes of their own. */
function tooManyProcesses(server: string, most: number): ProxyError {
  return new ProxyError('DOWNSTREAM_UNAVAILABLE', {
    message: `"${server}" was not started: ${most} processes run already (limits.processes). Try again when clients have left.`,
    server,
    delivered: false,
  });
}

function childEnvironment(
  { inheritEnv, env }: StdioTransportConfig,
  context: TransportContext,
): Record<string, string> {
  const made: Record<string, string> = {};
  for (const name of inheritEnv) {
    const value = context.env[name];
    if (value !== undefined) made[name] = value;
  }
  return {
    ...made,
    ...Object.fromEntries(env),
    ...context.childEnv,
    [MARKER_VARIABLE]: context.processes.marker,
    [VIA_VARIABLE]: context.loopDetection.mark,
  };
}
