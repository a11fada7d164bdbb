/** The runs at work in this process: made, played, looked at, and closed together. */
import { randomBytes } from 'node:crypto';
import type { Client, Handler } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Compile } from '../../expression/compile.ts';
import type { Caller } from '../calls.ts';
import type { Entry, RunRow } from '../journal/journal.ts';
import type { LazyJournal } from '../journal/lazy-journal.ts';
import type { Limits } from '../limits.ts';
import { type Programs, programsOf, readPlan, type RunPlan } from '../run-plan.ts';
import { LiveRun, type LiveRunOptions } from './live-run.ts';
import { RunSlots } from './run-slots.ts';

export interface RunsAtWorkOptions {
  readonly journal: LazyJournal;
  readonly handle: Handler;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly timeOfDay: () => number;
  readonly log: Logger;
  readonly limits: Limits;
  readonly compile: Compile;
  /** Stands for a client that is gone. */
  readonly clientFor: (owner: string) => Client;
}

export interface RunSpec {
  readonly row: RunRow;
  readonly plan: RunPlan;
  readonly programs: Programs;
  readonly entries: readonly Entry[];
  readonly caller: Caller;
}

export interface RunsAtWorkEvents {
  readonly began: () => void;
  /** The run is over; one that is only closed here is not. */
  readonly ended: () => void;
}

/** Time for calls in flight to come back when the proxy ends, milliseconds. */
const DRAIN_MS = 300;

export class RunsAtWork {
  readonly slots: RunSlots;
  readonly #options: RunsAtWorkOptions;
  readonly #events: RunsAtWorkEvents;
  readonly #runs = new Map<string, LiveRun>();
  readonly #playing = new Set<Promise<void>>();

  constructor(options: RunsAtWorkOptions, events: RunsAtWorkEvents) {
    this.#options = options;
    this.#events = events;
    this.slots = new RunSlots(options.limits.runs, () => this.#working());
  }

  get size(): number {
    return this.#runs.size;
  }

  get(id: string): LiveRun | undefined {
    return this.#runs.get(id);
  }

  make(spec: RunSpec): LiveRun {
    const { writer } = this.#options.journal;
    return this.#liveRun({ ...spec, writer, newId: () => randomBytes(9).toString('base64url') });
  }

  play(run: LiveRun): LiveRun {
    this.#runs.set(run.id, run);
    this.#events.began();
    const playing = run.play().finally(() => {
      this.#runs.delete(run.id);
      this.#playing.delete(playing);
      this.slots.changed();
      if (run.ended) this.#events.ended();
    });
    this.#playing.add(playing);
    return run;
  }

  /** Plays the record of a run without touching the run. */
  async replay(row: RunRow): Promise<LiveRun> {
    const { journal, limits, compile, clientFor } = this.#options;
    const plan = readPlan(row);
    const entries = await (await journal.open()).entries(row.id);
    const programs = programsOf(plan, limits, compile);
    const caller = { client: clientFor(row.client) };
    const run = this.#liveRun({ row, plan, programs, entries, caller, writer: undefined, newId: () => '' });
    await run.play();
    return run;
  }

  /** Lets calls in flight come back for a moment, then closes all runs. @returns the runs that have not ended. */
  async close(): Promise<readonly LiveRun[]> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.drain();
    const { clock, timeOfDay } = this.#options;
    const until = timeOfDay() + DRAIN_MS;
    while (runs.some((run) => run.inFlight > 0) && timeOfDay() < until)
      await new Promise<void>((done) => clock.after(10, done));
    for (const run of runs) run.close('the proxy ends');
    await Promise.allSettled(this.#playing);
    return runs.filter((run) => !run.ended);
  }

  #working(): number {
    let working = 0;
    for (const run of this.#runs.values()) if (!run.parked && !run.ended) working++;
    return working;
  }

  #liveRun(spec: RunSpec & Pick<LiveRunOptions, 'writer' | 'newId'>): LiveRun {
    const { handle, clock, timeOfDay, limits, log } = this.#options;
    return new LiveRun({ ...spec, handle, clock, timeOfDay, limits, log, slots: this.slots });
  }
}
