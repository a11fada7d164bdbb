/** The part of the config that server sets and catalogs need; a reload may change it. */
import type { CatalogEntry, CatalogOptions } from '../../catalog/catalog-entry.ts';
import { type NamesConfig, prefixesNames, type ServerConfig } from '../../config/config.ts';
import type { Topology } from '../../routing/topology.ts';

/** A server's fixed part of the catalog. */
export type ServerSetServer = Omit<CatalogEntry, 'listing'>;

/** A pool's fixed part of the catalog. */
export interface ServerSetPool {
  readonly key: string;
  readonly namespace: string;
  /** The members in order of priority. */
  readonly members: readonly string[];
}

export interface ServerSetConfig {
  /** All servers, in config order. */
  readonly servers: readonly ServerSetServer[];
  readonly pools: readonly ServerSetPool[];
  /** Servers and pools that have names of their own, in catalog order. */
  readonly shown: readonly string[];
  readonly catalog: CatalogOptions;
  /** The time that a client's first list may wait in all; `undefined`: as long as the client is known to wait. */
  readonly listWaitMs: number | undefined;
}

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

/** The rules for names. */
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
