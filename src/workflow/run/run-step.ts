/** The work of one step, by its kind, once or for each item of a list. */
import { ExpressionError } from '../../expression/expression-error.ts';
import { printExact } from '../../json/exact-json.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Step, Work } from '../definition/program.ts';
import type { FlowAtWork } from './flow-at-work.ts';
import { forEach } from './for-each.ts';
import { runInner } from './inner-workflow.ts';
import { expressionFailed, callStep } from './call-step.ts';
import { baseOf, itemContext, type Item } from './item.ts';
import type { Routine } from './routine.ts';
import { sample } from './sample.ts';
import type { Result, StepState } from './step-state.ts';
import { approve, wait } from './wait-step.ts';

export function* runStep(flow: FlowAtWork, step: Step, state: StepState): Routine<Result> {
  const { scope } = flow;
  try {
    if (step.when && !step.whenPerItem) {
      const skip = condition(step, scope);
      if (skip) return skip;
    }
    if (step.foreach)
      return yield* forEach({
        flow,
        step,
        state,
        list: step.foreach.evaluate(scope),
        runItem: runItemSafely,
      });
    return yield* runItem({ flow, step, state, index: undefined, scope });
  } catch (error) {
    return expressionFailed(error, 0);
  }
}

function condition({ when }: Step, scope: JsonObject): Result | undefined {
  const met = when?.evaluate(scope);
  if (met === true) return undefined;
  if (met === false)
    return { status: 'skipped', attempts: 0, reason: `its condition is false: ${when?.text ?? ''}` };
  throw new ExpressionError(
    when?.text ?? '',
    `"when" must be true or false, it is ${printExact(met)}`,
    'Compare with something, as in x == "…" or size(x) > 0',
  );
}

function* runItemSafely(item: Item): Routine<Result> {
  try {
    const skip = item.step.whenPerItem ? condition(item.step, item.scope) : undefined;
    return skip ?? (yield* runItem(item));
  } catch (error) {
    return expressionFailed(error, 0);
  }
}

function* runItem(item: Item): Routine<Result> {
  const { flow, step, index, scope } = item;
  const result = yield* runWork(item, step.work);
  const end = result.status === 'failed' && step.fallback ? yield* fallBack(item, result) : result;
  if (end.happened === true && step.undo)
    flow.context.happened.push({
      flow,
      step,
      index,
      output: end.output,
      scope,
      undo: step.undo,
      covers: step.kind === 'workflow' ? `${baseOf(item)}#` : undefined,
      undone: false,
    });
  return end;
}

function* fallBack(item: Item, failed: Result): Routine<Result> {
  const { fallback } = item.step;
  if (!fallback || item.flow.halted !== undefined) return failed;
  if ('value' in fallback)
    return { ...failed, status: 'succeeded', output: fallback.value.evaluate(item.scope) };
  const result = yield* callStep(fallback.invocation, itemContext(item, `fallback:${baseOf(item)}`));
  // An undo is for the effect of the step itself, not of its fallback.
  return { ...result, attempts: failed.attempts + result.attempts, happened: failed.happened === true };
}

function* runWork(item: Item, work: Work): Routine<Result> {
  switch (work.kind) {
    case 'tool':
      return yield* callStep(work, itemContext(item, baseOf(item)));
    case 'set':
      return { status: 'succeeded', attempts: 1, output: work.values.evaluate(item.scope) };
    case 'wait':
      return yield* wait(item, work);
    case 'approve':
      return yield* approve(item, work);
    case 'sample':
      return yield* sample(item, work);
    case 'workflow':
      return yield* runInner(item, work);
  }
}
