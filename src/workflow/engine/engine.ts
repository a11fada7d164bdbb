/**
 * All runs of this process: begins them, finds them again after a crash, answers for them.
 *
 * Of several proxies on one state folder, the one that holds a run's lease works on it; the others leave their
 * word in the journal.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Client, Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, ProxyError } from '../core/errors.ts';
import { parseExact, printExact } from '../json/exact-json.ts';
import type { JsonObject } from '../json/json.ts';
import type { Compile } from '../expression/compile.ts';
import type { Logger } from '../core/logger.ts';
import type { Caller } from './calls.ts';
import { type Entry, eventsOf, type Journal, type RunRow, type RunStatus } from './journal/journal.ts';
import { journalWriter, type JournalWriter } from './journal/journal-writer.ts';
import { openJournal } from './journal/open-journal.ts';
import { isHeld, leaseOf, type StartTimeOf } from '../core/lease.ts';
import type { Limits } from './limits.ts';
import { LiveRun } from './live-run.ts';
import type { FormAnswer } from './question-form.ts';
import { INTERPRETER, CANCEL } from './run/run.ts';
import { type Programs, programsOf, type RunPlan } from './run-plan.ts';
import { type Fact, readStored, type RunView, storedResult, viewOf } from './run-view.ts';

export interface EngineOptions {
  readonly handle: Handler;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly timeOfDay: () => number;
  readonly log: Logger;
  readonly limits: Limits;
  readonly compile: Compile;
  readonly startTimeOf: StartTimeOf;
  /** On whose behalf a run calls that goes on without its client. */
  readonly clientFor: (id: string) => Client;
  /** Stands in for the file of the state folder. */
  readonly openJournal?: (file: string) => Promise<Journal>;
}

/** How often runs are looked for whose process has gone meanwhile, milliseconds. */
const ORPHANS_MS = 5000;
/** How often words are looked for that other processes left, milliseconds. */
const LISTEN_MS = 500;
/** Old runs are taken away whenever so many more have ended. */
const PRUNED_EVERY = 100;
/** What calls in flight get to come back when the proxy ends. */
const DRAIN_MS = 300;

export class Engine {
  readonly #options: EngineOptions;
  readonly #live = new Map<string, LiveRun>();
  readonly #playing = new Set<Promise<void>>();
  #journal: Journal | undefined;
  #opening: Promise<Journal> | undefined;
  #writer: JournalWriter | undefined;
  #lease = '';
  #stopListening: (() => void) | undefined;
  #stopLooking: (() => void) | undefined;
  /** Runs that cannot go on here: said once. */
  readonly #hopeless = new Set<string>();
  #closed = false;
  /** Runs that are about to be at work. */
  #beginning = 0;
  /** Runs that are being taken up: whoever comes meanwhile gets the same one. */
  readonly #takingUp = new Map<string, Promise<LiveRun | undefined>>();
  /** Runs that have ended here. */
  #ended = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Opens the journal, and goes on with the runs that nobody works on. Never throws: without a journal nothing runs. */
  async start(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#open();
      await this.#adopt();
      await this.#prune();
    } catch (error) {
      log.warn({ why: messageOf(error) }, 'no workflow can run');
    }
    this.#lookForOrphans();
  }

  async #prune(): Promise<void> {
    await this.#writer?.write({ type: 'prune', keep: this.#options.limits.keptRuns });
  }

  /** Goes on with every run that nobody works on. */
  async #adopt(): Promise<void> {
    const journal = await this.#open();
    for (const { id } of await journal.runs({ unfinished: true, limit: 10_000 }))
      if (!this.#hopeless.has(id)) await this.#takeUp(id);
  }

  #lookForOrphans(): void {
    if (this.#closed) return;
    const { clock, log } = this.#options;
    this.#stopLooking = clock.after(ORPHANS_MS, () => {
      this.#adopt()
        .catch((error: unknown) => log.debug({ why: messageOf(error) }, 'runs left behind cannot be read'))
        .finally(() => this.#lookForOrphans());
    });
  }

  get running(): number {
    return [...this.#live.values()].filter((run) => !run.parked && !run.ended).length;
  }

  /** @throws ProxyError | JournalError before anything has been called. */
  async begin(plan: RunPlan, programs: Programs, owner: string, caller: Caller): Promise<LiveRun> {
    const { limits } = this.#options;
    if (this.#closed) throw new ProxyError('CANCELLED', { message: 'the proxy is ending', delivered: false });
    if (this.running + this.#beginning >= limits.runs)
      throw new ProxyError('BUSY', {
        message: `${limits.runs} workflows are running already: wait until one has ended`,
        delivered: false,
      });
    // Counted at once: others may begin while the journal is being opened.
    this.#beginning++;
    let written: Promise<void> | undefined;
    let live: LiveRun;
    try {
      await this.#open();
      const row = this.#newRow(plan, owner);
      // Its first intents share the transaction: nothing is called before both are on the disk.
      written = this.#writer?.write({ type: 'run', row });
      live = this.#play(this.#liveRun(row, plan, programs, [], caller));
    } finally {
      this.#beginning--;
    }
    await written;
    return live;
  }

  #newRow(plan: RunPlan, owner: string): RunRow {
    return {
      // Nobody finds another's run by trying.
      id: `wr_${randomBytes(16).toString('base64url')}`,
      workflow: plan.name,
      client: owner,
      status: 'running',
      owner: this.#lease,
      startedAt: this.#options.timeOfDay(),
      finishedAt: null,
      interpreter: INTERPRETER,
      plan: printExact(plan) as string,
      result: null,
    };
  }

  /** A run that is at work here. */
  live(id: string): LiveRun | undefined {
    return this.#live.get(id);
  }

  async row(id: string): Promise<RunRow | undefined> {
    return await (await this.#open()).run(id);
  }

  async list(filter: {
    readonly client?: string | undefined;
    readonly status?: RunStatus | undefined;
    readonly limit: number;
  }): Promise<RunView[]> {
    const rows = await (await this.#open()).runs(filter);
    return rows.map((row) => {
      const {
        steps: _steps,
        output: _output,
        ...view
      } = this.#live.get(row.id)?.view ?? viewOf(row, readStored(row.result));
      return view;
    });
  }

  /** @param whole with whole outputs, which are read from the record. */
  async show(row: RunRow, whole: boolean): Promise<RunView> {
    const live = this.#live.get(row.id);
    if (live) return live.view;
    const stored = readStored(row.result);
    if (row.finishedAt !== null && !whole) return viewOf(row, stored);
    const replayed = await this.#replay(row);
    const attention = [...(stored.attention ?? [])];
    const asked = replayed.questions.map(({ step, question, options, by }) => ({
      step,
      question,
      options,
      by,
    }));
    const { steps, output } = replayed.view;
    const known = row.finishedAt === null && attention.length === 0 ? asked : attention;
    return viewOf(row, {
      ...stored,
      ...(output !== undefined && { output }),
      ...(steps && { steps }),
      attention: known,
    });
  }

  /** What an unfinished run waits for, wherever it is at work. */
  async questions(row: RunRow): Promise<LiveRun['questions']> {
    return (this.#live.get(row.id) ?? (await this.#replay(row))).questions;
  }

  /** The run at work here: taken up if nobody has it. `undefined`: another process has it. */
  async takeOver(row: RunRow, caller: Caller): Promise<LiveRun | undefined> {
    const live = this.#live.get(row.id) ?? (await this.#takeUp(row.id, caller));
    await live?.untilReplayed();
    return live;
  }

  /** Leaves a word for the process that works on the run. */
  async leaveWord(row: RunRow, key: string, answer: FormAnswer): Promise<void> {
    await this.#open();
    await this.#writer?.write({
      type: 'signal',
      signal: { runId: row.id, key, data: printExact(answer) as string },
    });
  }

  /** All that is on record about it but the results, as it was written: events of one commit stand together. */
  async record(row: RunRow): Promise<readonly Fact[]> {
    const entries = await (await this.#open()).entries(row.id);
    const begun = factOf(row.startedAt, 'run', '', { workflow: row.workflow, client: row.client });
    const facts = entries.flatMap((entry) => {
      const { kind, key } = entry;
      if (kind === 'event') return eventsOf(entry).map(({ at, ...data }) => factOf(at, kind, key, data));
      const { kind: result, value: _value, ...data } = JSON.parse(entry.data) as JsonObject;
      return [factOf(entry.at, kind, key, { ...(result !== undefined && { result }), ...data })];
    });
    return [begun, ...facts];
  }

  async cancel(row: RunRow, by: string): Promise<LiveRun | undefined> {
    const held = await this.#heldElsewhere(row);
    if (held) {
      await this.leaveWord(row, CANCEL, { decision: 'cancel', by });
      return undefined;
    }
    const live = this.#live.get(row.id) ?? (await this.#takeUp(row.id, undefined, by));
    await live?.cancel(by);
    return live;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening?.();
    this.#stopLooking?.();
    const runs = [...this.#live.values()];
    for (const run of runs) run.drain();
    const { clock, timeOfDay } = this.#options;
    const until = timeOfDay() + DRAIN_MS;
    while (runs.some((run) => run.inFlight > 0) && timeOfDay() < until)
      await new Promise<void>((done) => clock.after(10, done));
    for (const run of runs) run.close('the proxy ends');
    await Promise.allSettled(this.#playing);
    await this.#opening?.catch(() => {});
    for (const run of runs)
      if (!run.ended)
        this.#writer
          ?.write({
            type: 'status',
            runId: run.id,
            status: run.view.status,
            finishedAt: null,
            result: null,
            owner: '',
          })
          .catch(() => {});
    await this.#writer?.settled();
    await this.#journal?.close();
  }

  /** @throws JournalError */
  async #open(): Promise<Journal> {
    if (this.#journal) return this.#journal;
    this.#opening ??= this.#openAnew();
    try {
      return await this.#opening;
    } catch (error) {
      // The next one tries again: the disk may have room by then.
      this.#opening = undefined;
      throw error;
    }
  }

  async #openAnew(): Promise<Journal> {
    const { stateDir, startTimeOf, log } = this.#options;
    const file = join(stateDir, 'workflows', 'journal.db');
    const open = this.#options.openJournal ?? ((path: string) => openJournal(path, log));
    const journal = await open(file);
    this.#lease ||= await leaseOf(startTimeOf);
    this.#writer ??= journalWriter(journal);
    this.#journal = journal;
    return journal;
  }

  async #heldElsewhere({ id, owner }: RunRow): Promise<boolean> {
    return !this.#live.has(id) && owner !== this.#lease && (await isHeld(owner, this.#options.startTimeOf));
  }

  /** Goes on with a run whose process is gone. */
  #takeUp(id: string, caller?: Caller, cancelledBy?: string): Promise<LiveRun | undefined> {
    const already = this.#takingUp.get(id);
    if (already) return already;
    const taking = this.#takeUpAlone(id, caller, cancelledBy).finally(() => this.#takingUp.delete(id));
    this.#takingUp.set(id, taking);
    return taking;
  }

  async #takeUpAlone(id: string, caller?: Caller, cancelledBy?: string): Promise<LiveRun | undefined> {
    const journal = await this.#open();
    const row = await journal.run(id);
    const { limits, log, clientFor, compile } = this.#options;
    if (
      !row ||
      row.finishedAt !== null ||
      this.#closed ||
      this.#live.has(id) ||
      (await this.#heldElsewhere(row))
    )
      return this.#live.get(id);
    if (!(await journal.claim(id, row.owner, this.#lease))) return undefined;
    try {
      if (row.interpreter !== INTERPRETER)
        throw new Error(
          `another version of the proxy began it (${row.interpreter}, this one is ${INTERPRETER})`,
        );
      const plan = parseExact(row.plan) as RunPlan;
      const entries = await journal.entries(id);
      const live = this.#liveRun(
        { ...row, owner: this.#lease },
        plan,
        programsOf(plan, limits, compile),
        entries,
        caller ?? { client: clientFor(row.client) },
      );
      if (cancelledBy !== undefined) await live.cancel(cancelledBy);
      log.info({ run: id, workflow: row.workflow }, 'a workflow run goes on');
      return this.#play(live);
    } catch (error) {
      this.#hopeless.add(id);
      log.warn({ run: id, why: messageOf(error) }, 'a workflow run cannot go on');
      const message = `the run cannot go on: ${messageOf(error)}`;
      const result = storedResult({
        error: { code: 'NEEDS_ATTENTION', message },
        attention: [{ step: '', question: message, options: [] }],
      });
      await this.#writer?.write({
        type: 'status',
        runId: id,
        status: 'needs_attention',
        finishedAt: null,
        result,
        owner: '',
      });
      return undefined;
    }
  }

  #liveRun(
    row: RunRow,
    plan: RunPlan,
    programs: Programs,
    entries: readonly Entry[],
    caller: Caller,
  ): LiveRun {
    const { handle, clock, timeOfDay, limits, log } = this.#options;
    const newId = (): string => randomBytes(9).toString('base64url');
    return new LiveRun({
      row,
      plan,
      programs,
      entries,
      writer: this.#writer,
      caller,
      handle,
      clock,
      timeOfDay,
      newId,
      limits,
      log,
    });
  }

  #play(live: LiveRun): LiveRun {
    this.#live.set(live.id, live);
    this.#listen();
    const playing = live.play().finally(() => {
      this.#live.delete(live.id);
      this.#playing.delete(playing);
      if (!live.ended || ++this.#ended % PRUNED_EVERY !== 0) return;
      this.#prune().catch((error: unknown) => {
        this.#options.log.warn({ why: messageOf(error) }, 'old workflow runs cannot be taken away');
      });
    });
    this.#playing.add(playing);
    return live;
  }

  /** Looks at a run without touching it. */
  async #replay(row: RunRow): Promise<LiveRun> {
    const { handle, clock, timeOfDay, limits, log, clientFor, compile } = this.#options;
    const plan = parseExact(row.plan) as RunPlan;
    const entries = await (await this.#open()).entries(row.id);
    const newId = (): string => '';
    const live = new LiveRun({
      row,
      plan,
      programs: programsOf(plan, limits, compile),
      entries,
      writer: undefined,
      caller: { client: clientFor(row.client) },
      handle,
      clock,
      timeOfDay,
      newId,
      limits,
      log,
    });
    await live.play();
    return live;
  }

  #listen(): void {
    if (this.#stopListening || this.#closed) return;
    this.#stopListening = this.#options.clock.after(LISTEN_MS, () => {
      this.#stopListening = undefined;
      void this.#hear();
    });
  }

  async #hear(): Promise<void> {
    try {
      for (const { runId, key, data } of (await this.#journal?.signals(this.#lease)) ?? []) {
        const live = this.#live.get(runId);
        if (!live) continue;
        const answer = parseExact(data) as FormAnswer;
        const open = key === CANCEL || live.questions.some((question) => question.key === key);
        if (open) void (key === CANCEL ? live.cancel(answer.by) : live.answer(key, answer)).catch(() => {});
        await this.#writer?.write({ type: 'taken', runId, key });
      }
    } catch (error) {
      this.#options.log.debug({ why: messageOf(error) }, 'the words of other processes cannot be read');
    }
    if (this.#live.size > 0) this.#listen();
  }
}

function factOf(at: number, kind: Fact['kind'], key: string, data: JsonObject): Fact {
  return { at: new Date(at).toISOString(), kind, ...(key !== '' && { key }), ...data };
}
