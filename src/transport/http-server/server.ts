/**
 * The HTTP server that clients talk to: bytes in and out, on sockets of its own.
 *
 * It decides who may ask (`guard.ts`), bounds what is asked in size, number and time, and hands over
 * whole bodies. Sessions, JSON-RPC and the two eras are the business of `server/`.
 */
import type { Logger } from '../../core/logger.ts';
import { asHost, buildGuard, type HttpGuardOptions } from './guard.ts';
import { ServerReply, type ReplySettings } from './reply.ts';
import type { ConnectionTimeouts, ServerConnectionsOptions } from './incoming-request.ts';
import type { NodeConnections } from './node-connections.ts';
import { OwnConnections } from './own-connections.ts';
import { listen } from './listen.ts';
import { Keepalive } from './keepalive.ts';
import { requestHandler, type HttpExchange, type HttpPage } from './request-handler.ts';

export type { HttpPage } from './request-handler.ts';

export interface HttpServerOptions extends HttpGuardOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly path: '/mcp';
  /** The code that reads and writes HTTP; `own` unless told otherwise. */
  readonly server?: 'own' | 'node';
  readonly maxBodyBytes: number;
  /** A POSTed request that waits this long for its answer gets an event stream with comments. */
  readonly silenceMs: number;
  /** Takes every authorised request on `path`; the body of a POST has been read. */
  readonly onMcp: (exchange: HttpExchange) => void;
  /** Pages to GET, by path, guarded like `path`; but `/healthz` needs no token, and like `/readyz` no known `Host`. */
  readonly routes: ReadonlyMap<string, () => HttpPage | Promise<HttpPage>>;
  readonly log: Logger;
  readonly timeouts?: Partial<ConnectionTimeouts>;
  /** Sockets open at a time; further ones are closed at once. */
  readonly maxConnections: number;
  /** A stream is cut when more than this waits for its client. */
  readonly maxWaitingBytes: number;
}

export interface HttpServer {
  /** `http://HOST:PORT/mcp`, with the host as it was asked for. */
  readonly url: string;
  readonly port: number;
  readonly address: string;
  /** As of now. */
  readonly stats: HttpStats;
  /**
   * Takes no more requests, closes idle connections and endless streams, lets the rest finish for `graceMs`,
   * then ends what is left. Done when no connection is left.
   */
  close(graceMs: number): Promise<void>;
}

interface HttpStats {
  readonly connections: number;
  /** Replies that are not ended yet, or not yet taken by their clients. */
  readonly open: number;
  /** Since the start. */
  readonly requests: number;
  /** Since the start. */
  readonly refused: number;
  /** Connections that were cut because their clients did not read; since the start. */
  readonly cut: number;
}

const DEFAULT_TIMEOUTS: ConnectionTimeouts = {
  headersMs: 30_000,
  bodyMs: 60_000,
  keepAliveMs: 65_000,
  drainMs: 60_000,
  drainBytesPerSecond: 65_536,
  lingerMs: 2_000,
};
/** The time that the last answers of a stopping server have to leave. */
const LAST_WORDS_MS = 250;

/** @throws Error in words for people: the port is taken, the host is not ours, the bind would be unguarded. */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, path, maxBodyBytes, routes, onMcp } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const guard = buildGuard(options);
  const pulse = new Keepalive<ServerReply>(options.silenceMs);
  const counts = { requests: 0, refused: 0, cut: 0 };
  let awaitedReplies = 0;
  let isStopping = false;
  const stopping = (): boolean => isStopping;

  const cut = (waitingBytes: number): void => {
    counts.cut++;
    log.warn({ waitingBytes }, 'connection cut: its client does not take its answers (limits.unreadBytes)');
  };
  const settings: ReplySettings = {
    pulse,
    maxWaitingBytes: options.maxWaitingBytes,
    stopping,
    cut,
    awaited: () => awaitedReplies,
    finished(awaited) {
      if (awaited) awaitedReplies--;
    },
  };
  const handle = requestHandler({
    path,
    maxBodyBytes,
    guard,
    routes,
    onMcp,
    openReply(response, awaited, headers) {
      if (awaited) awaitedReplies++;
      return new ServerReply(response, settings, awaited, headers);
    },
    stopping,
    refused: () => void counts.refused++,
    log,
  });
  const connections = await openConnections(options.server, {
    timeouts,
    stopping,
    cut,
    request(request, response) {
      counts.requests++;
      handle(request, response);
    },
    refused: (status, why) => log.debug({ status, why }, 'connection refused'),
  });
  const { server } = connections;
  let isFull = false;
  server.maxConnections = options.maxConnections;
  server
    .on('connection', () => (isFull = false))
    .on('drop', () => {
      if (!isFull)
        log.warn(
          { connections: connections.size },
          'too many connections (limits.connections): further ones are closed',
        );
      isFull = true;
    });

  const { address, port } = await listen(server, options.host, options.port);
  return {
    url: `http://${asHost(options.host)}:${port}${path}`,
    port,
    address,
    get stats() {
      return { ...counts, connections: connections.size, open: pulse.size };
    },
    async close(graceMs) {
      isStopping = true;
      const gone = connections.stop();
      for (const reply of pulse.members) reply.stop(false);
      connections.closeIdle();
      if (await isDoneWithin(gone, graceMs)) return;
      for (const reply of pulse.members) reply.stop(true);
      if (await isDoneWithin(gone, LAST_WORDS_MS)) return;
      connections.cut();
      await gone;
    },
  };
}

/** Node's HTTP is loaded only where it is wanted. */
async function openConnections(
  by: HttpServerOptions['server'],
  options: ServerConnectionsOptions,
): Promise<OwnConnections | NodeConnections> {
  if (by !== 'node') return new OwnConnections(options);
  const { NodeConnections: Connections } = await import('./node-connections.ts');
  return new Connections(options);
}

async function isDoneWithin(done: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([done.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
