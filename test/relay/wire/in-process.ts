/** A whole proxy over real HTTP in this process, for what takes hours: its clock can be moved forward. */
import { createProxy } from '../../../src/proxy/create-proxy.ts';
import { HttpEndpoint } from '../../../src/server/http-endpoint.ts';
import { loadConfig } from '../../../src/config/load/load-config.ts';
import type { Config } from '../../../src/config/config.ts';
import { openHttpServer } from '../../../src/transport/http-server/server.ts';
import type { Logger } from '../../../src/core/logger.ts';
import type { Wire } from './conversation.ts';
import { type MovableClock, movableClock } from '../../harness/clock.ts';
import { writeConfig } from './proxies.ts';

export interface InProcess {
  readonly url: string;
  readonly face: HttpEndpoint;
  readonly clock: MovableClock;
  /** What it logged as `warn` or `info`, the oldest first. */
  readonly log: readonly { readonly facts: object; readonly message: string }[];
  close(): Promise<void>;
}

export interface InProcessSettings {
  readonly idleMs?: number;
  /** Laid over the limits of the proxy: those that are constants, too, can be set to little here. */
  readonly limits?: Partial<Config['limits']>;
}

export async function inProcess(
  config: Wire,
  { limits, ...sessions }: InProcessSettings = {},
): Promise<InProcess> {
  const clock = movableClock();
  const logged: { facts: object; message: string }[] = [];
  const keep = (facts: object, message: string): void => void logged.push({ facts, message });
  const log: Logger = { debug() {}, info: keep, warn: keep, error() {} };
  const read = await loadConfig({
    files: [writeConfig(config)],
    env: process.env,
    cwd: process.cwd(),
    homeDir: '/nowhere',
    platform: process.platform,
  });
  const loaded = { ...read, limits: { ...read.limits, ...limits } };
  const proxy = await createProxy({
    config: loaded,
    version: '0',
    exclusive: false,
    env: process.env,
    log,
    clock,
  });
  const face = new HttpEndpoint({ served: proxy.served, clock, log, ...sessions });
  const http = await openHttpServer({
    host: '127.0.0.1',
    port: 0,
    ...loaded.http,
    maxConnections: loaded.limits.connections,
    maxWaitingBytes: loaded.limits.unreadBytes,
    maxBodyBytes: loaded.limits.requestBytes,
    path: '/mcp',
    silenceMs: 10_000,
    onMcp: (exchange) => face.handle(exchange),
    routes: new Map(),
    log,
  });
  return {
    url: http.url,
    face,
    clock,
    log: logged,
    async close() {
      face.close();
      await http.close(0);
      await proxy.close();
    },
  };
}
