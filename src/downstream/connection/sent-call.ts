/** A call that was sent on a connection, until its answer comes or it is cancelled. */
import type { AnswerStep } from '../../core/answer.ts';
import type { Call } from '../../core/call.ts';
import type { Cancellable } from '../../core/cancellation.ts';
import type { Json } from '../../json/json.ts';
import type { Clock } from '../../core/clock.ts';
import type { Hooks } from '../../protocol/peer.ts';
import { LatestWins } from '../rate-limits.ts';

/** The progress of one call on its way to the client. */
export type Progress = Hooks & { flush(): void; stop(): void };

export const NO_PROGRESS: Progress = { flush() {}, stop() {} };

/** The connection's work for a call that was sent. */
export interface SentCallEnds {
  cancelled(id: number, reason: string): void;
  over(id: number): void;
  translated(error: unknown): unknown;
}

export class SentCall implements AnswerStep, Cancellable {
  readonly #call: Call;
  readonly #id: number;
  readonly #progress: Progress;
  readonly #ends: SentCallEnds;

  constructor(call: Call, id: number, progress: Progress, ends: SentCallEnds) {
    this.#call = call;
    this.#id = id;
    this.#progress = progress;
    this.#ends = ends;
  }

  cancel(reason: string): void {
    this.#ends.cancelled(this.#id, reason);
  }

  onResult(result: Json): Json {
    // The newest must not come after the answer.
    this.#progress.flush();
    this.#over();
    return result;
  }

  onError(error: unknown): never {
    this.#over();
    throw this.#ends.translated(error);
  }

  #over(): void {
    this.#call.signal.unlink(this);
    this.#progress.stop();
    this.#ends.over(this.#id);
  }
}

/** Passes progress as it comes; in a flood the newest, from time to time. */
export function throttledProgress(
  pass: (params: Json) => void,
  options: {
    readonly perSecond: number;
    readonly clock: Clock;
    readonly leftOut: (count: number) => void;
  },
): Progress {
  let newest: LatestWins<Json> | undefined;
  return {
    onProgress: (params) => {
      newest ??= new LatestWins({ ...options, pass });
      newest.push(params);
    },
    flush: () => newest?.flush(),
    stop: () => newest?.stop(),
  };
}
