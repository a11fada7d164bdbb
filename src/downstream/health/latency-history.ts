/**
 * The latency of a server, minute by minute, for an hour: the usual one, and whether the server has been slowing.
 *
 * Times are counted in steps that grow by a fifth, so that a minute of any number of calls costs the same.
 */
import type { Clock } from '../../core/clock.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;
const STEP = Math.log(1.2);
const STEPS = 96;
/** A minute with fewer calls than this does not count. */
const ENOUGH = 5;
/** A server is slowing if at least so many minutes in a row each were slower, by so much in all. */
const SLOWING_MINUTES = 5;
const SLOWING_FACTOR = 1.5;
/** A minute may be faster than the one before by this factor without ending the trend. */
const WOBBLE = 0.97;

interface Minute {
  readonly index: number;
  count: number;
  totalMs: number;
  readonly steps: Uint32Array;
}

export class LatencyHistory {
  readonly #clock: Clock;
  /** Oldest first; minutes without calls are not there. */
  readonly #minutes: Minute[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(ms: number, at: number): void {
    const minute = this.#minute(at);
    minute.count++;
    minute.totalMs += ms;
    const step = ms < 0.1 ? 0 : Math.min(STEPS - 1, Math.round(Math.log(ms / 0.1) / STEP));
    minute.steps[step] = (minute.steps[step] ?? 0) + 1;
  }

  /** The middle one of the earlier minutes' 95th percentiles; `undefined` while too little is known. */
  usualP95(): number | undefined {
    const now = this.#index();
    const known = this.#minutes.filter(({ index, count }) => index < now - 2 && count >= ENOUGH).map(p95);
    known.sort((a, b) => a - b);
    return known[Math.floor(known.length / 2)];
  }

  /** The time for which each minute has been slower than the one before; `undefined` where the server is not slowing. */
  slowingForMs(): number | undefined {
    const now = this.#index();
    const whole = this.#minutes.filter(({ index }) => index < now && index >= now - MINUTES);
    let i = whole.length - 1;
    const last = whole[i];
    if (!last || last.index < now - 5) return undefined;
    while (i > 0 && mean(whole[i] as Minute) >= mean(whole[i - 1] as Minute) * WOBBLE) i--;
    // The slowing begins at the last of the level minutes before it.
    const floor = mean(whole[i] as Minute) * 1.1;
    while (i < whole.length - 1 && mean(whole[i + 1] as Minute) <= floor) i++;
    const first = whole[i] as Minute;
    const minutes = last.index - first.index;
    const slower = mean(last) >= mean(first) * SLOWING_FACTOR && mean(last) - mean(first) >= 1;
    return minutes >= SLOWING_MINUTES && slower ? minutes * MINUTE_MS : undefined;
  }

  #index(at = this.#clock.now()): number {
    return Math.floor(at / MINUTE_MS);
  }

  #minute(at: number): Minute {
    const index = this.#index(at);
    const last = this.#minutes.at(-1);
    if (last?.index === index) return last;
    const minute = { index, count: 0, totalMs: 0, steps: new Uint32Array(STEPS) };
    this.#minutes.push(minute);
    while ((this.#minutes[0]?.index ?? index) < index - MINUTES) this.#minutes.shift();
    return minute;
  }
}

function mean({ totalMs, count }: Minute): number {
  return totalMs / count;
}

function p95({ count, steps }: Minute): number {
  let left = Math.ceil(count * 0.95);
  for (let step = 0; step < STEPS; step++) {
    left -= steps[step] ?? 0;
    if (left <= 0) return 0.1 * Math.exp(step * STEP);
  }
  return 0.1 * Math.exp(STEPS * STEP);
}
