/** Takes a changed config over: the state is replaced, and only servers that differ are connected anew. */
import type { AttachedClient } from './clients/attached-client.ts';
import { compareConfigs, differingServers } from '../config/reload/compare-configs.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../core/logger.ts';
import type { CurrentState, ProxyState } from './current-state.ts';
import type { ResourceSubscriptions } from './clients/resource-subscriptions.ts';
import { serverSetConfig } from './server-set/server-set-config.ts';
import type { ServerSets } from './server-sets.ts';

export interface ReloadParts {
  readonly state: CurrentState;
  readonly stateOf: (config: Config) => ProxyState;
  readonly clients: ReadonlyMap<string, AttachedClient>;
  readonly serverSets: ServerSets;
  readonly subscriptions: ResourceSubscriptions;
  readonly dropResults: (server: string) => void;
  readonly log: Logger;
}

/** @returns the keys that differ and hold for as long as the process lives. */
export function reload(parts: ReloadParts, config: Config): readonly string[] {
  const { state, clients, serverSets, subscriptions, log } = parts;
  const before = state.now;
  const { same, restartNeeded } = compareConfigs(before.config, config);
  if (restartNeeded.length > 0)
    log.warn({ keys: restartNeeded }, 'changed in the config, but not in force: restart needed');
  if (same) return [];
  const definitions = before.pipeline.definitions.join();
  state.replace(parts.stateOf(config));
  const { topology, pipeline } = state.now;
  const [old, servers] = [before.topology.servers, topology.servers];
  const differs = differingServers(old, servers);
  for (const server of differs) parts.dropResults(server);
  const setConfig = serverSetConfig(config, topology);
  for (const serverSet of serverSets.all) serverSet.reload(setConfig, differs);
  for (const client of clients.values()) {
    subscriptions.renew(client, differs);
    if (definitions !== pipeline.definitions.join()) client.listNotifications.changed(['tools']);
  }
  const removed = [...old.keys()].filter((server) => !servers.has(server));
  const added = [...servers.keys()].filter((server) => !old.has(server));
  log.info({ changed: [...differs], added, removed }, 'the config was read again');
  return restartNeeded;
}
