/** A whole proxy over real HTTP in this process, for what takes hours: its clock can be moved forward. */
import type { Clock } from '../../../src/core/clock.ts';
import { createProxy } from '../../../src/proxy/create-proxy.ts';
import { HttpEndpoint } from '../../../src/server/http-endpoint.ts';
import { loadConfig } from '../../../src/config/load/load-config.ts';
import { openHttpServer } from '../../../src/transport/http-server/server.ts';
import type { Logger } from '../../../src/core/logger.ts';
import type { Wire } from './conversation.ts';
import { writeConfig } from './proxies.ts';

export interface MovableClock extends Clock {
  /** Lets time pass at once: everything due by then happens, in its order. */
  skip(ms: number): void;
}

/** Runs in real time unless it is moved. */
function movableClock(): MovableClock {
  const due = new Map<object, { at: number; run: () => void }>();
  let ahead = 0;
  const now = (): number => performance.now() + ahead;
  return {
    now,
    after(ms, task) {
      const key = {};
      const cancel = (): void => {
        clearTimeout(timer);
        due.delete(key);
      };
      const run = (): void => {
        cancel();
        task();
      };
      const timer = setTimeout(run, ms);
      timer.unref();
      due.set(key, { at: now() + ms, run });
      return cancel;
    },
    skip(ms) {
      ahead += ms;
      for (;;) {
        const next = [...due.values()].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at)[0];
        if (!next) return;
        next.run();
      }
    },
  };
}

export interface InProcess {
  readonly url: string;
  readonly face: HttpEndpoint;
  readonly clock: MovableClock;
  close(): Promise<void>;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export async function inProcess(config: Wire, sessions: { idleMs?: number } = {}): Promise<InProcess> {
  const clock = movableClock();
  const loaded = await loadConfig({
    files: [writeConfig(config)],
    env: process.env,
    cwd: process.cwd(),
    homeDir: '/nowhere',
    platform: process.platform,
  });
  const proxy = await createProxy({
    config: loaded,
    version: '0',
    exclusive: false,
    env: process.env,
    log: SILENT,
    clock,
  });
  const face = new HttpEndpoint({ served: proxy.served, clock, log: SILENT, ...sessions });
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
    log: SILENT,
  });
  return {
    url: http.url,
    face,
    clock,
    async close() {
      face.close();
      await http.close(0);
      await proxy.close();
    },
  };
}
