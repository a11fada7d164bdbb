/**
 * Bounds the memory of all requests under way together, wherever they wait: for a server to start, for a free slot, to
 * be read, to be answered. Each server has bounds of its own; this bound holds if many servers are at theirs.
 */
import { around } from '../core/around.ts';
import type { Middleware } from '../core/call.ts';
import { ProxyError } from '../core/errors.ts';

export interface MemoryLimitOptions {
  readonly maxBytes: number;
}

/** A share of the limit is kept back for small requests: large ones fill the memory. */
const SMALL_BYTES = 64 * 1024;
const KEPT_BACK = 0.25;

/** @throws ProxyError `BUSY`; nothing was sent. */
export function memoryLimit({ maxBytes }: MemoryLimitOptions): Middleware {
  let underWay = 0;
  return around(() => ({
    before(call) {
      const bytes = call.params.length;
      const room = bytes <= SMALL_BYTES ? maxBytes : maxBytes * (1 - KEPT_BACK);
      // A request that is larger than the whole limit may go when nothing else is under way.
      if (underWay > 0 && underWay + bytes > room) throw busy(bytes);
      underWay += bytes;
      return bytes;
    },
    after(bytes) {
      underWay -= bytes;
    },
  }));
}

function busy(bytes: number): ProxyError {
  return new ProxyError('BUSY', {
    message: `The proxy holds too many requests that wait for their servers to take one more of ${bytes} bytes (limits.waitingBytes). Try again later.`,
    delivered: false,
  });
}
