/**
 * A client is told that its lists have changed: not before it has one, and while servers are coming up only now and
 * then, since each notification makes it fetch a whole list.
 */
import type { Clock } from '../../core/clock.ts';
import type { ListKind } from '../../core/listing.ts';

/** While servers are coming up a client is told at most once in this time, and once when all are there. */
const PAUSE_MS = 1500;

export interface ListNotificationsOptions {
  readonly tell: (kinds: readonly ListKind[]) => void;
  /** Servers are coming up: more changes are to be expected soon. */
  readonly comingUp: () => boolean;
  readonly clock: Clock;
}

export class ListNotifications {
  readonly #options: ListNotificationsOptions;
  readonly #kinds = new Set<ListKind>();
  #open = false;
  #toldAt = -Infinity;
  #cancel: (() => void) | undefined;

  constructor(options: ListNotificationsOptions) {
    this.#options = options;
  }

  /** The client gets this list as it is now. */
  listed(kind: ListKind): void {
    this.#open = true;
    this.#kinds.delete(kind);
  }

  /** The client wants to hear of changes from now on, whether it has a list or not. */
  listens(): void {
    this.#open = true;
  }

  changed(kinds: readonly ListKind[]): void {
    if (!this.#open) return;
    for (const kind of kinds) this.#kinds.add(kind);
    const { clock, comingUp } = this.#options;
    const restMs = this.#toldAt + PAUSE_MS - clock.now();
    if (restMs <= 0 || !comingUp()) this.#tell();
    else this.#cancel ??= clock.after(restMs, () => this.#tell());
  }

  close(): void {
    this.#cancel?.();
    this.#open = false;
  }

  #tell(): void {
    const { tell, clock } = this.#options;
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#kinds.size === 0) return;
    const kinds = [...this.#kinds];
    this.#kinds.clear();
    this.#toldAt = clock.now();
    tell(kinds);
  }
}
