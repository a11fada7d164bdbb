/** The config's rules for one call: who answers it, how often and how long it is tried, how its answer is kept. */
import type { Catalog, Target } from '../catalog/catalog.ts';
import { matchesGlob } from '../catalog/names/glob.ts';
import type { UriMemory } from '../catalog/uris/uri-memory.ts';
import type { RetryConfig, ServerConfig } from '../config/config.ts';
import { fill } from '../config/schema/fill.ts';
import { retrySection } from '../config/schema/resilience-keys.ts';
import type { Call } from '../core/call.ts';
import { isObject, type JsonObject, stringAt } from '../json/json.ts';
import type { Listing } from '../core/listing.ts';
import type { Topology } from './topology.ts';
import type { CachePlan } from '../middleware/cache.ts';
import type { Deadline } from '../middleware/deadline.ts';

/** The retry settings of calls that no server is known for. */
const WITHOUT_SERVER = fill(retrySection);

/** The facts about a client's servers that the policies need. */
export interface PolicyView {
  readonly catalog: Catalog;
  listingOf(server: string): Listing | undefined;
  /** The number of handshakes with the server. */
  generationOf(server: string): number;
  /** Each client has a connection of its own to the server, whose answers may be for one client only. */
  apart(server: string): boolean;
}

export interface CallPoliciesOptions {
  readonly members: Topology;
  readonly viewOf: (call: CallAbout) => PolicyView;
  readonly uris: UriMemory;
}

export interface CallPolicies {
  /** Is it known who answers? Not so while servers are coming up. */
  readonly knows: (call: Call) => boolean;
  readonly isSafe: (call: CallAbout) => boolean;
  /** The same for one server and its own name for a tool. */
  readonly isSafeAt: (server: string, method: string, name: string, call: CallAbout) => boolean;
  /** May a server get a tool call a second time, or does the tool want to be told its key? */
  readonly mayComeTwice: (call: Call) => boolean;
  /** Does the tool at least say that it only reads? Enough to ask another tool after it, not to ask it again. */
  readonly saysReadOnly: (call: Call) => boolean;
  readonly retryOf: (call: Call) => RetryConfig;
  readonly deadlineOf: (call: Call) => Deadline | undefined;
  readonly cachePlanOf: (call: Call) => CachePlan | undefined;
  readonly invalidates: (call: Call) => string | undefined;
}

/** As much of a call as says what it is about. */
export type CallAbout = Pick<Call, 'method' | 'name' | 'client'>;

/** Methods that only read. */
const READING: ReadonlySet<string> = new Set([
  'prompts/get',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/list',
  'tasks/result',
]);

export function callPolicies({ members, viewOf, uris }: CallPoliciesOptions): CallPolicies {
  const hints = new WeakMap<Listing, ReadonlyMap<string, JsonObject>>();
  /** Kept for each target, since they are asked for several times in every call. */
  const configs = new Map<string, readonly ServerConfig[]>();
  const deadlines = new WeakMap<Target, Deadline>();
  /** Good for as long as a target: a new listing makes new ones. */
  const twice = new WeakMap<Target, boolean>();
  const settings = [...members.servers.values()].map(({ cache }) => cache);
  const someToolsAreCached = settings.some(
    ({ mode, tools }) => mode === 'auto' || (mode === 'named' && tools.length > 0),
  );
  const someInvalidate = settings.some(({ invalidatedBy }) => invalidatedBy.length > 0);

  return {
    knows: (call) => !NAMED.has(call.method) || targetOf(call) !== undefined,
    isSafe(call) {
      if (READING.has(call.method)) return true;
      const target = targetOf(call);
      return (
        target !== undefined &&
        behind(target).every(({ key }) => isSafeAt(key, call.method, target.originalName, call))
      );
    },
    isSafeAt,
    mayComeTwice(call) {
      const target = targetOf(call);
      if (!target) return false;
      let may = twice.get(target);
      if (may === undefined) twice.set(target, (may = mayBeMadeTwice(target, call)));
      return may;
    },
    saysReadOnly(call) {
      const target = targetOf(call);
      const server = serverOf(target);
      const listing = server && viewOf(call).listingOf(server.key);
      return (
        target !== undefined &&
        listing !== undefined &&
        hintsOf(listing).get(target.originalName)?.['readOnlyHint'] === true
      );
    },
    retryOf: (call) => serverOf(targetOf(call))?.retry ?? WITHOUT_SERVER,
    deadlineOf(call) {
      const target = targetOf(call);
      if (!target) return undefined;
      return deadlines.get(target) ?? deadlineFor(target);
    },
    cachePlanOf(call) {
      if (call.method === 'tools/call' && !someToolsAreCached) return undefined;
      const target = NAMED.has(call.method) ? targetOf(call) : undefined;
      const server = serverOf(target);
      if (!target || !server || server.cache.mode === 'off') return undefined;
      const { cache, trustAnnotations } = server;
      const common = {
        server: target.server,
        name: target.originalName,
        staleIfErrorMs: cache.staleIfErrorMs,
      };
      if (call.method === 'tools/call') {
        if (!isCachedTool(server, target.originalName, call)) return undefined;
        const shared = cache.scope === 'shared' && !isApart(target, call);
        return { ...common, generation: generationOf(target, call), ttlMs: cache.ttlMs, shared };
      }
      // Only the modern family tells how long an answer is good.
      if (!behind(target).some(({ key }) => (viewOf(call).listingOf(key)?.protocolVersion ?? '') >= '2026'))
        return undefined;
      const maybeShared = trustAnnotations || cache.scope === 'shared';
      const shared = maybeShared && !isApart(target, call) ? 'hinted' : false;
      return { ...common, generation: generationOf(target, call), ttlMs: 'hinted', shared };
    },
    invalidates(call) {
      if (call.method !== 'tools/call' || !someInvalidate) return undefined;
      const target = targetOf(call);
      const globs = serverOf(target)?.cache.invalidatedBy;
      if (!target || !globs || globs.length === 0) return undefined;
      return globs.some((glob) => matchesGlob(target.originalName, glob)) ? target.server : undefined;
    },
  };

  function targetOf(call: CallAbout): Target | undefined {
    const { method, name } = call;
    const { catalog } = viewOf(call);
    if (method === 'tools/call') return catalog.tools.get(name)?.targets[0];
    if (method === 'prompts/get') return catalog.prompts.get(name)?.targets[0];
    return method === 'resources/read' ? uris.find(name, catalog) : undefined;
  }

  /** The servers that may answer: a pool's members, or the server itself. */
  function behind({ server }: Target): readonly ServerConfig[] {
    const known = configs.get(server);
    if (known) return known;
    const keys = members.pools.get(server)?.members ?? [server];
    const found = keys.flatMap((key) => members.servers.get(key) ?? []);
    configs.set(server, found);
    return found;
  }

  function mayBeMadeTwice(target: Target, call: Call): boolean {
    const servers = behind(target);
    const { originalName: tool } = target;
    if (servers.some(({ tools }) => tools.override.get(tool)?.idempotencyKey !== undefined)) return true;
    const again = servers.length > 1 || (servers[0]?.retry.attempts ?? 1) > 1;
    return again && servers.every(({ key }) => isSafeAt(key, call.method, tool, call));
  }

  /** The longest that any of those who may answer is given. */
  function deadlineFor(target: Target): Deadline | undefined {
    let maxMs = 0;
    for (const { maxTimeoutMs, tools } of behind(target)) {
      const own = tools.override.get(target.originalName);
      maxMs = Math.max(maxMs, own?.maxTimeoutMs ?? Math.max(maxTimeoutMs, own?.timeoutMs ?? 0));
    }
    if (maxMs === 0) return undefined;
    const deadline = { maxMs, server: target.server };
    deadlines.set(target, deadline);
    return deadline;
  }

  /** The settings of a pool are those of its first member. */
  function serverOf(target: Target | undefined): ServerConfig | undefined {
    return target && behind(target)[0];
  }

  function generationOf(target: Target, call: Call): string {
    const view = viewOf(call);
    return behind(target)
      .map(({ key }) => view.generationOf(key))
      .join(' ');
  }

  function isApart(target: Target, call: Call): boolean {
    const view = viewOf(call);
    return behind(target).some(({ key }) => view.apart(key));
  }

  function isSafeAt(server: string, method: string, name: string, call: CallAbout): boolean {
    if (READING.has(method)) return true;
    const config = method === 'tools/call' ? members.servers.get(server) : undefined;
    if (!config) return false;
    if (config.tools.safeToRepeat.some((glob) => matchesGlob(name, glob))) return true;
    const { readOnlyHint, idempotentHint } = annotationsOf(config, name, call);
    return readOnlyHint === true || idempotentHint === true;
  }

  function isCachedTool(config: ServerConfig, name: string, call: Call): boolean {
    const { mode, tools } = config.cache;
    if (tools.some((glob) => matchesGlob(name, glob))) return true;
    return mode === 'auto' && annotationsOf(config, name, call)['readOnlyHint'] === true;
  }

  /** The server's word where the operator trusts it, and over it the operator's own. */
  function annotationsOf(
    { key, trustAnnotations, tools }: ServerConfig,
    name: string,
    call: CallAbout,
  ): JsonObject {
    const own = tools.override.get(name)?.annotations;
    if (!trustAnnotations) return { ...own };
    const listing = viewOf(call).listingOf(key);
    return { ...(listing && hintsOf(listing).get(name)), ...own };
  }

  function hintsOf(listing: Listing): ReadonlyMap<string, JsonObject> {
    const known = hints.get(listing);
    if (known) return known;
    const found = new Map<string, JsonObject>();
    for (const { object } of listing.tools) {
      const name = stringAt(object, 'name');
      const annotations = object?.['annotations'];
      if (name !== undefined && isObject(annotations) && !found.has(name)) found.set(name, annotations);
    }
    hints.set(listing, found);
    return found;
  }
}

const NAMED: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
