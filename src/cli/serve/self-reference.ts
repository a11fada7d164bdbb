import type { Config, ServerConfig, TransportConfig } from '../../config/config.ts';

/**
 * Switches off the entries that are this very proxy: a client's file that is served over HTTP often holds the URL
 * it is served at, and connected to itself it would list its own tools again and again.
 */
export function withoutSelfReferences(
  config: Config,
  http: { readonly host: string; readonly port: number } | undefined,
): Config {
  if (http === undefined) return config;
  const warnings: string[] = [];
  const servers = new Map<string, ServerConfig>();
  for (const [key, server] of config.servers) {
    const own = !server.disabled && isAt(server.transport, http);
    if (own) warnings.push(`The server "${key}" was left out: its URL is the one that this proxy serves.`);
    servers.set(key, own ? { ...server, disabled: true } : server);
  }
  return warnings.length === 0 ? config : { ...config, servers, warnings: [...config.warnings, ...warnings] };
}

function isAt(transport: TransportConfig, http: { readonly host: string; readonly port: number }): boolean {
  if (transport.kind !== 'http' && transport.kind !== 'sse') return false;
  if (!URL.canParse(transport.url)) return false;
  const { protocol, hostname, port, pathname } = new URL(transport.url);
  if (protocol !== 'http:' || Number(port || 80) !== http.port || pathname !== '/mcp') return false;
  const host = hostname.replaceAll(/[[\]]/g, '');
  return host === http.host || (isLoopback(host) && (isLoopback(http.host) || isWildcard(http.host)));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.[\d.]+$/.test(host);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
