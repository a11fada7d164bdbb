import type { MessageText } from '../json/elided.ts';
import type { ProxyError } from '../core/errors.ts';
import type { LinkEvents } from './link.ts';

/** Keeps what `LinkEvents` promises: `closed` comes once, and nothing after it. */
export class GuardedEvents implements LinkEvents {
  readonly #events: LinkEvents;
  readonly #onFirst: () => void;
  #open = true;
  #spoke = false;

  /** @param onFirst told when the first message comes. */
  constructor(events: LinkEvents, onFirst: () => void = () => {}) {
    this.#events = events;
    this.#onFirst = onFirst;
  }

  get open(): boolean {
    return this.#open;
  }

  /** A message has come. */
  get spoke(): boolean {
    return this.#spoke;
  }

  message(text: MessageText, origin?: number): void {
    if (!this.#spoke) this.#first();
    if (this.#open) this.#events.message(text, origin);
  }

  #first(): void {
    this.#spoke = true;
    this.#onFirst();
  }

  failed(id: number, error: ProxyError): void {
    if (this.#open) this.#events.failed(id, error);
  }

  odd(what: string): void {
    if (this.#open) this.#events.odd(what);
  }

  closed(error: ProxyError | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    this.#events.closed(error);
  }
}
