/** The connections to one origin: a bounded pool, or the way through the operator's HTTP proxy. */
import { EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DispatcherOptions {
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

/**
 * Goes through `HTTP_PROXY` or `HTTPS_PROXY` (and `NO_PROXY`) where they are set for this address; the
 * machine itself is always reached directly.
 *
 * @throws TypeError where the proxy's address is no URL.
 */
export function dispatcherFor(url: URL, env: Environment, options: DispatcherOptions): Dispatcher {
  const settings = {
    connections: options.connections,
    pipelining: 1,
    // Deadlines are set above, call by call.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: options.connectTimeoutMs },
  };
  const httpProxy = env['http_proxy'] || env['HTTP_PROXY'] || '';
  const httpsProxy = env['https_proxy'] || env['HTTPS_PROXY'] || '';
  const wanted = url.protocol === 'https:' ? httpsProxy : httpProxy;
  if (wanted === '' || isLoopback(url.hostname)) return new Pool(url.origin, settings);
  // The empty strings keep it from looking into this process's own environment.
  return new EnvHttpProxyAgent({
    ...settings,
    httpProxy,
    httpsProxy,
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
    proxyTls: { timeout: options.connectTimeoutMs },
    requestTls: { timeout: options.connectTimeoutMs },
  });
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
