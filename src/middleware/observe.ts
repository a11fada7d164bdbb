/** Counts the calls on one server, how they ended and how long they took. */
import { around } from '../core/around.ts';
import type { Call, Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

/** The number of latest calls in the latency figures. */
const RECENT = 512;

export class CallStats {
  calls = 0;
  /** Answers with `isError`, which are the tool's and not the server's failures. */
  toolErrors = 0;
  totalMs = 0;
  retries = 0;
  /** Calls that went on to another server. */
  failovers = 0;
  readonly cached = { hit: 0, miss: 0, stale: 0 };
  readonly #failures = new Map<string, number>();
  readonly #recent = new Float64Array(RECENT);
  #next = 0;

  /** Failures by code; a server's own JSON-RPC errors count as `RPC_ERROR`. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  took(ms: number): void {
    this.totalMs += ms;
    this.#recent[this.#next++ % RECENT] = ms;
  }

  /** Percentiles of the latest calls. */
  get latencyMs(): { readonly p50: number; readonly p99: number } | undefined {
    const count = Math.min(this.#next, RECENT);
    if (count === 0) return undefined;
    const sorted = this.#recent.slice(0, count).sort();
    const at = (share: number): number => Math.round((sorted[Math.ceil(share * count) - 1] ?? 0) * 100) / 100;
    return { p50: at(0.5), p99: at(0.99) };
  }

  failed(code: string): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }
}

export interface ObserveOptions {
  readonly server: string;
  readonly stats: CallStats;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes the duration of each call, for figures by tool. */
  readonly measured?: ((call: Call, ms: number) => void) | undefined;
}

export function observe({ server, stats, clock, log, measured }: ObserveOptions): Middleware {
  const ended = (call: Call, from: number, code: string | undefined): void => {
    const { method, name } = call;
    const ms = clock.now() - from;
    // A refusal takes no time and says nothing about the server.
    if (code !== 'CIRCUIT_OPEN' && code !== 'BUSY') {
      stats.took(ms);
      measured?.(call, ms);
    }
    log.debug({ server, method, name, ms: Math.round(ms * 100) / 100, code }, 'call');
  };
  return around(() => ({
    before() {
      stats.calls++;
      return clock.now();
    },
    onResult(result, from, call) {
      if (result.at('isError') === true) stats.toolErrors++;
      ended(call, from, undefined);
      return result;
    },
    onError(error, from, call) {
      const code = error instanceof ProxyError ? error.code : 'RPC_ERROR';
      stats.failed(code);
      ended(call, from, code);
      throw error;
    },
  }));
}
