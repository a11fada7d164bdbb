/**
 * Equal servers behind one namespace: which of them is asked, and who is asked instead where one could not be.
 *
 * Health is the servers' own business (state, circuit); a pool only prefers the healthy ones. Where none is, it asks
 * all the same: nobody is put aside for ever.
 */
import { createHash } from 'node:crypto';
import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';
import type { RetryBudget } from '../middleware/retry-budget.ts';

/** A member's fitness: 0 ready, 1 starting, 2 down or with an open circuit. */
export interface LoadScore {
  readonly tier: 0 | 1 | 2;
  /** Calls under way and waiting. */
  readonly busy: number;
}

export interface PoolOptions {
  readonly key: string;
  readonly strategy: 'failover' | 'round-robin' | 'least-busy';
  /** May the member be asked after another one may have acted? By the server's own name of the tool. */
  readonly isSafe: (member: string, method: string, name: string, call: Call) => boolean;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly failedOver?: ((from: string, to: string, error: ProxyError) => void) | undefined;
}

export interface Spread {
  /** In order of priority: those that have what is asked. */
  readonly members: readonly string[];
  readonly originalName: string;
  readonly scoreOf: (member: string) => LoadScore;
  readonly ask: (member: string) => PromiseLike<Json>;
}

/** Questions that are parked with a member; the oldest go. */
const MAX_PARKED = 10_000;
/** Weight of the latest call in the recent latency. */
const LATEST = 0.2;

export class Pool {
  readonly #options: PoolOptions;
  #turn = 0;
  readonly #latencyMs = new Map<string, number>();
  readonly #parked = new Map<string, string>();
  readonly #failedOver = new WeakSet<Call>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Asks one member, and at most one other: if the first surely was not reached, or the call is safe to repeat. */
  async send(call: Call, spread: Spread): Promise<Json> {
    const pinned = this.#parkedWith(call);
    const [first, second] = pinned === undefined ? this.order(spread) : [pinned];
    if (first === undefined) throw new Error(`the pool "${this.#options.key}" has nobody to ask`);
    try {
      return await this.#ask(first, call, spread);
    } catch (error) {
      if (second === undefined || !this.#mayFailOver(call, first, spread, error)) throw error;
      return this.#failOver(call, { from: first, to: second, error, spread });
    }
  }

  /** The members as they would be asked. */
  order({ members, scoreOf }: Pick<Spread, 'members' | 'scoreOf'>): readonly string[] {
    const ranked = this.#ranked(members, scoreOf);
    return [0, 1, 2].flatMap((tier) => ranked.filter((member) => scoreOf(member).tier === tier));
  }

  #ranked(members: readonly string[], scoreOf: (member: string) => LoadScore): readonly string[] {
    switch (this.#options.strategy) {
      case 'failover':
        return members;
      case 'round-robin': {
        const from = this.#turn++ % members.length;
        return [...members.slice(from), ...members.slice(0, from)];
      }
      case 'least-busy': {
        const loadOf = (member: string): number =>
          (scoreOf(member).busy + 1) * Math.max(1, this.#latencyMs.get(member) ?? 1);
        return [...members].sort((a, b) => loadOf(a) - loadOf(b));
      }
    }
  }

  async #ask(member: string, call: Call, { ask }: Spread): Promise<Json> {
    const { clock } = this.#options;
    const from = clock.now();
    const result = await ask(member);
    const before = this.#latencyMs.get(member);
    const ms = clock.now() - from;
    this.#latencyMs.set(member, before === undefined ? ms : before + LATEST * (ms - before));
    if (result.at('resultType') === 'input_required') this.#park(call, result, member);
    return result;
  }

  #mayFailOver(call: Call, from: string, { originalName }: Spread, error: unknown): error is ProxyError {
    if (!(error instanceof ProxyError) || call.signal.cancelled || this.#failedOver.has(call)) return false;
    if (error.delivered === false) return TURNED_AWAY.has(error.code);
    return LOST.has(error.code) && this.#options.isSafe(from, call.method, originalName, call);
  }

  async #failOver(call: Call, { from, to, error, spread }: Failover): Promise<Json> {
    const { budget, failedOver } = this.#options;
    const again = error.delivered !== false;
    if (again && !budget.take()) throw error;
    this.#failedOver.add(call);
    failedOver?.(from, to, error);
    try {
      return await this.#ask(to, call, spread);
    } catch (second) {
      throw second instanceof ProxyError ? both(error, second) : second;
    } finally {
      if (again) budget.giveBack();
    }
  }

  #park({ client, name }: Call, result: Json, member: string): void {
    const oldest = this.#parked.size >= MAX_PARKED ? this.#parked.keys().next().value : undefined;
    if (oldest !== undefined) this.#parked.delete(oldest);
    this.#parked.set(parkedKey(client.id, name, result.stringAt('requestState')), member);
  }

  /** A client's answer goes to the member that asked. */
  #parkedWith({ client, name, params }: Call): string | undefined {
    if (this.#parked.size === 0) return undefined;
    const state = params.stringAt('requestState');
    if (state === undefined && params.at('inputResponses') === undefined) return undefined;
    return this.#parked.get(parkedKey(client.id, name, state));
  }
}

interface Failover {
  readonly from: string;
  readonly to: string;
  readonly error: ProxyError;
  readonly spread: Spread;
}

/** Nothing was sent, and another member may well take it. */
const TURNED_AWAY: ReadonlySet<ErrorCode> = new Set([
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'TIMEOUT',
  'CIRCUIT_OPEN',
  'BUSY',
  'RATE_LIMITED',
  'LOGIN_REQUIRED',
  'PROTOCOL_ERROR',
]);

/** It was sent, and no answer came. */
const LOST: ReadonlySet<ErrorCode> = new Set(['DOWNSTREAM_UNAVAILABLE', 'DOWNSTREAM_FAILED', 'TIMEOUT']);

/** The second failure in the light of the first: what may have been done, may have been done by either. */
function both(first: ProxyError, second: ProxyError): ProxyError {
  const delivered = [first, second].find(({ delivered: one }) => one !== false)?.delivered ?? false;
  return new ProxyError(second.code, {
    message: `${second.message} Before that: ${first.message}`,
    ...(second.server !== undefined && { server: second.server }),
    delivered,
    retryAfterMs: second.retryAfterMs,
    needs: second.needs,
    cause: second,
  });
}

function parkedKey(clientId: string, name: string, state: string | undefined): string {
  const text = JSON.stringify([clientId, name, state ?? null]);
  return text.length < 200 ? text : createHash('sha256').update(text).digest('base64url');
}
