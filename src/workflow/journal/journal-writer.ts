/**
 * Group commit: all that is written in one turn of the event loop, by all runs, is one transaction.
 *
 * While one is on its way the next one gathers. After a failure nothing more is written for the runs that were in
 * it; others go on.
 */
import type { Change, Journal } from './journal.ts';

export interface JournalWriter {
  /** @returns when it is durable. @throws JournalError */
  write(change: Change): Promise<void>;
  /**
   * The same for what nobody waits for yet: it goes with the next write, or by itself after a few milliseconds.
   *
   * @param change a function is asked when the transaction begins, for what can still grow until then.
   */
  writeAlong(change: Pending): Promise<void>;
  /** When all is durable that was written so far. */
  settled(): Promise<void>;
}

type Pending = Change | (() => Change);

interface Group {
  readonly changes: Pending[];
  /** Somebody waits for it. */
  urgent: boolean;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Steps that run side by side often end side by side. */
const ALONG_MS = 5;

export function journalWriter(journal: Journal): JournalWriter {
  let gathering: Group | undefined;
  let busy: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    while (gathering?.urgent === true) {
      const group: Group = gathering;
      gathering = undefined;
      clearTimeout(timer);
      timer = undefined;
      try {
        await journal.commit(
          group.changes.map((change) => (typeof change === 'function' ? change() : change)),
        );
        group.resolve();
      } catch (error) {
        group.reject(error);
      }
    }
    busy = undefined;
  }

  function gather(change: Pending): Group {
    gathering ??= newGroup();
    gathering.changes.push(change);
    return gathering;
  }

  function hurry(): void {
    if (!gathering) return;
    gathering.urgent = true;
    busy ??= new Promise<void>((turn) => setImmediate(turn)).then(flush);
  }

  return {
    write(change) {
      const { done } = gather(change);
      hurry();
      return done;
    },
    writeAlong(change) {
      const { done } = gather(change);
      timer ??= setTimeout(hurry, ALONG_MS);
      return done;
    },
    async settled() {
      hurry();
      await (gathering?.done ?? busy)?.catch(() => {});
      await busy;
    },
  };
}

function newGroup(): Group {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const done = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  // Whoever does not wait for it learns of a failure by the next one that does.
  done.catch(() => {});
  return { changes: [], urgent: false, done, resolve, reject };
}
