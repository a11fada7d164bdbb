/** Clients that take too long: for a finished answer, or to show that they are still there. */
import type { ConnectionTimeouts } from './incoming-request.ts';

/** Connections are looked at no less often than this. */
const MAX_CHECK_MS = 5_000;

/** The pause between two looks at all connections. */
export function checkIntervalMs({ headersMs, bodyMs, keepAliveMs, drainMs }: ConnectionTimeouts): number {
  return Math.min(MAX_CHECK_MS, Math.ceil(Math.min(headersMs, bodyMs, keepAliveMs, drainMs) / 4));
}

/** The time by which a client must have taken the rest of a finished answer; it runs from the first look on. */
export class DrainDeadline {
  readonly #timeouts: ConnectionTimeouts;
  #at: number | undefined;

  constructor(timeouts: ConnectionTimeouts) {
    this.#timeouts = timeouts;
  }

  isOver(now: number, waitingBytes: number): boolean {
    const { drainMs, drainBytesPerSecond } = this.#timeouts;
    this.#at ??= now + drainMs + (waitingBytes / drainBytesPerSecond) * 1000;
    return now > this.#at;
  }
}

/** The pauses after each probe: a client that is gone is known by the second probe; one that is there gets 2 s. */
const PROBES_MS = [100, 400, 1500];

export interface ProbedResponse {
  readonly ended: boolean;
  /** Writes something without a meaning: only a write shows whether the client is there. */
  probe(): void;
  destroy(): void;
}

/** Asks a client that has ended its side whether it still reads: the end looks the same where both sides have ended. */
export class HalfOpenProbe {
  #timer: NodeJS.Timeout | undefined;

  begin(response: ProbedResponse): void {
    this.#probe(response, PROBES_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #probe(response: ProbedResponse, [afterMs, ...later]: readonly number[]): void {
    if (response.ended) return;
    if (afterMs === undefined) return response.destroy();
    response.probe();
    this.#timer = setTimeout(() => this.#probe(response, later), afterMs);
    this.#timer.unref();
  }
}
