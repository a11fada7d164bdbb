/** Compares two configs: which servers have to be connected anew, and which keys need a restart. */
import type { Config, ServerConfig } from '../config.ts';

export interface ConfigChange {
  /** Nothing that matters differs. */
  readonly same: boolean;
  /** Keys that hold for as long as the process lives. */
  readonly restartNeeded: readonly string[];
}

export function compareConfigs(before: Config, after: Config): ConfigChange {
  const keys = ['stateDir', 'tokenStorage', 'http', 'limits', 'retryBudget', 'workflows', 'results'] as const;
  return {
    same: textOf({ ...before, warnings: [] }) === textOf({ ...after, warnings: [] }),
    restartNeeded: keys.filter((key) => textOf(before[key]) !== textOf(after[key])),
  };
}

/** The servers in both whose connections cannot be kept. */
export function differingServers(
  before: ReadonlyMap<string, ServerConfig>,
  after: ReadonlyMap<string, ServerConfig>,
): ReadonlySet<string> {
  const differs = [...after].filter(([key, server]) => {
    const old = before.get(key);
    return old !== undefined && connectionText(old) !== connectionText(server);
  });
  return new Set(differs.map(([key]) => key));
}

/** Settings that only the catalog is made of leave the connection alone. */
function connectionText(server: ServerConfig): string {
  const { include: _include, exclude: _exclude, rename: _rename, ...tools } = server.tools;
  return textOf({ ...server, tools, namespace: '', tags: [] });
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? [...part] : part)) ?? '';
}
