/** From the config's servers and pools to what is connected and what is shown: replicas are servers of their own. */
import type { PoolConfig, ServerConfig } from '../config/config.ts';

export interface Topology {
  /** Everything that is connected, by key. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** All that have a namespace, in config order: servers, and pools in the place of their first member. */
  readonly shown: readonly string[];
  /** The pool of a hidden member, else the server itself. */
  readonly ownerOf: (server: string) => string;
}

/** The configured servers and pools, disabled ones included. */
export interface Configured {
  readonly servers: ReadonlyMap<string, ServerConfig>;
  readonly pools: ReadonlyMap<string, PoolConfig>;
}

export function topologyOf(config: Configured): Topology {
  const servers = new Map<string, ServerConfig>();
  const pools = new Map<string, PoolConfig>();
  const owners = new Map<string, string>();
  const shown = new Set<string>();
  const byMember = new Map(
    [...config.pools.values()].flatMap((pool) => pool.members.map((member) => [member, pool] as const)),
  );
  for (const server of config.servers.values()) {
    if (server.disabled) continue;
    const pool = byMember.get(server.key);
    const keys = replicasOf(server);
    for (const key of keys) servers.set(key, { ...server, key });
    if (pool) {
      const known = pools.get(pool.key);
      pools.set(pool.key, { ...pool, members: [...(known?.members ?? []), ...keys] });
      if (!pool.exposeMembers) for (const key of keys) owners.set(key, pool.key);
      shown.add(pool.key);
    }
    if (keys.length > 1 && (!pool || pool.exposeMembers)) {
      const { key, namespace } = server;
      pools.set(key, { key, namespace, members: keys, strategy: 'least-busy', exposeMembers: false });
      for (const one of keys) owners.set(one, key);
    }
    if (!pool || pool.exposeMembers) shown.add(server.key);
  }
  // The order of priority is the pool's, not that of the servers.
  for (const [key, pool] of pools) {
    const priority = config.pools.get(key)?.members;
    if (!priority) continue;
    const place = (member: string): number =>
      priority.findIndex((one) => member === one || member.startsWith(`${one}#`));
    pools.set(key, { ...pool, members: [...pool.members].sort((a, b) => place(a) - place(b)) });
  }
  return { servers, pools, shown: [...shown], ownerOf: (server) => owners.get(server) ?? server };
}

function replicasOf({ key, replicas }: ServerConfig): readonly string[] {
  return replicas === 1 ? [key] : Array.from({ length: replicas }, (_, index) => `${key}#${index + 1}`);
}
