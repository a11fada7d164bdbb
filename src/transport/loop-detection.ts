/**
 * Detects circles of proxies, as the `Via` field of HTTP does.
 *
 * Proxies in a circle would list each other's tools without end. Every request to an HTTP server names this proxy and
 * all proxies that have lately asked this one; so an incoming request with our own name shows a circle of any length.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** The header field, and the variable, that carry the names of proxies. */
export const VIA = 'switchyard-via';
export const VIA_VARIABLE = 'SWITCHYARD_VIA';

/** Milliseconds; a connected proxy is heard of more often, since it probes. */
const REMEMBERED_MS = 90_000;
const MOST = 32;

export class LoopDetection {
  readonly #own = randomBytes(6).toString('hex');
  readonly #clock: Clock;
  readonly #grown: () => void;
  /** The proxies that started this one, which stay. */
  readonly #above: readonly string[];
  /** The time at which each proxy was last heard of, the latest last. */
  readonly #heard = new Map<string, number>();
  #mark: string;
  #changesAt = Infinity;

  /** @param grown called for each new proxy before this one: those behind should hear of it soon. */
  constructor(clock: Clock, above: string | undefined, grown: () => void) {
    this.#clock = clock;
    this.#grown = grown;
    this.#above = namesIn(above);
    this.#mark = this.#write();
  }

  /** The mark for outgoing requests; the same text until it changes. */
  get mark(): string {
    if (this.#clock.now() >= this.#changesAt) {
      const before = this.#clock.now() - REMEMBERED_MS;
      for (const [name, at] of this.#heard) if (at <= before) this.#heard.delete(name);
      this.#mark = this.#write();
    }
    return this.#mark;
  }

  /** Takes the mark of an incoming request. @returns `false` if the request has been here before. */
  admits(mark: string | undefined): boolean {
    if (mark === undefined) return true;
    const names = namesIn(mark);
    if (names.includes(this.#own)) return false;
    let added = false;
    for (const name of names) {
      added = !this.#heard.delete(name) || added;
      this.#heard.set(name, this.#clock.now());
    }
    for (const name of this.#heard.keys()) {
      if (this.#heard.size <= MOST) break;
      this.#heard.delete(name);
    }
    if (added) {
      this.#mark = this.#write();
      this.#grown();
    }
    return true;
  }

  #write(): string {
    const [oldest] = this.#heard.values();
    this.#changesAt = (oldest ?? Infinity) + REMEMBERED_MS;
    return [...new Set([this.#own, ...this.#above, ...this.#heard.keys()])].join(',');
  }
}

function namesIn(mark = ''): readonly string[] {
  return mark
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^[0-9a-f]{12}$/.test(name))
    .slice(0, 2 * MOST);
}
