/**
 * Workflows: saved and given in a call; planned, run, looked at, resumed and cancelled.
 *
 * Is handed a Handler and a view of the catalog; knows no router. What meta-tools and the command line share.
 */
import { parseExact, printExact } from '../json/exact-json.ts';
import type { Client, Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Logger } from '../core/logger.ts';
import { ProxyError } from '../core/errors.ts';
import { createCompile } from '../expression/compile.ts';
import { listed } from '../core/nearest.ts';
import { formAsk } from './askable.ts';
import type { Caller } from './calls.ts';
import { askConsent } from './consent.ts';
import { checkDefinition } from './definition/check-definition.ts';
import { checkInTime } from './definition/check-in-time.ts';
import { InvalidDefinition } from './definition/invalid-definition.ts';
import type { Problem } from './definition/problem.ts';
import type { Program } from './definition/program.ts';
import { describeSaved, type SavedWorkflow } from './saved/describe-saved.ts';
import { Engine } from './engine.ts';
import { type Journal, JournalError, type RunRow, type RunStatus } from './journal/journal.ts';
import type { StartTimeOf } from '../core/lease.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import type { LiveRun } from './live-run.ts';
import type { FormAnswer } from './question-form.ts';
import { USER_OF_THIS_MACHINE } from './owners.ts';
import { type Plan, planOf, toolsOf } from './plan/plan.ts';
import { pickQuestion } from './pick-question.ts';
import { type ReadWorkflow, readWorkflow, type SavedLookup } from './saved/read-workflow.ts';
import { withoutLarge } from './run/view.ts';
import { programsOf, type RunPlan } from './run-plan.ts';
import type { RunView } from './run-view.ts';
import { type SavedFile, type SavedWorkflows, watchSaved } from './saved/saved.ts';
import { reusedResults } from './reused-results.ts';
import type { Tools } from './tools.ts';
import { invalidRequest } from './pick-question.ts';

export interface WorkflowsOptions {
  /** The road of a step: after the meta-tools, before the router. */
  readonly handle: Handler;
  /** What a client sees; without one, what all see. */
  readonly tools: (client: Client | undefined) => Tools;
  /** Waits, for a bounded time, until the servers that are coming up have told what tools they have. */
  readonly settled?: (client: Client | undefined) => Promise<void>;
  readonly files: readonly string[];
  /** What relative globs start from. */
  readonly folder: string;
  readonly inline: 'ask' | 'allow' | 'read-only' | 'off';
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Together with the process id it names one process for ever. */
  readonly startTimeOf: StartTimeOf;
  /** Who may see the runs of a client; default: itself alone. */
  readonly ownerOf?: (client: Client) => string;
  /** Whether it goes on with runs whose process is gone; a command that is here for a moment does not. */
  readonly goesOn?: boolean;
  /** Stands for a client that is gone: `owner` as `ownerOf` gave it. */
  readonly clientFor?: (owner: string) => Client;
  /** Saved workflows have been added, changed or taken away. */
  readonly savedChanged?: () => void;
  /** A run was begun. */
  readonly begun?: () => void;
  readonly limits?: Partial<Limits>;
  readonly timeOfDay?: () => number;
  /** Stands in for the file in the state folder. */
  readonly openJournal?: (file: string) => Promise<Journal>;
}

/** `operator`: who sits at the machine (the command line): sees every run, and may answer for a person. */
export type Who = Caller | 'operator';

export interface RunRequest {
  /** A saved name, or a definition. */
  readonly workflow: unknown;
  readonly input: unknown;
  /** Until it has ended or waits for somebody; otherwise only until it is on record. */
  readonly wait: boolean;
  /** Where the client cancels the call, as long as it waits, the run is cancelled; one that is gone leaves it running. */
  readonly signal?: Cancellation | undefined;
}

export type PlanAnswer =
  | { readonly valid: true; readonly plan: Plan }
  | { readonly valid: false; readonly errors: readonly Problem[] };

export interface ResumeRequest {
  readonly runId: string;
  readonly decision?: string | undefined;
  /** Which question, where there are several. */
  readonly step?: string | undefined;
  readonly content?: unknown;
  readonly output?: unknown;
  /** From this step on, a run that has ended is run again. */
  readonly from?: string | undefined;
  readonly signal?: Cancellation | undefined;
}

/** What else is to be shown of a run. */
export interface RunDetails {
  /** Only this step, with its whole output. */
  readonly step?: string | undefined;
  /** All that is on record. */
  readonly record?: boolean;
}

export interface Workflows {
  /** Reads the saved workflows, and goes on with the runs that nobody works on. Never throws. */
  start(): Promise<void>;
  close(): Promise<void>;
  saved(): readonly SavedWorkflow[];
  /** Anybody's. */
  hasRuns(): Promise<boolean>;
  plan(workflow: unknown, who: Who): Promise<PlanAnswer>;
  /** @throws ProxyError | RpcError | InvalidDefinition before the first step. */
  run(request: RunRequest, who: Who): Promise<RunView>;
  list(
    filter: { readonly status?: RunStatus | undefined; readonly limit?: number | undefined },
    who: Who,
  ): Promise<readonly RunView[]>;
  show(runId: string, who: Who, wanted?: RunDetails): Promise<RunView>;
  resume(request: ResumeRequest, who: Who): Promise<RunView>;
  /** Goes on with a run that nobody works on, and returns at once; one that another process has is left to it. */
  takeUp(runId: string, who: Who): Promise<void>;
  cancel(runId: string, who: Who): Promise<RunView>;
}

const OPERATOR = 'operator';
const LISTED_RUNS = 50;

export function createWorkflows(options: WorkflowsOptions): Workflows {
  const { clock, log, stateDir, handle, tools, inline, startTimeOf } = options;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const ownerOf = options.ownerOf ?? ((client: Client) => client.id);
  const clientFor = options.clientFor ?? absentClient;
  const compile = createCompile();
  const timeOfDay = options.timeOfDay ?? Date.now;
  const engine = new Engine({
    handle,
    stateDir,
    clock,
    timeOfDay,
    log,
    limits,
    compile,
    startTimeOf,
    clientFor,
    ...(options.openJournal && { openJournal: options.openJournal }),
  });
  let files: readonly SavedFile[] = [];
  let watching: SavedWorkflows | undefined;

  return {
    async start() {
      const { files: globs, folder, savedChanged } = options;
      watching = await watchSaved({
        globs,
        folder,
        maxBytes: limits.definitionBytes,
        log,
        changed(found) {
          files = found;
          savedChanged?.();
        },
      });
      if (options.goesOn !== false) await engine.start();
    },
    async close() {
      await watching?.close();
      await engine.close();
    },
    saved: () => files.map((file) => describeSaved(file, tools(undefined), shelf())),
    async hasRuns() {
      const runs = await engine.list({ client: undefined, limit: 1 }).catch(() => [undefined]);
      return runs.length > 0;
    },
    async plan(workflow, who) {
      const read = await readSettled(workflow, who);
      if ('errors' in read) return { valid: false, errors: read.errors };
      return { valid: true, plan: planOf(read.program, read.context) };
    },
    run: (request, who) => told(run(request, who)),
    list: ({ status, limit = LISTED_RUNS }, who) =>
      told(
        engine.list({
          client: who === OPERATOR ? undefined : ownerOf(who.client),
          status,
          limit: Math.min(limit, 1000),
        }),
      ),
    show: (runId, who, wanted) => told(show(runId, who, wanted)),
    resume: (request, who) => told(resume(request, who)),
    takeUp: (runId, who) => told(takeUp(runId, who)),
    cancel: (runId, who) => told(cancel(runId, who)),
  };

  async function show(runId: string, who: Who, { step, record }: RunDetails = {}): Promise<RunView> {
    const row = await visible(runId, who);
    const whole = await engine.show(row, step !== undefined);
    const view = step === undefined ? shown(whole) : onlyStep(whole, step);
    return record === true ? { ...view, record: await engine.record(row) } : view;
  }

  async function takeUp(runId: string, who: Who): Promise<void> {
    await engine.takeOver(await visible(runId, who), { client: callerOf(who).client });
  }

  async function cancel(runId: string, who: Who): Promise<RunView> {
    const row = await visible(runId, who);
    const live =
      row.finishedAt === null ? await engine.cancel(row, who === OPERATOR ? OPERATOR : 'caller') : undefined;
    return shown(live ? await live.untilStill() : await engine.show(row, false));
  }

  async function run({ workflow, input, wait, signal }: RunRequest, who: Who): Promise<RunView> {
    const caller = callerOf(who);
    const read = await readSettled(workflow, who);
    if ('errors' in read) throw new InvalidDefinition(read.errors);
    const checked = checkInput(read.program, input);
    const plan = runPlan(read, checked);
    if (read.untrusted && who !== OPERATOR) {
      const saved = files.map(({ name }) => name);
      await askConsent(read, { inline, ask: formAsk(who), saved, signal });
    }
    const live = await engine.begin(
      plan,
      { main: read.program, saved: read.context.programs },
      who === OPERATOR ? USER_OF_THIS_MACHINE : ownerOf(who.client),
      wait ? caller : { client: caller.client },
    );
    options.begun?.();
    if (!wait) return shown(live.view);
    return await watched(live, caller, signal);
  }

  /** Waits for a run on behalf of a caller, who may be asked, sees progress, and may cancel. */
  async function watched(live: LiveRun, caller: Caller, signal: Cancellation | undefined): Promise<RunView> {
    const detach = live.attach(caller);
    const unlisten = signal?.onCancel((_reason, cause) => {
      // A run outlives a client that is gone, and the proxy itself: that is what the journal is for.
      if (cause === 'client-cancelled') void live.cancel('caller').catch(() => {});
      else detach();
    });
    // The clock's timers keep no process alive; somebody who waits does.
    const alive = setInterval(() => {}, 2 ** 30);
    try {
      return shown(await live.untilStill());
    } finally {
      clearInterval(alive);
      unlisten?.();
      detach();
    }
  }

  async function resume(request: ResumeRequest, who: Who): Promise<RunView> {
    const { runId, decision, from, signal } = request;
    const row = await visible(runId, who);
    if (row.finishedAt !== null) return await again(row, from, who, signal);
    if (from !== undefined)
      throw invalidRequest(
        `The run ${runId} has not ended: "from" is for runs that have. Answer its question with "decision", or cancel it.`,
      );
    const caller = callerOf(who);
    if (decision === undefined) {
      const live = await engine.takeOver(row, caller);
      return live ? await watched(live, caller, signal) : shown(await engine.show(row, false));
    }
    const live = await engine.takeOver(row, { client: caller.client });
    const question = pickQuestion(live?.questions ?? (await engine.questions(row)), request);
    if (question.kind === 'approval' && question.by === 'person' && who !== OPERATOR) {
      // The person is asked, whatever the model says; where nobody can be asked, this is refused.
      if (!live || !formAsk(caller))
        throw invalidRequest(
          `"${question.step}" is for a person to approve, and your client cannot ask one. At the machine: "switchyard workflow resume ${runId}"; or resume it from a client that shows forms to its user, or end it with cancel_workflow.`,
        );
      return await watched(live, caller, signal);
    }
    const answer: FormAnswer = {
      decision,
      by: who === OPERATOR ? OPERATOR : 'caller',
      ...(request.content !== undefined && { content: request.content }),
      ...(request.output !== undefined && { output: request.output }),
    };
    if (!live) {
      await engine.leaveWord(row, question.key, answer);
      return shown(await engine.show(row, false));
    }
    await live.answer(question.key, answer);
    return await watched(live, caller, signal);
  }

  /** Runs a finished run again, from a step on: what came before it and succeeded is taken as it is. */
  async function again(
    row: RunRow,
    start: string | undefined,
    who: Who,
    signal: Cancellation | undefined,
  ): Promise<RunView> {
    if (start === undefined)
      throw invalidRequest(
        `The run ${row.id} has ended (${row.status}). To run a part of it again say "from": the id of a step.`,
      );
    const before = await engine.show(row, true);
    const plan = parseExact(row.plan) as RunPlan;
    const { program } = checkDefinition(plan.definition, {
      tools: undefined,
      saved: Object.keys(plan.saved),
      limits,
      compile,
      untrusted: plan.untrusted,
    });
    const ids = program?.steps.map(({ id }) => id) ?? [];
    if (!program || !ids.includes(start))
      throw invalidRequest(`There is no step "${start}"; there are: ${listed(ids)}`);
    const seeds = reusedResults(start, program, before.steps ?? {});
    const caller = callerOf(who);
    const live = await engine.begin(
      { ...plan, seeds, resumedFrom: row.id },
      programsOf(plan, limits, compile),
      row.client,
      caller,
    );
    return { ...(await watched(live, caller, signal)), resumed_from: row.id };
  }

  async function visible(runId: string, who: Who): Promise<RunRow> {
    const row = await engine.row(runId);
    // Another client's run is as unknown as one that does not exist.
    if (!row || (who !== OPERATOR && row.client !== ownerOf(who.client)))
      throw invalidRequest(`There is no run ${JSON.stringify(runId)}. workflow_runs lists yours.`);
    return row;
  }

  /** A tool that is missing may be one of a server that is coming up. */
  async function readSettled(workflow: unknown, who: Who): Promise<ReturnType<typeof readWorkflow>> {
    const read = readWorkflow(workflow, toolsFor(who), shelf());
    if (!('errors' in read) || !options.settled) return read;
    await options.settled(who === OPERATOR ? undefined : who.client);
    return readWorkflow(workflow, toolsFor(who), shelf());
  }

  function checkInput(program: Program, input: unknown): unknown {
    const given = input ?? {};
    if ((printExact(given) ?? '').length > limits.inputBytes)
      throw new InvalidDefinition([
        { path: 'input', message: `an input has at most ${limits.inputBytes} bytes` },
      ]);
    if (!program.input) return given;
    const { problems, value } = checkInTime(program.input, given, { path: 'input', ms: limits.evaluationMs });
    if (problems.length > 0) throw new InvalidDefinition(problems);
    return value;
  }

  function runPlan(
    { program, context, name, definition, untrusted, saved }: ReadWorkflow,
    input: unknown,
  ): RunPlan {
    const safe = [...toolsOf(program, context.programs)].filter(
      (tool) => context.tools.get(tool)?.safeToRepeat === true,
    );
    return { name, definition, saved, safe, input, untrusted };
  }

  function shelf(): SavedLookup {
    return { files, limits, compile };
  }

  function toolsFor(who: Who): Tools {
    return tools(who === OPERATOR ? undefined : who.client);
  }

  function callerOf(who: Who): Caller {
    return who === OPERATOR ? { client: clientFor(USER_OF_THIS_MACHINE) } : who;
  }
}

/** The journal's troubles, in the words of the interface: before a run is on record nothing is called. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    const message = `Nothing was called: ${error.message}.`;
    throw new ProxyError('NEEDS_ATTENTION', { message, delivered: false, cause: error });
  }
}

function shown(view: RunView): RunView {
  return view.steps === undefined ? view : { ...view, steps: withoutLarge(view.steps) };
}

function onlyStep(view: RunView, step: string): RunView {
  const steps = view.steps ?? {};
  const found = steps[step];
  if (found === undefined)
    throw invalidRequest(`There is no step "${step}"; there are: ${listed(Object.keys(steps))}`);
  return { ...view, steps: { [step]: found } };
}

function absentClient(owner: string): Client {
  return {
    id: owner,
    view: owner,
    era: 'modern',
    protocolVersion: '2026-07-28',
    info: { name: 'switchyard' },
    capabilities: {},
    logLevel: undefined,
  };
}
