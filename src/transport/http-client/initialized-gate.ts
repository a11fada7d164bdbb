/**
 * Holds requests back until `notifications/initialized` has arrived: a server may have to hear it before anything else,
 * and requests overtake each other.
 */
import type { Clock } from '../../core/clock.ts';
import type { PostRequest } from './request.ts';

/** Requests are not held for ever: a server may never answer the notification. */
const HOLD_MS = 5000;
const INITIALIZED = 'notifications/initialized';

export class InitializedGate {
  readonly #clock: Clock;
  #held: PostRequest[] | undefined;
  #cancelTimer: (() => void) | undefined;
  #isPassed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server has taken the notification. */
  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** Sends now or later. */
  pass(post: PostRequest): void {
    if (this.#held) this.#held.push(post);
    else this.#send(post);
  }

  /** @returns whether the request was the notification, which opens the gate. */
  arrived(post: PostRequest): boolean {
    if (post.outgoing.method !== INITIALIZED) return false;
    this.#isPassed = true;
    this.#open();
    return true;
  }

  forget(post: PostRequest): void {
    const at = this.#held?.indexOf(post) ?? -1;
    if (at >= 0) this.#held?.splice(at, 1);
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#held = undefined;
  }

  #send(post: PostRequest): void {
    if (post.outgoing.method === INITIALIZED) {
      this.#held ??= [];
      this.#cancelTimer = this.#clock.after(HOLD_MS, () => this.#open());
    }
    post.send();
  }

  #open(): void {
    this.#cancelTimer?.();
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const post of held) this.pass(post);
  }
}
