import type { MessageText } from '../core/abridged.ts';
import type { ProxyError } from '../core/errors.ts';
import type { LinkEvents } from './link.ts';

/** Keeps what `LinkEvents` promises: `closed` comes once, and nothing after it. */
export class GuardedEvents implements LinkEvents {
  readonly #events: LinkEvents;
  #open = true;
  #spoke = false;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether a message ever came. */
  get spoke(): boolean {
    return this.#spoke;
  }

  message(text: MessageText, origin?: number): void {
    this.#spoke = true;
    if (this.#open) this.#events.message(text, origin);
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
