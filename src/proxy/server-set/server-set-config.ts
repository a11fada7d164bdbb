/** What server sets and catalogs take from the config. */
import type { CatalogOptions } from '../../catalog/catalog-entry.ts';
import { type NamesConfig, prefixesNames, type ServerConfig } from '../../config/config.ts';
import type { ServerSetConfig, ServerSetServer } from './server-set.ts';
import type { Topology } from '../../routing/topology.ts';

/** All names that are the proxy's own. */
const META_TOOL_NAMES = [
  'run_workflow',
  'workflow_runs',
  'resume_workflow',
  'cancel_workflow',
  'proxy_status',
];

export function serverSetConfig(config: NamesConfig, { servers, pools, shown }: Topology): ServerSetConfig {
  return {
    servers: [...servers.values()].map(serverSetServer),
    pools: [...pools.values()],
    shown,
    catalog: { ...catalogOptions(config), servers: shown },
    listWaitMs: config.expose.listWaitMs,
  };
}

/** How names are made. */
export function catalogOptions({ expose, tools, servers }: NamesConfig): CatalogOptions {
  return {
    prefix: prefixesNames({ expose, servers }),
    maxNameLength: expose.maxNameLength,
    origin: expose.origin,
    reserved: new Set([...META_TOOL_NAMES, ...tools.map(({ name }) => name)]),
    metaTools: expose.metaTools || tools.length > 0,
  };
}

export function serverSetServer({
  key,
  namespace,
  tools,
  limits,
  trustAnnotations: trusted,
}: ServerConfig): ServerSetServer {
  return { server: key, namespace, tools, maxTools: limits.tools, trusted };
}
