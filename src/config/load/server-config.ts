/** One server's checked input and the defaults -> its whole configuration. Pure. */
import type { ServerConfig } from '../config.ts';
import { fill } from '../schema/fill.ts';
import { FIXED_SERVER_LIMITS } from '../schema/limit-keys.ts';
import { type DefaultsInput, type ServerInput, serverSection } from '../schema/server-keys.ts';
import { defaultInheritEnv } from './inherit-env.ts';
import type { ServerProblem } from './server-problem.ts';
import { readTransport } from './transport-config.ts';

export interface ServerConfigSource {
  readonly key: string;
  readonly namespace: string;
  readonly input: ServerInput;
  readonly defaults: DefaultsInput;
  readonly platform: string;
}

export type ServerConfigResult =
  { readonly server: ServerConfig } | { readonly problems: readonly ServerProblem[] };

/** Entry over defaults over what holds by itself. */
export function buildServerConfig(source: ServerConfigSource): ServerConfigResult {
  const { key, namespace, input, defaults, platform } = source;
  const { type, command, args, url, host, port, env, envFile, cwd, headers, ...filled } = fill(
    serverSection,
    defaults,
    input,
  );
  const { inheritEnv = defaultInheritEnv(platform), ...rest } = filled;
  const { disabled, start, connections, cache } = rest;
  const transport = readTransport({ input, disabled, env, headers, cwd, inheritEnv });
  const timeouts = readTimeouts(rest, input, defaults);
  const problems = [
    ...transport.problems,
    ...timeouts.problems,
    ...idleProblems(input, start),
    ...sharingProblems(input, connections, cache),
  ];
  if (transport.transport === undefined || problems.length > 0) return { problems };
  return {
    server: {
      ...rest,
      key,
      namespace,
      transport: transport.transport,
      timeoutMs: timeouts.timeoutMs,
      maxTimeoutMs: timeouts.maxTimeoutMs,
      limits: { ...rest.limits, ...FIXED_SERVER_LIMITS },
    },
  };
}

/** `idleStopMs` of an entry needs a lazy server; in `defaults` the key holds for those servers that are lazy. */
function idleProblems({ idleStopMs }: ServerInput, start: 'eager' | 'lazy'): readonly ServerProblem[] {
  if (start === 'lazy' || idleStopMs === undefined || idleStopMs === 0) return [];
  const message = 'is for servers that start at their first call. Add "start": "lazy".';
  return [{ path: ['idleStopMs'], message }];
}

/** Answers that only one client may know are not kept for all. */
function sharingProblems(
  input: ServerInput,
  connections: ServerConfig['connections'],
  cache: ServerConfig['cache'],
): readonly ServerProblem[] {
  if (connections !== 'per-client' || cache.scope !== 'shared' || cache.mode === 'off') return [];
  const message =
    '"cache.scope": "shared" would give one client\'s answers to the others, while "connections": "per-client" gives each a connection and a login of its own. Set "cache.scope": "client", or "connections": "shared".';
  if (input.cache?.scope !== undefined) return [{ path: ['cache', 'scope'], message }];
  return [{ path: input.connections === undefined ? [] : ['connections'], message }];
}

/** The deadline of a call that nobody set gives way to a longer idle time that somebody did. */
function readTimeouts(
  { timeoutMs, maxTimeoutMs }: Pick<ServerConfig, 'timeoutMs' | 'maxTimeoutMs'>,
  input: ServerInput,
  defaults: DefaultsInput,
): {
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly problems: readonly ServerProblem[];
} {
  const set = input.maxTimeoutMs ?? defaults.maxTimeoutMs;
  if (set === undefined) {
    return { timeoutMs, maxTimeoutMs: Math.max(timeoutMs, maxTimeoutMs), problems: [] };
  }
  const idleIsSet = (input.timeoutMs ?? defaults.timeoutMs) !== undefined;
  if (set >= timeoutMs || !idleIsSet)
    return { timeoutMs: Math.min(timeoutMs, set), maxTimeoutMs: set, problems: [] };
  const path = [input.maxTimeoutMs === undefined ? 'timeoutMs' : 'maxTimeoutMs'];
  const message = `expected maxTimeoutMs (the deadline of a call, ${set} ms) to be no shorter than timeoutMs (its idle time, ${timeoutMs} ms)`;
  return { timeoutMs, maxTimeoutMs: set, problems: [{ path, message }] };
}
