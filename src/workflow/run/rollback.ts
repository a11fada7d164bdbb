/** Undoes the effects of a workflow, the latest first. */
import { ExpressionError } from '../../expression/expression-error.ts';
import type { FlowAtWork, Happened } from './flow-at-work.ts';
import { callStep } from './call-step.ts';
import type { Routine } from './routine.ts';
import type { Result, StepState } from './step-state.ts';

/** @returns whether everything could be undone. */
export function* rollback(flow: FlowAtWork): Routine<boolean> {
  const { happened } = flow.context;
  let clean = true;
  for (const entry of happened.filter((one) => isWithin(one.flow, flow)).toReversed()) {
    if (entry.undone) continue;
    const { covers } = entry;
    if (covers !== undefined)
      for (const one of happened) if (one.flow.prefix.startsWith(covers)) one.undone = true;
    entry.undone = true;
    const result = yield* undo(entry);
    if (!report(entry, result)) clean = false;
  }
  return clean;
}

function* undo({ flow, step, index, output, scope, undo: invocation }: Happened): Routine<Result> {
  const { host, port } = flow.context;
  const name = `${flow.prefix}${step.id}${index === undefined ? '' : `[${index}]`}`;
  try {
    return yield* callStep(invocation, {
      host,
      port,
      base: `undo:${name}`,
      step: `undo of ${name}`,
      // The scope now has the step itself, and all steps that have settled since.
      scope: { ...scope, ...flow.scope, output },
      watch: () => {},
    });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { status: 'failed', attempts: 0, error: { code: 'EXPRESSION_FAILED', message: error.message } };
  }
}

function report({ flow, step, index, undo: { tool } }: Happened, result: Result): boolean {
  const state = flow.states[step.index] as StepState;
  const name = `${step.id}${index === undefined ? '' : `[${index}]`}`;
  const undone = result.status === 'succeeded';
  if (!undone)
    state.undoErrors.push(
      `${name} could not be undone with ${tool}: ${result.error?.message ?? result.reason ?? result.status}`,
    );
  state.status = state.undoErrors.length > 0 ? 'undo_failed' : 'undone';
  flow.context.port.emit({ step: flow.prefix + name, status: undone ? 'undone' : 'undo_failed', tool });
  return undone;
}

function isWithin(flow: FlowAtWork | undefined, ancestor: FlowAtWork): boolean {
  return flow !== undefined && (flow === ancestor || isWithin(flow.parent, ancestor));
}
