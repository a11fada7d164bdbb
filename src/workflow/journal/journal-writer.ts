/**
 * Group commit: the changes of all runs in one turn of the event loop are one transaction.
 *
 * While a transaction is on its way the next one gathers. After a failure nothing more is written for the runs that
 * were in the transaction; others go on.
 */
import type { Change, Journal } from './journal.ts';

type Pending = Change | (() => Change);

interface Group {
  readonly changes: Pending[];
  /** Somebody waits for the changes. */
  urgent: boolean;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Steps that run side by side often end side by side. */
const ALONG_MS = 5;

export class JournalWriter {
  readonly #journal: Journal;
  #gathering: Group | undefined;
  #busy: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** @returns when the change is durable. @throws JournalError */
  write(change: Change): Promise<void> {
    const { done } = this.#gather(change);
    this.#hurry();
    return done;
  }

  /**
   * Writes a change that nobody waits for yet: with the next write, or by itself after a few milliseconds.
   *
   * @param change a function is asked when the transaction begins, for a change that can still grow until then.
   */
  writeAlong(change: Pending): Promise<void> {
    const { done } = this.#gather(change);
    this.#timer ??= setTimeout(() => this.#hurry(), ALONG_MS);
    return done;
  }

  /** Resolves when all changes so far are durable. */
  async settled(): Promise<void> {
    this.#hurry();
    await (this.#gathering?.done ?? this.#busy)?.catch(() => {});
    await this.#busy;
  }

  #gather(change: Pending): Group {
    this.#gathering ??= newGroup();
    this.#gathering.changes.push(change);
    return this.#gathering;
  }

  #hurry(): void {
    if (!this.#gathering) return;
    this.#gathering.urgent = true;
    this.#busy ??= new Promise<void>((turn) => setImmediate(turn)).then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    while (this.#gathering?.urgent === true) {
      const group: Group = this.#gathering;
      this.#gathering = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      try {
        await this.#journal.commit(
          group.changes.map((change) => (typeof change === 'function' ? change() : change)),
        );
        group.resolve();
      } catch (error) {
        group.reject(error);
      }
    }
    this.#busy = undefined;
  }
}

function newGroup(): Group {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const done = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  // A caller that does not wait learns of a failure by its next write.
  done.catch(() => {});
  return { changes: [], urgent: false, done, resolve, reject };
}
