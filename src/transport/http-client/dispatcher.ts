/** The connections to one origin: our own, or undici's way through the operator's HTTP proxy. */
import { EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { bytesOf } from '../../json/message-text.ts';
import { ConnectionPool } from './pool.ts';
import type { HttpRequest } from './pending-request.ts';

export type ProxyVariables = Readonly<Record<string, string | undefined>>;

export interface DispatcherOptions {
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

/** As much of undici's dispatchers as is used. */
export interface RequestDispatcher {
  dispatch(request: HttpRequest, handler: Dispatcher.DispatchHandler): unknown;
  destroy(): Promise<void>;
}

/**
 * Goes through `HTTP_PROXY` or `HTTPS_PROXY` (and `NO_PROXY`) where they are set for this address; the
 * machine itself is always reached directly.
 *
 * @throws TypeError where one of the addresses is none for HTTP.
 */
export function dispatcherFor(url: URL, env: ProxyVariables, options: DispatcherOptions): RequestDispatcher {
  const httpProxy = env['http_proxy'] || env['HTTP_PROXY'] || '';
  const httpsProxy = env['https_proxy'] || env['HTTPS_PROXY'] || '';
  const wanted = url.protocol === 'https:' ? httpsProxy : httpProxy;
  if (wanted === '' || isLoopback(url.hostname)) return new ConnectionPool({ origin: url, ...options });
  // The empty strings keep it from looking into this process's own environment.
  const agent = new EnvHttpProxyAgent({
    connections: options.connections,
    pipelining: 1,
    // Deadlines are set above, call by call.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: options.connectTimeoutMs },
    httpProxy,
    httpsProxy,
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
    proxyTls: { timeout: options.connectTimeoutMs },
    requestTls: { timeout: options.connectTimeoutMs },
  });
  return {
    dispatch: ({ body, ...request }, handler) =>
      agent.dispatch({ ...request, ...(body !== undefined && { body: bytesOf(body) }) }, handler),
    destroy: () => agent.destroy(),
  };
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
