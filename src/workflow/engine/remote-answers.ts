/** Answers and cancellations that other processes leave in the journal for runs at work here. */
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { parseExact } from '../../json/exact-json.ts';
import type { SignalRow } from '../journal/journal.ts';
import type { LazyJournal } from '../journal/lazy-journal.ts';
import type { FormAnswer } from '../questions/question-form.ts';
import { CANCEL } from '../run/run.ts';
import type { RunsAtWork } from './runs-at-work.ts';

/** Time between two looks, milliseconds. */
const LOOK_MS = 500;

export class RemoteAnswers {
  readonly #options: RemoteAnswersOptions;
  #stopLooking: (() => void) | undefined;
  #closed = false;

  constructor(options: RemoteAnswersOptions) {
    this.#options = options;
  }

  /** Looks as long as runs are at work here. */
  look(): void {
    if (this.#stopLooking || this.#closed) return;
    this.#stopLooking = this.#options.clock.after(LOOK_MS, () => {
      this.#stopLooking = undefined;
      void this.#takeAll();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stopLooking?.();
  }

  async #takeAll(): Promise<void> {
    const { journal, runs, log } = this.#options;
    try {
      for (const signal of (await journal.opened?.signals(journal.lease)) ?? []) {
        if (!this.#take(signal)) continue;
        const { runId, key } = signal;
        await journal.writer?.write({ type: 'taken', runId, key });
      }
    } catch (error) {
      log.debug({ why: messageOf(error) }, 'the words of other processes cannot be read');
    }
    if (runs.size > 0) this.look();
  }

  /** @returns false where the answer stays in the journal until a later look. */
  #take({ runId, key, data }: SignalRow): boolean {
    const { runs } = this.#options;
    const run = runs.get(runId);
    if (!run) return false;
    const answer = parseExact(data) as FormAnswer;
    if (key === CANCEL) {
      void run.cancel(answer.by).catch(() => {});
      return true;
    }
    if (!run.questions.some((question) => question.key === key)) return true;
    if (run.parked && !runs.slots.free) return false;
    void run.answer(key, answer).catch(() => {});
    return true;
  }
}

export interface RemoteAnswersOptions {
  readonly journal: LazyJournal;
  readonly runs: RunsAtWork;
  readonly clock: Clock;
  readonly log: Logger;
}
