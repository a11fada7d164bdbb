/**
 * The connections to one origin: undici's, or our own for plain HTTP without an HTTP proxy, where they were measured to
 * pay.
 */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { bytesOf } from '../../json/message-text.ts';
import { ConnectionPool } from './pool.ts';
import type { HttpRequest } from './pending-request.ts';

export type ProxyVariables = Readonly<Record<string, string | undefined>>;

export interface DispatcherOptions {
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

/** The part of undici's dispatchers that is used. */
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
  const { connections, connectTimeoutMs: timeout } = options;
  // Deadlines are set above, call by call.
  const common = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect: { timeout } };
  if (wanted === '' || isLoopback(url.hostname))
    return url.protocol === 'https:'
      ? byUndici(new Pool(url.origin, common))
      : new ConnectionPool({ origin: url, ...options });
  return byUndici(
    new EnvHttpProxyAgent({
      ...common,
      httpProxy,
      httpsProxy,
      // The empty string keeps it from looking into this process's own environment.
      noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
      proxyTls: { timeout },
      requestTls: { timeout },
    }),
  );
}

/** A dispatcher that takes bodies in parts. */
function byUndici(dispatcher: Dispatcher): RequestDispatcher {
  return {
    dispatch: ({ body, ...request }, handler) =>
      dispatcher.dispatch({ ...request, ...(body !== undefined && { body: bytesOf(body) }) }, handler),
    destroy: () => dispatcher.destroy(),
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
