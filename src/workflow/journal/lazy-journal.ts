/** The journal of a state folder: opened when somebody first needs it, and tried again after a failure. */
import { join } from 'node:path';
import { leaseOf, type StartTimeOf } from '../../core/lease.ts';
import type { Logger } from '../../core/logger.ts';
import type { Journal } from './journal.ts';
import { JournalWriter } from './journal-writer.ts';
import { openJournal } from './open-journal.ts';

export interface LazyJournalOptions {
  readonly stateDir: string;
  readonly startTimeOf: StartTimeOf;
  readonly log: Logger;
  /** Replaces the file in the state folder. */
  readonly openJournal?: (file: string) => Promise<Journal>;
}

export class LazyJournal {
  readonly #options: LazyJournalOptions;
  #journal: Journal | undefined;
  #opening: Promise<Journal> | undefined;
  #writer: JournalWriter | undefined;
  #lease = '';

  constructor(options: LazyJournalOptions) {
    this.#options = options;
  }

  /** `undefined`: nobody has needed the journal so far, or it could not be opened. */
  get opened(): Journal | undefined {
    return this.#journal;
  }

  /** There is one as soon as the journal is open. */
  get writer(): JournalWriter | undefined {
    return this.#writer;
  }

  /** Names this process as the owner of a run; empty until the journal is open. */
  get lease(): string {
    return this.#lease;
  }

  /** @throws JournalError */
  async open(): Promise<Journal> {
    if (this.#journal) return this.#journal;
    this.#opening ??= this.#openAnew();
    try {
      return await this.#opening;
    } catch (error) {
      // The next caller tries again: the disk may have room by then.
      this.#opening = undefined;
      throw error;
    }
  }

  /** Waits until the journal is open, where it is being opened. Never throws. */
  async settled(): Promise<void> {
    await this.#opening?.catch(() => {});
  }

  async close(): Promise<void> {
    await this.#writer?.settled();
    await this.#journal?.close();
  }

  async #openAnew(): Promise<Journal> {
    const { stateDir, startTimeOf, log } = this.#options;
    const file = join(stateDir, 'workflows', 'journal.db');
    const open = this.#options.openJournal ?? ((path: string) => openJournal(path, log));
    const journal = await open(file);
    this.#lease ||= await leaseOf(startTimeOf);
    this.#writer ??= new JournalWriter(journal);
    this.#journal = journal;
    return journal;
  }
}
