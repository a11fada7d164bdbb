/**
 * Runs whose process is gone, and how this process takes them up.
 *
 * Several proxies may share a state folder: the process that holds a run's lease works on the run. A lease names a
 * process; it is free when that process is gone.
 */
import type { Client } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { isHeld, type StartTimeOf } from '../../core/lease.ts';
import type { Logger } from '../../core/logger.ts';
import type { Compile } from '../../expression/compile.ts';
import type { Caller } from '../calls.ts';
import type { RunRow } from '../journal/journal.ts';
import type { LazyJournal } from '../journal/lazy-journal.ts';
import type { Limits } from '../limits.ts';
import { INTERPRETER } from '../run/run.ts';
import { programsOf, readPlan } from '../run-plan.ts';
import { storedResult } from '../run-view.ts';
import type { LiveRun } from './live-run.ts';
import type { RunsAtWork } from './runs-at-work.ts';

export interface RunAdoptionOptions {
  readonly journal: LazyJournal;
  readonly runs: RunsAtWork;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly compile: Compile;
  readonly startTimeOf: StartTimeOf;
  readonly clientFor: (owner: string) => Client;
}

/** Time between two looks for runs whose process has gone meanwhile, milliseconds. */
const LOOK_MS = 5000;
/** Runs that one look may find. */
const MAX_FOUND = 10_000;

export class RunAdoption {
  readonly #options: RunAdoptionOptions;
  /** Runs that cannot go on here: they are reported once. */
  readonly #hopeless = new Set<string>();
  /** Runs that are being taken up: later callers get the same run. */
  readonly #takingUp = new Map<string, Promise<LiveRun | undefined>>();
  #stopLooking: (() => void) | undefined;
  #closed = false;

  constructor(options: RunAdoptionOptions) {
    this.#options = options;
  }

  /** Takes up every run that nobody works on. @throws JournalError */
  async adoptAll(): Promise<void> {
    const journal = await this.#options.journal.open();
    for (const { id } of await journal.runs({ unfinished: true, limit: MAX_FOUND }))
      if (!this.#hopeless.has(id)) await this.takeUp(id);
  }

  /** Looks again and again, until `close`. */
  keepLooking(): void {
    if (this.#closed) return;
    const { clock, log } = this.#options;
    this.#stopLooking = clock.after(LOOK_MS, () => {
      this.adoptAll()
        .catch((error: unknown) => log.debug({ why: messageOf(error) }, 'runs left behind cannot be read'))
        .finally(() => this.keepLooking());
    });
  }

  close(): void {
    this.#closed = true;
    this.#stopLooking?.();
  }

  /** Another process works on the run. */
  async isHeldElsewhere({ id, owner }: RunRow): Promise<boolean> {
    const { runs, journal, startTimeOf } = this.#options;
    return !runs.get(id) && owner !== journal.lease && (await isHeld(owner, startTimeOf));
  }

  /** Goes on with a run. @returns `undefined` where it has ended, another process has it, or it cannot go on. */
  takeUp(id: string, caller?: Caller, cancelledBy?: string): Promise<LiveRun | undefined> {
    const already = this.#takingUp.get(id);
    if (already) return already;
    const taking = this.#takeUpAlone(id, caller, cancelledBy).finally(() => this.#takingUp.delete(id));
    this.#takingUp.set(id, taking);
    return taking;
  }

  async #takeUpAlone(id: string, caller?: Caller, cancelledBy?: string): Promise<LiveRun | undefined> {
    const { runs, journal: lazy } = this.#options;
    const journal = await lazy.open();
    const row = await journal.run(id);
    if (!row || row.finishedAt !== null || this.#closed || runs.get(id) || (await this.isHeldElsewhere(row)))
      return runs.get(id);
    if (!(await journal.claim(id, row.owner, lazy.lease))) return undefined;
    try {
      return await this.#resume(row, caller, cancelledBy);
    } catch (error) {
      await this.#giveUp(row, error);
      return undefined;
    }
  }

  /** @throws Error where this version of the proxy cannot read the record. */
  async #resume(row: RunRow, caller?: Caller, cancelledBy?: string): Promise<LiveRun> {
    const { runs, journal, limits, compile, clientFor, log } = this.#options;
    if (row.interpreter !== INTERPRETER)
      throw new Error(
        `another version of the proxy began it (${row.interpreter}, this one is ${INTERPRETER})`,
      );
    const plan = readPlan(row);
    const entries = await (await journal.open()).entries(row.id);
    const run = runs.make({
      row: { ...row, owner: journal.lease },
      plan,
      programs: programsOf(plan, limits, compile),
      entries,
      caller: caller ?? { client: clientFor(row.client) },
    });
    if (cancelledBy !== undefined) await run.cancel(cancelledBy);
    log.info({ run: row.id, workflow: row.workflow }, 'a workflow run goes on');
    return runs.play(run);
  }

  async #giveUp({ id }: RunRow, error: unknown): Promise<void> {
    const { journal, log } = this.#options;
    this.#hopeless.add(id);
    log.warn({ run: id, why: messageOf(error) }, 'a workflow run cannot go on');
    const message = `the run cannot go on: ${messageOf(error)}`;
    const result = storedResult({
      error: { code: 'NEEDS_ATTENTION', message },
      attention: [{ step: '', question: message, options: [] }],
    });
    await journal.writer?.write({
      type: 'status',
      runId: id,
      status: 'needs_attention',
      finishedAt: null,
      result,
      owner: '',
    });
  }
}
