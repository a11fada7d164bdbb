/** The time that one client's handshake and lists may wait for servers that were never listed. */
import type { Clock } from '../../core/clock.ts';
import type { Patience } from '../../server/client-patience.ts';

export interface ListWaitOptions {
  readonly patience: Patience;
  /** `expose.listWaitMs` as it is now; it holds for both together. */
  readonly given: () => number | undefined;
  readonly clock: Clock;
}

export class ListWait {
  readonly #options: ListWaitOptions;
  readonly #since: number;
  #firstListAt: number | undefined;

  /** The time begins now, when the client has come. */
  constructor(options: ListWaitOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  get handshakeUntil(): number {
    const { given, patience } = this.#options;
    return this.#since + Math.min(patience.greetingMs, given() ?? Infinity);
  }

  /** The end of the wait of a list; all later lists end with the first. */
  get listUntil(): number {
    const { given, patience, clock } = this.#options;
    this.#firstListAt ??= clock.now();
    const most = given();
    return most === undefined ? this.#firstListAt + patience.listMs : this.#since + most;
  }
}
