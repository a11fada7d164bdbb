/** Goes on with a run: answers its question, waits for it again, or runs a part of an ended run again. */
import type { Cancellation } from '../core/cancellation.ts';
import { listed } from '../core/nearest.ts';
import type { Compile } from '../expression/compile.ts';
import { checkDefinition } from './definition/check-definition.ts';
import type { Engine } from './engine/engine.ts';
import { waitForRun } from './engine/wait-for-run.ts';
import type { RunRow } from './journal/journal.ts';
import type { Limits } from './limits.ts';
import { formAsk } from './questions/askable.ts';
import { invalidRequest, pickQuestion } from './questions/pick-question.ts';
import type { FormAnswer } from './questions/question-form.ts';
import { reusedResults } from './reused-results.ts';
import { programsOf, readPlan } from './run-plan.ts';
import { briefView, type RunView } from './run-view.ts';
import { decidedBy, type Identities, OPERATOR, type Who } from './who.ts';

export interface ResumeRequest {
  readonly runId: string;
  readonly decision?: string | undefined;
  /** The step whose question is answered, where there are several questions. */
  readonly step?: string | undefined;
  readonly content?: unknown;
  readonly output?: unknown;
  /** The step from which on a run that has ended is run again. */
  readonly from?: string | undefined;
  readonly signal?: Cancellation | undefined;
}

export interface RunResumerOptions {
  readonly engine: Engine;
  readonly identities: Identities;
  readonly limits: Limits;
  readonly compile: Compile;
}

export class RunResumer {
  readonly #options: RunResumerOptions;

  constructor(options: RunResumerOptions) {
    this.#options = options;
  }

  async resume(row: RunRow, request: ResumeRequest, who: Who): Promise<RunView> {
    const { runId, decision, from, signal } = request;
    if (row.finishedAt !== null) return await this.#runAgain(row, request, who);
    if (from !== undefined)
      throw invalidRequest(
        `The run ${runId} has not ended: "from" is for runs that have. Answer its question with "decision", or cancel it.`,
      );
    if (decision !== undefined) return await this.#answer(row, request, who);
    const { engine, identities } = this.#options;
    const caller = identities.callerOf(who);
    const live = await engine.takeOver(row, caller);
    return live
      ? await waitForRun(engine, live, caller, signal)
      : briefView(await engine.records.show(row, false));
  }

  async #answer(row: RunRow, request: ResumeRequest, who: Who): Promise<RunView> {
    const { engine, identities } = this.#options;
    const { runId, decision = '', signal } = request;
    const caller = identities.callerOf(who);
    const live = await engine.takeOver(row, { client: caller.client });
    const question = pickQuestion(live?.questions ?? (await engine.records.questions(row)), request);
    if (question.kind === 'approval' && question.by === 'person' && who !== OPERATOR) {
      // The person is asked, whatever the model decides; where nobody can be asked, this is refused.
      if (!live || !formAsk(caller))
        throw invalidRequest(
          `"${question.step}" is for a person to approve, and your client cannot ask one. At the machine: "switchyard workflow resume ${runId}"; or resume it from a client that shows forms to its user, or end it with cancel_workflow.`,
        );
      return await waitForRun(engine, live, caller, signal);
    }
    const answer: FormAnswer = {
      decision,
      by: decidedBy(who),
      ...(request.content !== undefined && { content: request.content }),
      ...(request.output !== undefined && { output: request.output }),
    };
    if (!live) {
      await engine.leaveAnswer(row, question.key, answer);
      return briefView(await engine.records.show(row, false));
    }
    await engine.answer(live, question.key, answer);
    return await waitForRun(engine, live, caller, signal);
  }

  /** A new run that begins at a step of an ended run, and takes over the results of the steps before. */
  async #runAgain(row: RunRow, { from, signal }: ResumeRequest, who: Who): Promise<RunView> {
    if (from === undefined)
      throw invalidRequest(
        `The run ${row.id} has ended (${row.status}). To run a part of it again say "from": the id of a step.`,
      );
    const { engine, identities, limits, compile } = this.#options;
    const before = await engine.records.stepStates(row);
    const plan = readPlan(row);
    const { program } = checkDefinition(plan.definition, {
      tools: undefined,
      saved: Object.keys(plan.saved),
      limits,
      compile,
      untrusted: plan.untrusted,
    });
    const ids = program?.steps.map(({ id }) => id) ?? [];
    if (!program || !ids.includes(from))
      throw invalidRequest(`There is no step "${from}"; there are: ${listed(ids)}`);
    const caller = identities.callerOf(who);
    const live = await engine.begin(
      { ...plan, seeds: reusedResults(from, program, before), resumedFrom: row.id },
      programsOf(plan, limits, compile),
      row.client,
      caller,
    );
    return { ...(await waitForRun(engine, live, caller, signal)), resumed_from: row.id };
  }
}
