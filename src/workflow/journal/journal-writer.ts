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
  /** When all is durable that was written so far. */
  settled(): Promise<void>;
}

interface Group {
  readonly changes: Change[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function journalWriter(journal: Journal): JournalWriter {
  let gathering: Group | undefined;
  let busy: Promise<void> | undefined;

  async function flush(): Promise<void> {
    while (gathering) {
      const group: Group = gathering;
      gathering = undefined;
      try {
        await journal.commit(group.changes);
        group.resolve();
      } catch (error) {
        group.reject(error);
      }
    }
    busy = undefined;
  }

  return {
    write(change) {
      gathering ??= newGroup();
      gathering.changes.push(change);
      busy ??= new Promise<void>((turn) => setImmediate(turn)).then(flush);
      return gathering.done;
    },
    async settled() {
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
  return { changes: [], done, resolve, reject };
}
