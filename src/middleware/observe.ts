/** Counts the calls on one server, how they ended and how long they took. */
import type { Middleware } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { at } from '../core/json.ts';
import type { Logger } from '../core/logger.ts';

export class CallStats {
  calls = 0;
  /** Answers with `isError`: the tool's, not the server's failures. */
  toolErrors = 0;
  totalMs = 0;
  readonly #failures = new Map<string, number>();

  /** Failures by code; a server's own JSON-RPC errors count as `RPC_ERROR`. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
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
}

export function observe({ server, stats, clock, log }: ObserveOptions): Middleware {
  return (next) => async (call) => {
    const from = clock.now();
    stats.calls++;
    let code: string | undefined;
    try {
      const result = await next(call);
      if (at(result.value, 'isError') === true) stats.toolErrors++;
      return result;
    } catch (error) {
      code = error instanceof ProxyError ? error.code : 'RPC_ERROR';
      stats.failed(code);
      throw error;
    } finally {
      const ms = clock.now() - from;
      stats.totalMs += ms;
      log.debug(
        { server, method: call.method, name: call.name, ms: Math.round(ms * 100) / 100, code },
        'call',
      );
    }
  };
}
