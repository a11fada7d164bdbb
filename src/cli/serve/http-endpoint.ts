/** The endpoint for clients over Streamable HTTP, with the pages beside it. */
import type { Config } from '../../config/config.ts';
import { systemClock } from '../../core/clock.ts';
import { LIST_MODES, type ListMode } from '../../core/list-mode.ts';
import type { Proxy } from '../../proxy/proxy.ts';
import { HttpEndpoint } from '../../server/http-endpoint.ts';
import type { Log } from '../../telemetry/log.ts';
import { type HttpPage, openHttpServer } from '../../transport/http-server/server.ts';
import type { HttpAddress } from '../support/http-address.ts';

/** @param drainMs how long what is under way may take to end. */
export type Closer = (drainMs: number) => Promise<void>;

/** The errors for requests that did not end get this time to be sent. */
const LAST_ANSWERS_MS = 500;

export interface ServedHttp {
  readonly url: string;
  readonly close: Closer;
}

export async function serveHttp(
  at: HttpAddress,
  config: Config,
  proxy: Proxy,
  log: Log,
  list?: ListMode,
): Promise<ServedHttp> {
  const { served } = proxy;
  const endpoint = new HttpEndpoint({ served, list, clock: systemClock, log });
  const http = await openHttpServer({
    ...at,
    ...config.http,
    maxConnections: config.limits.connections,
    maxBodyBytes: config.limits.requestBytes,
    maxWaitingBytes: config.limits.unreadBytes,
    path: '/mcp',
    otherPaths: new Set(LIST_MODES.map((mode) => `/mcp/${mode}`)),
    silenceMs: 10_000,
    onMcp: (exchange) => endpoint.handle(exchange),
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
    endpoint.close();
    await closed;
  };
  return { url: http.url, close };
}
