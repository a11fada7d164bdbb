/** The counts of all servers, by config key, for as long as the process lives. */
import type { Call } from '../core/call.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { CallStats } from '../middleware/observe.ts';

export class CallCounts {
  readonly #log: Logger;
  readonly #stats = new Map<string, CallStats>();

  constructor(log: Logger) {
    this.#log = log;
  }

  of(server: string): CallStats {
    let counts = this.#stats.get(server);
    if (!counts) this.#stats.set(server, (counts = new CallStats()));
    return counts;
  }

  readonly failedOver = (from: string, to: string, { code }: ProxyError): void => {
    this.of(from).failovers++;
    this.#log.debug({ server: from, to, code }, 'failed over');
  };

  readonly retried = (_call: Call, { server }: ProxyError): void => {
    if (server !== undefined) this.of(server).retries++;
  };

  readonly cached = (server: string, what: 'hit' | 'miss' | 'stale'): void => {
    this.of(server).cached[what]++;
  };
}
