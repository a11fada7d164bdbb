/**
 * Bounds how long a server may take for one call: how long it may be silent, and how long it may take in all.
 *
 * Progress is a sign of life. Time in which a person is asked is not the server's.
 */
import type { Call, Middleware } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';

export interface TimeoutOptions {
  readonly server: string;
  readonly idleMs: number;
  readonly maxMs: number;
  readonly clock: Clock;
}

/** @throws ProxyError `TIMEOUT`; the call is cancelled at the server, and whether it acted is unknown. */
export function timeout({ server, idleMs, maxMs, clock }: TimeoutOptions): Middleware {
  return (next) => (call) =>
    new Promise<Json>((resolve, reject) => {
      const signal = new Cancellation();
      const watch = new Watch(clock, idleMs, maxMs, (what) => {
        const error = new ProxyError('TIMEOUT', {
          message: `"${server}" ${what}. Whether the call took effect is unknown.`,
          server,
          delivered: 'unknown',
        });
        off();
        reject(error);
        signal.cancel('timed out');
      });
      const off = call.signal.onCancel((reason) => signal.cancel(reason));
      const finish = (): void => {
        off();
        watch.stop();
      };
      next({ ...call, signal, onProgress: progressOf(call, watch), ask: askOf(call, watch) }).then(
        (result) => {
          finish();
          resolve(result);
        },
        (error: unknown) => {
          finish();
          reject(error as Error);
        },
      );
    });
}

function progressOf({ onProgress }: Call, watch: Watch): Call['onProgress'] {
  return (
    onProgress &&
    ((params) => {
      watch.alive();
      onProgress(params);
    })
  );
}

function askOf({ ask }: Call, watch: Watch): Call['ask'] {
  return (
    ask &&
    (async (question) => {
      watch.pause();
      try {
        return await ask(question);
      } finally {
        watch.resume();
      }
    })
  );
}

/** A clock with two hands: silence, and the whole time. */
class Watch {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #maxMs: number;
  readonly #expired: (what: string) => void;
  #cancel: (() => void) | undefined;
  #aliveAt: number;
  #startedAt: number;
  #pausedAt = 0;
  #pauses = 0;
  #over = false;

  constructor(clock: Clock, idleMs: number, maxMs: number, expired: (what: string) => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#maxMs = maxMs;
    this.#expired = expired;
    this.#aliveAt = this.#startedAt = clock.now();
    this.#arm();
  }

  /** Moves no timer: the one that is set looks again when it fires. */
  alive(): void {
    this.#aliveAt = this.#clock.now();
  }

  pause(): void {
    if (this.#pauses++ > 0) return;
    this.#pausedAt = this.#clock.now();
    this.#cancel?.();
  }

  resume(): void {
    if (--this.#pauses > 0) return;
    const away = this.#clock.now() - this.#pausedAt;
    this.#aliveAt += away;
    this.#startedAt += away;
    this.#arm();
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    this.#cancel?.();
  }

  #arm(): void {
    if (this.#over) return;
    const now = this.#clock.now();
    const idleLeft = this.#aliveAt + this.#idleMs - now;
    const left = this.#startedAt + this.#maxMs - now;
    if (left <= 0) this.#expired(`did not finish within ${this.#maxMs} ms (maxTimeoutMs)`);
    else if (idleLeft <= 0) this.#expired(`was silent for ${this.#idleMs} ms (timeoutMs)`);
    else this.#cancel = this.#clock.after(Math.ceil(Math.min(idleLeft, left)), () => this.#arm());
  }
}
