/**
 * Bounds the memory of all requests under way together, wherever they wait: for a server to start, for a turn, to be
 * read, to be answered. Each server has bounds of its own; this one holds where many servers are at theirs.
 */
import { Answer, answerOf, type AnswerStep } from '../core/answer.ts';
import type { Middleware } from '../core/call.ts';
import { ProxyError } from '../core/errors.ts';
import type { Json } from '../json/json.ts';

export interface MemoryLimitOptions {
  readonly maxBytes: number;
}

/** Small requests may use what is kept back for them: it is large ones that fill the memory. */
const SMALL_BYTES = 64 * 1024;
const KEPT_BACK = 0.25;

/** @throws ProxyError `BUSY`; nothing was sent. */
export function memoryLimit({ maxBytes }: MemoryLimitOptions): Middleware {
  let underWay = 0;
  const over = (bytes: number): void => {
    underWay -= bytes;
  };
  return (next) => (call) => {
    const bytes = call.params.length;
    const room = bytes <= SMALL_BYTES ? maxBytes : maxBytes * (1 - KEPT_BACK);
    // One that is larger than all of it may go when nothing else is under way.
    if (underWay > 0 && underWay + bytes > room) return Answer.failed(busy(bytes));
    underWay += bytes;
    return answerOf(next, call).through(new UnderWay(bytes, over));
  };
}

class UnderWay implements AnswerStep {
  readonly #bytes: number;
  readonly #over: (bytes: number) => void;

  constructor(bytes: number, over: (bytes: number) => void) {
    this.#bytes = bytes;
    this.#over = over;
  }

  onResult(result: Json): Json {
    this.#over(this.#bytes);
    return result;
  }

  onError(error: unknown): never {
    this.#over(this.#bytes);
    throw error;
  }
}

function busy(bytes: number): ProxyError {
  return new ProxyError('BUSY', {
    message: `The proxy holds too many requests that wait for their servers to take one more of ${bytes} bytes (limits.waitingBytes). Try again later.`,
    delivered: false,
  });
}
