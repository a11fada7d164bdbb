/**
 * Answers a call that was answered before, and sends equal calls at the same time once.
 *
 * Only good answers are kept: no `isError`, no questions, no tasks.
 */
import { Answer } from '../core/answer.ts';
import { around } from '../core/around.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, ProxyError } from '../core/errors.ts';
import { editObject, elementTexts, objectMembers, memberText } from '../json/edit.ts';
import { isObject, type Json } from '../json/json.ts';
import { SingleFlight } from './single-flight.ts';
import type { CacheStore, CachedResult } from './cache-store.ts';

/** The rule for keeping one call's answer. */
export interface CachePlan {
  /** The config key of the server or pool that the result belongs to. */
  readonly server: string;
  /** The server's own name for the tool, prompt or resource. */
  readonly name: string;
  /** The generation of the server: results do not outlive a restart. */
  readonly generation: string;
  /** `hinted`: the answer itself says how long (`ttlMs`). */
  readonly ttlMs: number | 'hinted';
  readonly staleIfErrorMs: number;
  /** `true` shares one answer among all clients; `hinted`: the answer itself says so (`cacheScope`). */
  readonly shared: boolean | 'hinted';
}

export interface CacheOptions {
  /** Returns `undefined` for a call whose answer must not be kept. */
  readonly planOf: (call: Call) => CachePlan | undefined;
  /** Returns the server whose results become worthless by the call, unless the call surely did not arrive. */
  readonly invalidates: (call: Call) => string | undefined;
  readonly store: CacheStore;
  readonly clock: Clock;
  readonly counted?: ((server: string, what: 'hit' | 'miss' | 'stale') => void) | undefined;
}

export function cache(options: CacheOptions): Middleware {
  const flights = new Map<string, SingleFlight>();
  const dropping = dropStale(options);
  return (next) => {
    const uncached = dropping(next);
    return (call) => {
      const plan = options.planOf(call);
      const asked = plan && canonicalParams(call.params);
      if (!plan || asked === undefined) return uncached(call);
      return Answer.from(lookUp(call, { plan, asked, next, flights, ...options }));
    };
  };
}

interface LookUp extends CacheOptions {
  readonly plan: CachePlan;
  readonly asked: string;
  readonly next: Handler;
  readonly flights: Map<string, SingleFlight>;
}

async function lookUp(call: Call, look: LookUp): Promise<Json> {
  const { plan, store, clock, counted } = look;
  const epoch = store.epoch(plan.server);
  const ownKey = keyOf(call, look, plan.shared === true);
  const found =
    store.get(ownKey) ?? (plan.shared === 'hinted' ? store.get(keyOf(call, look, true)) : undefined);
  if (found && clock.now() - found.at < found.ttlMs) {
    counted?.(plan.server, 'hit');
    return marked(found, clock, false);
  }
  try {
    const result = await fetched(call, ownKey, look);
    counted?.(plan.server, 'miss');
    return result;
  } catch (error) {
    const usable =
      found &&
      store.epoch(plan.server) === epoch &&
      clock.now() - found.at < found.ttlMs + plan.staleIfErrorMs;
    if (!usable || !isOutage(error)) throw error;
    counted?.(plan.server, 'stale');
    return marked(found, clock, true);
  }
}

async function fetched(call: Call, key: string, look: LookUp): Promise<Json> {
  const { flights, next, plan } = look;
  // Nobody knows before the answer is there whether others may have it.
  if (plan.ttlMs === 'hinted') {
    const result = await next(call);
    keep(call, key, result, look);
    return result;
  }
  const under = flights.get(key);
  if (under && !under.abandoned) {
    const result = await under.join(call);
    // A person's answer for one caller is no answer for the others.
    if (under.asked) return next(call);
    return isGood(result) ? withMark(result, MISS) : result;
  }
  const flight = new SingleFlight(call, next);
  flights.set(key, flight);
  void flight.settled.then(() => flights.get(key) === flight && flights.delete(key));
  const result = await flight.join(call);
  if (!isGood(result)) return result;
  if (!flight.asked) keep(call, key, result, look);
  return withMark(result, MISS);
}

const MISS = { hit: false, ageMs: 0, stale: false };

function keep(call: Call, key: string, result: Json, look: LookUp): void {
  const { plan, store, clock } = look;
  if (!isGood(result)) return;
  const hintMs = result.at('ttlMs');
  const ttlMs = plan.ttlMs === 'hinted' ? (typeof hintMs === 'number' ? hintMs : 0) : plan.ttlMs;
  // The epoch has changed: the results were dropped while this one was on its way.
  if (!(ttlMs > 0) || key !== keyOf(call, look, plan.shared === true)) return;
  const sharedByHint = plan.shared === 'hinted' && result.at('cacheScope') === 'public';
  const stored = { result, at: clock.now(), ttlMs };
  store.set(sharedByHint ? keyOf(call, look, true) : key, stored, ttlMs + plan.staleIfErrorMs);
}

function keyOf({ method, client }: Call, { plan, asked, store }: LookUp, shared: boolean): string {
  const { server, generation, name } = plan;
  return JSON.stringify([
    server,
    store.epoch(server),
    generation,
    client.era,
    shared ? null : client.id,
    method,
    name,
    asked,
  ]);
}

/** A call that changes something makes what was read before worthless. */
function dropStale({ invalidates, store }: CacheOptions): Middleware {
  return around(() => ({
    before: invalidates,
    onResult(result, server) {
      if (result.at('isError') !== true) store.drop(server);
      return result;
    },
    onError(error, server) {
      if (error instanceof ProxyError && error.delivered !== false) store.drop(server);
      throw error;
    },
  }));
}

function isGood(result: Json): boolean {
  const value = result.brief;
  if (!isObject(value) || value['isError'] === true || value['task'] !== undefined) return false;
  return value['resultType'] === undefined || value['resultType'] === 'complete';
}

const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'OUTCOME_UNKNOWN',
  'TIMEOUT',
  'CIRCUIT_OPEN',
]);

function isOutage(error: unknown): boolean {
  return error instanceof ProxyError && !error.answered && OUTAGES.has(error.code);
}

function marked({ result, at: since, ttlMs }: CachedResult, clock: Clock, stale: boolean): Json {
  const ageMs = Math.round(clock.now() - since);
  // A client that keeps the result because of our hint must not keep it longer than the server allowed.
  const left =
    result.at('ttlMs') === undefined ? {} : { ttlMs: String(Math.max(0, Math.round(ttlMs - ageMs))) };
  return withMark(result, { hit: true, ageMs, stale }, left);
}

function withMark(result: Json, mark: object, edits: Readonly<Record<string, string>> = {}): Json {
  return result.edit((text) => {
    const meta = editObject(memberText(text, '_meta') ?? '{}', { 'switchyard/cache': JSON.stringify(mark) });
    return editObject(text, { ...edits, _meta: meta });
  });
}

/* What makes two calls equal: their params as text, without what varies from call to call. */

/** The params that identify a question; `_meta` does not. */
const ASKING: ReadonlySet<string> = new Set(['name', 'arguments', 'uri']);

/**
 * The params in one spelling: keys sorted, no spaces. Numbers and strings stay as they are written, so that
 * `1` and `"1"` differ, and so do integers that a double cannot tell apart.
 *
 * @returns `undefined` where the call is more than a question: an answer to a question round, or a task.
 */
function canonicalParams(params: Json): string | undefined {
  const members = objectMembers(params.text);
  if (!members) return undefined;
  let asked = '';
  for (const { key, start, end } of members) {
    if (key === '_meta') continue;
    if (!ASKING.has(key)) return undefined;
    // The plan knows the name, whatever the client calls it.
    if (key === 'arguments') asked += canonical(params.text.slice(start, end));
  }
  return asked;
}

/** A JSON text with sorted keys and without white space. */
export function canonical(text: string): string {
  const start = text.charAt(0);
  if (start === '{') {
    const members = objectMembers(text) ?? [];
    const parts = members.map(
      ({ key, start: from, end }) => [key, canonical(text.slice(from, end))] as const,
    );
    parts.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${parts.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
  }
  if (start === '[') return `[${elementTexts(text).map(canonical).join(',')}]`;
  return text;
}
