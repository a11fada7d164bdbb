/** The catalog as the snapshot of earlier runs has it. Starts nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildCatalog } from '../../catalog/build-catalog.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { openSnapshots, snapshotAddress } from '../../catalog/snapshot.ts';
import type { Config } from '../../config/config.ts';
import type { Logger } from '../../core/logger.ts';
import { catalogOptions, serverSetServer } from '../../proxy/server-set/server-set-config.ts';
import { topologyOf } from '../../routing/topology.ts';
import { stateKey } from '../../proxy/state-key.ts';

export const NO_LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** The servers of which nothing is remembered, whatever a client can do. */
export function unlearnedServers(config: Config): readonly string[] {
  const { stateDir } = config;
  const snapshots = openSnapshots(stateDir, stateKey(stateDir, NO_LOG), NO_LOG);
  return [...config.servers.values()]
    .filter(({ transport, protocol }) => !snapshots.latest(snapshotAddress(transport, protocol, '')))
    .map(({ key }) => key);
}

/** The first member of a pool that is remembered stands for all. @returns `undefined` where nothing is remembered. */
export function rememberedCatalog(config: Config): Catalog | undefined {
  const { stateDir } = config;
  if (!existsSync(join(stateDir, 'key')) || !existsSync(join(stateDir, 'snapshot'))) return undefined;
  const snapshots = openSnapshots(stateDir, stateKey(stateDir, NO_LOG), NO_LOG);
  const { servers, pools, shown } = topologyOf(config);
  const entries = shown.flatMap((key) => {
    for (const member of pools.get(key)?.members ?? [key]) {
      const server = servers.get(member);
      const listing = server && snapshots.latest(snapshotAddress(server.transport, server.protocol, ''));
      if (!server || !listing) continue;
      const namespace = pools.get(key)?.namespace ?? server.namespace;
      return [{ ...serverSetServer(server), server: key, namespace, listing }];
    }
    return [];
  });
  return buildCatalog(entries, catalogOptions(config));
}
