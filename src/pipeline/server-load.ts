/** Reports on a server's pipeline: to the pools that choose among pipelines, and to people. */
import type { JsonObject } from '../json/json.ts';
import type { DownstreamState } from '../core/status.ts';
import type { LoginStatus } from '../login/login-status.ts';
import type { CallStats } from '../middleware/observe.ts';
import type { LoadScore } from '../routing/pool.ts';
import type { ServerPipeline } from './server-pipeline.ts';

export function loadScore(
  state: DownstreamState | undefined,
  pipeline: ServerPipeline | undefined,
  tool?: string,
): LoadScore {
  const busy = (pipeline?.gate.running ?? 0) + (pipeline?.gate.queued ?? 0);
  const isOpen =
    pipeline !== undefined &&
    (pipeline.circuit.state === 'open' || (tool !== undefined && pipeline.circuit.isOpenFor(tool)));
  if (isOpen || state === 'unhealthy' || state === 'critical' || state === 'stopping')
    return { tier: 2, busy };
  return { tier: state === 'ready' || state === 'degraded' ? 0 : 1, busy };
}

export function breakerReport(pipeline: ServerPipeline | undefined): JsonObject {
  if (!pipeline) return { state: 'closed' };
  const { state, tools, retryAfterMs } = pipeline.circuit;
  return {
    state,
    ...(state === 'open' && { retryAfterMs }),
    ...(tools.size > 0 && { tools: Object.fromEntries(tools) }),
  };
}

/**
 * Lists the logins that matter with their expiry; never a token.
 *
 * @param others the pipelines of private connections; only the operator of the proxy is told of them.
 */
export function loginReport(
  pipeline: ServerPipeline | undefined,
  others: readonly ServerPipeline[] = [],
): JsonObject {
  const [login] = shownLogins([pipeline]);
  const ofClients = shownLogins(others);
  return { ...(login && { login }), ...(ofClients.length > 0 && { logins: ofClients }) };
}

function shownLogins(pipelines: readonly (ServerPipeline | undefined)[]): LoginStatus[] {
  return pipelines
    .flatMap((pipeline) => pipeline?.login?.status ?? [])
    .filter(({ state }) => state !== 'not needed');
}

export function cachedReport({ cached: { hit, miss, stale } }: CallStats): JsonObject {
  return { hits: hit, misses: miss, stale };
}
