/** All runs of this process: begun, answered, cancelled, and found again after a crash. */
import { randomBytes } from 'node:crypto';
import { messageOf, ProxyError } from '../../core/errors.ts';
import type { StartTimeOf } from '../../core/lease.ts';
import { printExact } from '../../json/exact-json.ts';
import type { Caller } from '../calls.ts';
import type { RunRow } from '../journal/journal.ts';
import { LazyJournal, type LazyJournalOptions } from '../journal/lazy-journal.ts';
import { modelAsk } from '../questions/askable.ts';
import type { FormAnswer } from '../questions/question-form.ts';
import { CANCEL, INTERPRETER } from '../run/run.ts';
import type { Programs, RunPlan } from '../run-plan.ts';
import type { LiveRun } from './live-run.ts';
import { RemoteAnswers } from './remote-answers.ts';
import { RunAdoption } from './run-adoption.ts';
import { RunRecords } from './run-records.ts';
import { RunsAtWork, type RunsAtWorkOptions } from './runs-at-work.ts';

export interface EngineOptions extends Omit<RunsAtWorkOptions, 'journal'>, LazyJournalOptions {
  readonly startTimeOf: StartTimeOf;
}

/** Old runs are deleted whenever so many more have ended. */
const PRUNED_EVERY = 100;

export class Engine {
  readonly records: RunRecords;
  readonly #options: EngineOptions;
  readonly #journal: LazyJournal;
  readonly #runs: RunsAtWork;
  readonly #adoption: RunAdoption;
  readonly #remoteAnswers: RemoteAnswers;
  #endedRuns = 0;
  #closed = false;

  constructor(options: EngineOptions) {
    const { clock, log } = options;
    const journal = new LazyJournal(options);
    const runs = new RunsAtWork(
      { ...options, journal },
      { began: () => this.#remoteAnswers.look(), ended: () => this.#pruneNowAndThen() },
    );
    this.#options = options;
    this.#journal = journal;
    this.#runs = runs;
    this.#adoption = new RunAdoption({ ...options, journal, runs });
    this.#remoteAnswers = new RemoteAnswers({ journal, runs, clock, log });
    this.records = new RunRecords(journal, runs);
  }

  /** Opens the journal, and goes on with the runs that nobody works on. Never throws: without a journal nothing runs. */
  async start(): Promise<void> {
    try {
      await this.#journal.open();
      await this.#adoption.adoptAll();
      await this.#prune();
    } catch (error) {
      this.#options.log.warn({ why: messageOf(error) }, 'no workflow can run');
    }
    this.#adoption.keepLooking();
  }

  /** @throws ProxyError | JournalError before anything has been called. */
  async begin(plan: RunPlan, programs: Programs, owner: string, caller: Caller): Promise<LiveRun> {
    if (this.#closed) throw new ProxyError('CANCELLED', { message: 'the proxy is ending', delivered: false });
    // At once: other runs may begin while the journal is being opened.
    const giveBack = this.#runs.slots.reserve();
    let written: Promise<void> | undefined;
    let run: LiveRun;
    try {
      await this.#journal.open();
      const row = this.#newRow(plan, owner);
      // The run's first intents share the transaction: nothing is called before both are on the disk.
      written = this.#journal.writer?.write({ type: 'run', row });
      run = this.#runs.play(this.#runs.make({ row, plan, programs, entries: [], caller }));
    } finally {
      giveBack();
    }
    await written;
    return run;
  }

  /** The run at work here: taken up if nobody has it. `undefined`: another process has it. */
  async takeOver(row: RunRow, caller: Caller): Promise<LiveRun | undefined> {
    const run = this.#runs.get(row.id) ?? (await this.#adoption.takeUp(row.id, caller));
    await run?.untilReplayed();
    return run;
  }

  /** A caller waits for the run from now on. @returns a function that ends it. @throws ProxyError `BUSY` */
  attach(run: LiveRun, caller: Caller): () => void {
    if (run.parked && run.waitsForModel && modelAsk(caller)) this.#runs.slots.check();
    return run.attach(caller);
  }

  /** @throws ProxyError `BUSY` where a parked run would go on beyond the bound: then nothing is answered. */
  async answer(run: LiveRun, key: string, answer: FormAnswer): Promise<void> {
    if (run.parked) this.#runs.slots.check();
    await run.answer(key, answer);
  }

  /** Leaves an answer in the journal for the process that works on the run. */
  async leaveAnswer(row: RunRow, key: string, answer: FormAnswer): Promise<void> {
    await this.#journal.open();
    await this.#journal.writer?.write({
      type: 'signal',
      signal: { runId: row.id, key, data: printExact(answer) as string },
    });
  }

  /** @returns `undefined` where another process works on the run, and is told. */
  async cancel(row: RunRow, by: string): Promise<LiveRun | undefined> {
    if (await this.#adoption.isHeldElsewhere(row)) {
      await this.leaveAnswer(row, CANCEL, { decision: 'cancel', by });
      return undefined;
    }
    const run = this.#runs.get(row.id) ?? (await this.#adoption.takeUp(row.id, undefined, by));
    await run?.cancel(by);
    return run;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#remoteAnswers.close();
    this.#adoption.close();
    const unfinished = await this.#runs.close();
    await this.#journal.settled();
    for (const run of unfinished) this.#release(run);
    await this.#journal.close();
  }

  /** Another process may take the run up. */
  #release({ id, view }: LiveRun): void {
    const { status } = view;
    this.#journal.writer
      ?.write({ type: 'status', runId: id, status, finishedAt: null, result: null, owner: '' })
      .catch(() => {});
  }

  #newRow(plan: RunPlan, owner: string): RunRow {
    return {
      // Nobody finds the run of another client by guessing.
      id: `wr_${randomBytes(16).toString('base64url')}`,
      workflow: plan.name,
      client: owner,
      status: 'running',
      owner: this.#journal.lease,
      startedAt: this.#options.timeOfDay(),
      finishedAt: null,
      interpreter: INTERPRETER,
      plan: printExact(plan) as string,
      result: null,
    };
  }

  #pruneNowAndThen(): void {
    if (++this.#endedRuns % PRUNED_EVERY !== 0) return;
    this.#prune().catch((error: unknown) => {
      this.#options.log.warn({ why: messageOf(error) }, 'old workflow runs cannot be taken away');
    });
  }

  async #prune(): Promise<void> {
    await this.#journal.writer?.write({ type: 'prune', keep: this.#options.limits.keptRuns });
  }
}
