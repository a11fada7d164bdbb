/** What a server's road tells of itself: to the pools that choose among roads, and to people. */
import type { JsonObject } from '../json/json.ts';
import type { DownstreamState } from '../core/status.ts';
import type { LoginStatus } from '../login/login-status.ts';
import type { CallStats } from '../middleware/observe.ts';
import type { Standing } from '../routing/pool.ts';
import type { ServerRoad } from './server-pipeline.ts';

export function standing(
  state: DownstreamState | undefined,
  road: ServerRoad | undefined,
  tool?: string,
): Standing {
  const busy = (road?.gate.running ?? 0) + (road?.gate.queued ?? 0);
  const isOpen =
    road !== undefined &&
    (road.circuit.state === 'open' || (tool !== undefined && road.circuit.isOpenFor(tool)));
  if (isOpen || state === 'unhealthy' || state === 'critical' || state === 'stopping')
    return { tier: 2, busy };
  return { tier: state === 'ready' || state === 'degraded' ? 0 : 1, busy };
}

export function breakerReport(road: ServerRoad | undefined): JsonObject {
  if (!road) return { state: 'closed' };
  const { state, tools, retryAfterMs } = road.circuit;
  return {
    state,
    ...(state === 'open' && { retryAfterMs }),
    ...(tools.size > 0 && { tools: Object.fromEntries(tools) }),
  };
}

/**
 * Who is logged in until when, where that matters; never a token.
 *
 * @param others the roads of those who have connections of their own; only who runs the proxy is told of them.
 */
export function loginReport(road: ServerRoad | undefined, others: readonly ServerRoad[] = []): JsonObject {
  const [login] = shownLogins([road]);
  const ofClients = shownLogins(others);
  return { ...(login && { login }), ...(ofClients.length > 0 && { logins: ofClients }) };
}

function shownLogins(roads: readonly (ServerRoad | undefined)[]): LoginStatus[] {
  return roads.flatMap((road) => road?.login?.status ?? []).filter(({ state }) => state !== 'not needed');
}

export function cachedReport({ cached: { hit, miss, stale } }: CallStats): JsonObject {
  return { hits: hit, misses: miss, stale };
}
