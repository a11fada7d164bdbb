/** `pools`: checked against the servers that there are, and given their namespaces. */
import type { ConfigProblem } from '../config-error.ts';
import type { PoolConfig, ServerConfig } from '../config.ts';
import { nearest } from '../../core/nearest.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ConfigNode, type NodePath, pathText, placeAt } from '../text/tree.ts';

type FilledPool = Omit<PoolConfig, 'key' | 'namespace'>;

export interface PoolsSource {
  readonly pools: ReadonlyMap<string, FilledPool>;
  /** Every configured server, disabled ones included. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** Keys that stand in the file, also those with mistakes of their own. */
  readonly serverKeys: ReadonlySet<string>;
  readonly namespaces: ReadonlyMap<string, string>;
  readonly root: ConfigNode;
}

/** A pool whose members are all disabled is left out. */
export function readPools(source: PoolsSource): {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly problems: readonly ConfigProblem[];
} {
  const { pools, servers, serverKeys, namespaces, root } = source;
  const problems: ConfigProblem[] = [];
  const owners = new Map<string, string>();
  const built = new Map<string, PoolConfig>();
  for (const [key, input] of pools) {
    const path = ['pools', key];
    if (serverKeys.has(key))
      tell(path, true, 'is the key of a server, too. Choose another one for the pool.');
    if (input.members.length === 0)
      tell([...path, 'members'], false, 'expected at least one server, got an empty list');
    for (const [index, member] of input.members.entries()) {
      const at = [...path, 'members', index];
      const owner = owners.get(member);
      if (!serverKeys.has(member)) tell(at, false, unknown(member, pools, serverKeys));
      else if (owner === key) tell(at, false, `"${member}" is already a member of this pool`);
      else if (owner !== undefined) tell(at, false, `"${member}" is already a member of the pool "${owner}"`);
      owners.set(member, key);
    }
    const members = input.members.filter((member) => servers.get(member)?.disabled === false);
    const apart = apartBehindShared(members, servers);
    if (apart !== undefined)
      tell(
        [...path, 'members', input.members.indexOf(apart)],
        false,
        `"${apart}" has "connections": "per-client", and "${members[0]}", whose settings are the pool's, has "cache.scope": "shared": one client's answers would go to the others. Set "cache.scope": "client" for "${members[0]}".`,
      );
    const namespace = namespaces.get(key) ?? key;
    if (members.length > 0) built.set(key, { ...input, key, namespace, members });
  }
  return { pools: built, problems };

  function tell(path: NodePath, atKey: boolean, message: string): void {
    problems.push(problemAt(placeAt(root, path, atKey), pathText(path), message));
  }
}

/** A member with a connection for each client, in a pool whose answers are kept for all of them. */
function apartBehindShared(
  members: readonly string[],
  servers: ReadonlyMap<string, ServerConfig>,
): string | undefined {
  const [first] = members;
  const cache = first === undefined ? undefined : servers.get(first)?.cache;
  if (cache?.scope !== 'shared' || cache.mode === 'off') return undefined;
  return members.find((member) => servers.get(member)?.connections === 'per-client');
}

function unknown(member: string, pools: ReadonlyMap<string, unknown>, servers: ReadonlySet<string>): string {
  if (pools.has(member)) return `"${member}" is a pool; the members of a pool are servers`;
  const near = nearest(member, servers);
  return `there is no server "${member}".${near === undefined ? '' : ` Did you mean "${near}"?`}`;
}
