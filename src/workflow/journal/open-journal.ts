import type { Worker } from 'node:worker_threads';
import type { Logger } from '../../core/logger.ts';
import {
  type Change,
  type Entry,
  type Journal,
  JournalError,
  type RunFilter,
  type RunRow,
  type SignalRow,
} from './journal.ts';
import { startWorker } from './start-worker.ts';
import type { Request, WorkerReply } from './worker.ts';

/**
 * Opens the journal in a thread of its own.
 *
 * @throws JournalError where the file cannot be made: the folder is read-only, or the disk is full.
 */
export async function openJournal(file: string, log: Logger): Promise<Journal> {
  const journal = new WorkerJournal(startWorker({ file }));
  const repaired = await journal.opened();
  if (repaired !== undefined)
    log.error({ file: repaired }, 'the workflow journal was damaged: it is put aside, and a new one begun');
  return journal;
}

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: JournalError) => void;
}

/** The worker's reply to its own opening has this number; requests have larger ones. */
const OPENING = 0;

class WorkerJournal implements Journal {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #lastId = OPENING;
  #dead: JournalError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: WorkerReply) => this.#replied(reply));
    worker.on('error', (error) => this.#end(`the journal's thread failed: ${error.message}`));
    worker.on('exit', () => this.#end('the journal is closed'));
  }

  /** @returns the new name of a damaged file that was put aside. */
  async opened(): Promise<string | undefined> {
    try {
      return (await this.#reply(OPENING)) as string | undefined;
    } catch (error) {
      await this.#worker.terminate();
      throw error;
    }
  }

  async commit(changes: readonly Change[]): Promise<void> {
    await this.#ask('commit', changes);
  }

  async runs(filter: RunFilter): Promise<readonly RunRow[]> {
    return (await this.#ask('runs', filter)) as readonly RunRow[];
  }

  async run(id: string): Promise<RunRow | undefined> {
    return (await this.#ask('run', id)) as RunRow | undefined;
  }

  async entries(runId: string): Promise<readonly Entry[]> {
    return (await this.#ask('entries', runId)) as readonly Entry[];
  }

  async claim(runId: string, from: string, to: string): Promise<boolean> {
    return (await this.#ask('claim', runId, from, to)) as boolean;
  }

  async signals(owner: string): Promise<readonly SignalRow[]> {
    return (await this.#ask('signals', owner)) as readonly SignalRow[];
  }

  async close(): Promise<void> {
    if (this.#dead) return;
    await this.#ask('close').catch(() => {});
    await this.#worker.terminate();
  }

  async #ask(method: Request['method'], ...args: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    const reply = this.#reply(id);
    if (!this.#dead) this.#worker.postMessage({ id, method, args } satisfies Request);
    return await reply;
  }

  #reply(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#dead) {
        reject(this.#dead);
        return;
      }
      this.#asked.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  #replied(reply: WorkerReply): void {
    const asked = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    // An idle journal keeps no process alive.
    if (this.#asked.size === 0) this.#worker.unref();
    if ('error' in reply) asked?.reject(new JournalError(sentence(reply.error), { cause: reply.error }));
    else asked?.resolve(reply.result);
  }

  #end(why: string): void {
    this.#dead ??= new JournalError(why);
    for (const { reject } of this.#asked.values()) reject(this.#dead);
    this.#asked.clear();
  }
}

function sentence({
  message,
  code,
}: {
  readonly message: string;
  readonly code: string | undefined;
}): string {
  if (/FULL/.test(code ?? '') || /full/.test(message))
    return 'the workflow journal cannot be written: the disk of the state folder is full. Make room there, then try again';
  if (/READONLY|CANTOPEN|PERM|EACCES|EROFS|ENOTDIR|EEXIST/.test(`${code ?? ''} ${message}`))
    return 'the workflow journal cannot be written: the state folder is read-only or not there';
  return `the workflow journal cannot be used: ${message}`;
}
