/** One server's checked input and the defaults -> its whole configuration. Pure. */
import { readAuth } from '../auth-config.ts';
import {
  builtIn,
  builtInHealth,
  builtInInheritEnv,
  builtInLimits,
  builtInRestart,
} from '../schema/defaults.ts';
import {
  builtInCache,
  builtInCircuitBreaker,
  builtInConcurrency,
  builtInRetry,
} from '../resilience-config.ts';
import type { ServerConfig, ToolOverrideConfig, ToolsConfig } from '../config.ts';
import { present } from './present.ts';
import type { DefaultsInput, ServerInput } from '../schema/schema.ts';
import { readTransport, type ServerProblem } from './transport-config.ts';

export interface ServerConfigSource {
  readonly key: string;
  readonly namespace: string;
  readonly input: ServerInput;
  readonly defaults: DefaultsInput;
  readonly platform: string;
}

export type ServerConfigResult =
  { readonly server: ServerConfig } | { readonly problems: readonly ServerProblem[] };

/** Entry over defaults over built-in, key by key within nested tables; lists are replaced as a whole. */
export function buildServerConfig(source: ServerConfigSource): ServerConfigResult {
  const { key, namespace, input, defaults, platform } = source;
  const disabled = input.disabled ?? defaults.disabled ?? false;
  const env = new Map([...(defaults.env ?? []), ...(input.env ?? [])]);
  const headers = new Map([...(defaults.headers ?? []), ...(input.headers ?? [])]);
  const cwd = input.cwd ?? defaults.cwd;
  const inheritEnv = input.inheritEnv ?? defaults.inheritEnv ?? builtInInheritEnv(platform);
  const transport = readTransport({ input, disabled, env, headers, cwd, inheritEnv });
  const timeouts = readTimeouts(input, defaults);
  const start = input.start ?? defaults.start ?? 'eager';
  const connections = input.connections ?? defaults.connections ?? 'auto';
  const cache = overlay(builtInCache, defaults.cache, input.cache);
  const problems = [
    ...transport.problems,
    ...timeouts.problems,
    ...idleProblems(input, start),
    ...sharingProblems(input, connections, cache),
  ];
  if (transport.transport === undefined || problems.length > 0) return { problems };
  return {
    server: {
      key,
      namespace,
      disabled,
      tags: input.tags ?? defaults.tags ?? [],
      transport: transport.transport,
      auth: readAuth(input.auth),
      protocol: input.protocol ?? defaults.protocol ?? 'auto',
      connections,
      connectTimeoutMs: input.connectTimeoutMs ?? defaults.connectTimeoutMs ?? builtIn.connectTimeoutMs,
      stopGraceMs: input.stopGraceMs ?? defaults.stopGraceMs ?? builtIn.stopGraceMs,
      timeoutMs: timeouts.timeoutMs,
      maxTimeoutMs: timeouts.maxTimeoutMs,
      limits: overlay(builtInLimits, defaults.limits, input.limits),
      restart: overlay(builtInRestart, defaults.restart, input.restart),
      start,
      idleStopMs: input.idleStopMs ?? defaults.idleStopMs ?? 0,
      outage: input.outage ?? defaults.outage ?? 'keep',
      health: overlay(builtInHealth, defaults.health, input.health),
      replicas: input.replicas ?? defaults.replicas ?? 1,
      trustAnnotations: input.trustAnnotations ?? defaults.trustAnnotations ?? false,
      maxConcurrency: input.maxConcurrency ?? defaults.maxConcurrency ?? builtInConcurrency.maxConcurrency,
      maxQueue: input.maxQueue ?? defaults.maxQueue ?? builtInConcurrency.maxQueue,
      retry: overlay(builtInRetry, defaults.retry, input.retry),
      circuitBreaker: overlay(builtInCircuitBreaker, defaults.circuitBreaker, input.circuitBreaker),
      cache,
      tools: readTools(input.tools, defaults.tools),
    },
  };
}

/** As a default it is for those servers that are lazy. */
function idleProblems({ idleStopMs }: ServerInput, start: 'eager' | 'lazy'): readonly ServerProblem[] {
  if (start === 'lazy' || idleStopMs === undefined || idleStopMs === 0) return [];
  const message = 'is for servers that start at their first call. Add "start": "lazy".';
  return [{ path: ['idleStopMs'], message }];
}

/** What only one client may know is not kept for all. */
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
  input: ServerInput,
  defaults: DefaultsInput,
): {
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly problems: readonly ServerProblem[];
} {
  const timeoutMs = input.timeoutMs ?? defaults.timeoutMs ?? builtIn.timeoutMs;
  const set = input.maxTimeoutMs ?? defaults.maxTimeoutMs;
  if (set === undefined) {
    return { timeoutMs, maxTimeoutMs: Math.max(timeoutMs, builtIn.maxTimeoutMs), problems: [] };
  }
  const idleIsSet = (input.timeoutMs ?? defaults.timeoutMs) !== undefined;
  if (set >= timeoutMs || !idleIsSet)
    return { timeoutMs: Math.min(timeoutMs, set), maxTimeoutMs: set, problems: [] };
  const path = [input.maxTimeoutMs === undefined ? 'timeoutMs' : 'maxTimeoutMs'];
  const message = `expected maxTimeoutMs (the deadline of a call, ${set} ms) to be no shorter than timeoutMs (its idle time, ${timeoutMs} ms)`;
  return { timeoutMs, maxTimeoutMs: set, problems: [{ path, message }] };
}

type ToolsInput = NonNullable<DefaultsInput['tools']>;

function readTools(own: ToolsInput | undefined, defaults: ToolsInput | undefined): ToolsConfig {
  return {
    include: own?.include ?? defaults?.include ?? ['*'],
    exclude: own?.exclude ?? defaults?.exclude ?? [],
    rename: new Map([...(defaults?.rename ?? []), ...(own?.rename ?? [])]),
    override: readOverrides(own, defaults),
    safeToRepeat: own?.safeToRepeat ?? defaults?.safeToRepeat ?? [],
  };
}

function readOverrides(
  own: ToolsInput | undefined,
  defaults: ToolsInput | undefined,
): ReadonlyMap<string, ToolOverrideConfig> {
  const merged = new Map<string, ToolOverrideConfig>();
  for (const [tool, override] of [...(defaults?.override ?? []), ...(own?.override ?? [])]) {
    const before = merged.get(tool);
    const annotations = { ...before?.annotations, ...present(override.annotations ?? {}) };
    const circuitBreaker = { ...before?.circuitBreaker, ...present(override.circuitBreaker ?? {}) };
    const rest = present({ ...override, annotations: undefined, circuitBreaker: undefined });
    merged.set(tool, {
      ...before,
      ...rest,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(Object.keys(circuitBreaker).length > 0 && { circuitBreaker }),
    });
  }
  return merged;
}

function overlay<Options extends object>(
  base: Options,
  ...layers: ({ readonly [Key in keyof Options]?: Options[Key] | undefined } | undefined)[]
): Options {
  return layers.reduce<Options>((below, layer) => ({ ...below, ...present(layer ?? {}) }), base);
}
