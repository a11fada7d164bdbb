/**
 * Workflows: saved and given in a call; planned, run, looked at, resumed and cancelled.
 *
 * Meta-tools and the command line share this class. It is handed a Handler and a view of the catalog, and knows no
 * router.
 */
import type { Client, Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { StartTimeOf } from '../core/lease.ts';
import type { Logger } from '../core/logger.ts';
import { createCompile } from '../expression/compile.ts';
import type { Problem } from './definition/problem.ts';
import { Engine } from './engine/engine.ts';
import { type Journal, JournalError } from './journal/journal.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { type Plan, planOf } from './plan/plan.ts';
import type { Consent } from './questions/consent.ts';
import { type ResumeRequest, RunResumer } from './resume-run.ts';
import { type RunDetails, type RunFilterRequest, RunQueries } from './run-queries.ts';
import { briefView, type RunView } from './run-view.ts';
import type { SavedWorkflow } from './saved/describe-saved.ts';
import { Library } from './saved/library.ts';
import { type RunRequest, RunStarter } from './start-run.ts';
import type { Tools } from './tools.ts';
import { seenAs, decidedBy, Identities, type Who } from './who.ts';

export interface WorkflowsOptions {
  /** The handler of a step's calls: after the meta-tools, before the router. */
  readonly handle: Handler;
  /** The tools that a client sees; without a client, those that all clients see. */
  readonly tools: (client: Client | undefined) => Tools;
  /** Waits, for a bounded time, until the servers that are coming up have listed their tools. */
  readonly settled?: (client: Client | undefined) => Promise<void>;
  readonly files: readonly string[];
  /** The folder that relative globs start from. */
  readonly folder: string;
  readonly inline: Consent['inline'];
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Together with the process id the start time names one process for ever. */
  readonly startTimeOf: StartTimeOf;
  /** Names the owner of a client's runs; default: each client owns its own. */
  readonly ownerOf?: (client: Client) => string;
  /** Takes up runs whose process is gone; a command that is here for a moment does not. */
  readonly goesOn?: boolean;
  /** Stands for a client that is gone: `owner` as `ownerOf` gave it. */
  readonly clientFor?: (owner: string) => Client;
  /** Saved workflows have been added, changed or removed. */
  readonly savedChanged?: () => void;
  /** A run was begun. */
  readonly begun?: () => void;
  readonly limits?: Partial<Limits>;
  /** Milliseconds since 1970. */
  readonly timeOfDay?: () => number;
  /** Replaces the file in the state folder. */
  readonly openJournal?: (file: string) => Promise<Journal>;
}

export type PlanAnswer =
  | { readonly valid: true; readonly plan: Plan }
  | { readonly valid: false; readonly errors: readonly Problem[] };

export class Workflows {
  readonly #goesOn: boolean;
  readonly #library: Library;
  readonly #identities: Identities;
  readonly #engine: Engine;
  readonly #queries: RunQueries;
  readonly #starter: RunStarter;
  readonly #resumer: RunResumer;

  constructor(options: WorkflowsOptions) {
    const { handle, clock, log, stateDir, startTimeOf, inline, begun, openJournal } = options;
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const compile = createCompile();
    const identities = new Identities(options);
    const library = new Library({ ...options, limits, compile });
    const engine = new Engine({
      handle,
      stateDir,
      clock,
      timeOfDay: options.timeOfDay ?? Date.now,
      log,
      limits,
      compile,
      startTimeOf,
      clientFor: identities.clientFor,
      ...(openJournal && { openJournal }),
    });
    this.#goesOn = options.goesOn !== false;
    this.#library = library;
    this.#identities = identities;
    this.#engine = engine;
    this.#queries = new RunQueries(engine.records, identities);
    this.#starter = new RunStarter({ engine, library, identities, limits, inline, begun });
    this.#resumer = new RunResumer({ engine, identities, limits, compile });
  }

  /** Reads the saved workflows, and goes on with the runs that nobody works on. Never throws. */
  async start(): Promise<void> {
    await this.#library.open();
    if (this.#goesOn) await this.#engine.start();
  }

  async close(): Promise<void> {
    await this.#library.close();
    await this.#engine.close();
  }

  saved(): readonly SavedWorkflow[] {
    return this.#library.describe();
  }

  /** There are runs of anybody. */
  async hasRuns(): Promise<boolean> {
    return await this.#queries.hasRuns();
  }

  async plan(workflow: unknown, who: Who): Promise<PlanAnswer> {
    const read = await this.#library.read(workflow, seenAs(who));
    if ('errors' in read) return { valid: false, errors: read.errors };
    return { valid: true, plan: planOf(read.program, read.context) };
  }

  /** @throws ProxyError | RpcError | InvalidDefinition before the first step. */
  async run(request: RunRequest, who: Who): Promise<RunView> {
    return await withoutJournalErrors(this.#starter.run(request, who));
  }

  async list(filter: RunFilterRequest, who: Who): Promise<readonly RunView[]> {
    return await withoutJournalErrors(this.#queries.list(filter, who));
  }

  async show(runId: string, who: Who, details?: RunDetails): Promise<RunView> {
    return await withoutJournalErrors(this.#queries.show(runId, who, details));
  }

  async resume(request: ResumeRequest, who: Who): Promise<RunView> {
    return await withoutJournalErrors(this.#resume(request, who));
  }

  /** Goes on with a run that nobody works on, and returns at once; a run of another process is left there. */
  async takeUp(runId: string, who: Who): Promise<void> {
    await withoutJournalErrors(this.#takeUp(runId, who));
  }

  async cancel(runId: string, who: Who): Promise<RunView> {
    return await withoutJournalErrors(this.#cancel(runId, who));
  }

  async #resume(request: ResumeRequest, who: Who): Promise<RunView> {
    const row = await this.#queries.row(request.runId, who);
    return await this.#resumer.resume(row, request, who);
  }

  async #takeUp(runId: string, who: Who): Promise<void> {
    const row = await this.#queries.row(runId, who);
    await this.#engine.takeOver(row, { client: this.#identities.callerOf(who).client });
  }

  async #cancel(runId: string, who: Who): Promise<RunView> {
    const row = await this.#queries.row(runId, who);
    const live = row.finishedAt === null ? await this.#engine.cancel(row, decidedBy(who)) : undefined;
    return briefView(live ? await live.untilStill() : await this.#engine.records.show(row, false));
  }
}

/** Puts the journal's errors into the words of the interface: before a run is on record nothing is called. */
async function withoutJournalErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    const message = `Nothing was called: ${error.message}.`;
    throw new ProxyError('NEEDS_ATTENTION', { message, delivered: false, cause: error });
  }
}
