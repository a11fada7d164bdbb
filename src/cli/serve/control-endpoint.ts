/** The control endpoint of a running proxy, for its own user's commands: their requests, and the file that names it. */
import { announceRun, type NewRun } from '../../control/run-file.ts';
import { type ControlAnswer, openControl } from '../../control/control-server.ts';
import { socketPath } from '../../control/socket-path.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import type { JsonObject } from '../../json/json.ts';
import { stringAt } from '../../json/json.ts';
import type { Proxy } from '../../proxy/proxy.ts';
import type { Log } from '../../telemetry/log.ts';
import type { RecentLog } from '../../telemetry/recent-log.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import { concerns } from '../status/log-lines.ts';

export interface ControlEndpointOptions {
  readonly proxy: Proxy;
  readonly stateDir: string;
  readonly machine: HostEnvironment;
  readonly run: Omit<NewRun, 'socket'>;
  readonly recent: RecentLog;
  /** Further requests. */
  readonly answers: ReadonlyMap<string, ControlAnswer>;
  /** Clients that may stay there, where it is shared. */
  readonly attached: number;
  readonly log: Log;
}

export interface ControlEndpoint {
  /** Takes away the file by which commands and clients find this proxy. */
  withdraw(): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error where it cannot be had for this user alone. */
export async function openControlEndpoint(options: ControlEndpointOptions): Promise<ControlEndpoint> {
  const { stateDir, machine, run, log } = options;
  const { env, platform } = machine;
  const socket = await socketPath({ stateDir, name: String(process.pid), env, platform });
  const control = await openControl({
    path: socket,
    answers: new Map<string, ControlAnswer>([
      ['status', (_, connection) => answerStatus(options, connection)],
      ['logs', (request, connection) => answerLogs(options.recent, request, connection)],
      ...options.answers,
    ]),
    keepsAlive: run.serves === 'shared',
    staying: run.serves === 'shared' ? options.attached : 0,
    log,
  });
  const withdraw = await announceRun(stateDir, { ...run, socket }, startTimeOf);
  return {
    withdraw,
    async close() {
      await withdraw();
      await control.close();
    },
  };
}

type Connection = Parameters<ControlAnswer>[1];

async function answerStatus({ proxy, run }: ControlEndpointOptions, { socket }: Connection): Promise<void> {
  socket.end(`${JSON.stringify({ ...run, ...(await statusOf(proxy)) })}\n`);
}

/** The document that `switchyard status` shows for one proxy. */
async function statusOf(proxy: Proxy): Promise<JsonObject> {
  const memory = await proxy.memory();
  return {
    pid: process.pid,
    uptimeMs: Math.round(process.uptime() * 1000),
    memoryBytes: process.memoryUsage.rss(),
    clients: proxy.clients.map(({ info, protocolVersion }) => ({
      name: stringAt(info, 'name') ?? '',
      version: stringAt(info, 'version') ?? '',
      protocolVersion,
    })),
    servers: proxy.report('').map((server) => ({ ...server, memoryBytes: memory.get(server.server) })),
  };
}

/** Bytes that wait for a reader; a slower reader misses lines. */
const MAX_WAITING = 1024 * 1024;

function answerLogs(recent: RecentLog, request: JsonObject, { socket }: Connection): void {
  const server = stringAt(request, 'server');
  const wanted = (line: string): boolean => server === undefined || concerns(line, server);
  for (const line of recent.lines.filter(wanted)) socket.write(`${line}\n`);
  if (request['follow'] !== true) {
    socket.end();
    return;
  }
  const stop = recent.follow((line) => {
    if (wanted(line) && socket.writableLength <= MAX_WAITING) socket.write(`${line}\n`);
  });
  socket.once('close', stop);
  // Seen only by a socket that is read.
  socket.resume();
}
