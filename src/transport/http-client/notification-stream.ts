/**
 * The stream on which a legacy server sends what belongs to no request of ours.
 *
 * Servers need not have it; where it was open once it is opened again, with growing pauses, for as long as
 * the link lives.
 */
import type { MessageText } from '../../json/elided.ts';
import type { Clock } from '../../core/clock.ts';
import type { Authorization } from '../authorization.ts';
import type { StreamEvent } from '../sse/event-stream.ts';
import { ResponseExchange, type Reading, type Receiver } from './exchange.ts';
import { bodyKindOf } from './headers.ts';
import type { ResponseHeaders } from '../http1/fields.ts';
import type { RequestEncoder } from './request-headers.ts';

export interface NotificationStreamOwner {
  readonly wire: RequestEncoder;
  readonly messageBytes: number;
  readonly clock: Clock;
  readonly authorization: Authorization | undefined;
  message(text: MessageText, origin: undefined): void;
  odd(what: string): void;
  sessionLost(): void;
}

const FLOOR_MS = 1000;
const CAP_MS = 60_000;
const LIVED_MS = 10_000;

export class NotificationStream implements Receiver {
  readonly #owner: NotificationStreamOwner;
  #exchange: ResponseExchange | undefined;
  #status = 0;
  #wasOpen = false;
  #openedAt: number | undefined;
  #stopped = false;
  #failures = 0;
  #retryMs = 0;
  #lastEventId: string | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(owner: NotificationStreamOwner) {
    this.#owner = owner;
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#exchange?.cancel();
  }

  sending(): void {}

  head(status: number, headers: ResponseHeaders): Reading {
    this.#status = status;
    if (status !== 200 || bodyKindOf(headers).mediaType !== 'text/event-stream') return 'nothing';
    this.#wasOpen = true;
    this.#openedAt = this.#owner.clock.now();
    return 'events';
  }

  event({ data, type }: StreamEvent): void {
    this.#failures = 0;
    if (data !== '' && (type === '' || type === 'message')) this.#owner.message(data, undefined);
  }

  retry(ms: number): void {
    this.#retryMs = ms;
  }

  complete(): void {
    if (this.#stopped) return;
    const status = this.#status;
    // A 404 where the stream has been before is the session's end; elsewhere there is just no such stream.
    if (status === 404 && this.#wasOpen) this.#owner.sessionLost();
    else if (this.#isNotOffered()) this.stop();
    else this.#reopenLater();
  }

  oversized(): void {
    this.#owner.odd('a message over the size limit that belongs to no request');
  }

  broke(): void {
    if (!this.#stopped) this.#reopenLater();
  }

  #isNotOffered(): boolean {
    const status = this.#status;
    if (status === 405 || status === 501) return true;
    if (this.#wasOpen) return false;
    return status < 500 && status !== 408 && status !== 409 && status !== 429;
  }

  #open(): void {
    const wait = this.#owner.authorization?.pending();
    if (wait)
      wait.then(
        () => this.#get(),
        () => this.#reopenLater(),
      );
    else this.#get();
  }

  #get(): void {
    if (this.#stopped) return;
    this.#exchange = new ResponseExchange(this, this.#owner.messageBytes);
    this.#owner.wire.get(this.#exchange, this.#owner.wire.path, this.#lastEventId, true);
  }

  #reopenLater(): void {
    if (this.#stopped) return;
    this.#lastEventId = this.#exchange?.lastEventId ?? this.#lastEventId;
    // A stream that opens and ends at once must not become a loop; one that has lived is a success.
    if (this.#openedAt !== undefined && this.#owner.clock.now() - this.#openedAt > LIVED_MS)
      this.#failures = 0;
    this.#openedAt = undefined;
    const wish = Math.max(FLOOR_MS, this.#retryMs) * 2 ** Math.min(this.#failures++, 10);
    // Up to a quarter more, so that many links do not come back in the same moment.
    const wait = Math.min(wish, CAP_MS) * (1 + Math.random() / 4);
    this.#cancelTimer = this.#owner.clock.after(wait, () => {
      this.#status = 0;
      this.#open();
    });
  }
}
