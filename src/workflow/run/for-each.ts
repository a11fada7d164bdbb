/** A step that is done for every item of a list, so many at a time. */
import { ExpressionError } from '../../expression/expression-error.ts';
import { isObject } from '../../json/json.ts';
import type { Step } from '../definition/program.ts';
import type { FlowAtWork } from './flow-at-work.ts';
import type { Item } from './item.ts';
import type { StepError } from './port.ts';
import type { Routine } from './routine.ts';
import type { ItemError, Result, StepState } from './step-state.ts';

export interface ForEach {
  readonly flow: FlowAtWork;
  readonly step: Step;
  readonly state: StepState;
  /** The value of `foreach`. */
  readonly list: unknown;
  readonly runItem: (item: Item) => Routine<Result>;
}

export function* forEach({ flow, step, state, list, runItem }: ForEach): Routine<Result> {
  const { machine, limits } = flow.context;
  if (!Array.isArray(list))
    throw new ExpressionError(
      step.foreach?.text ?? '',
      `"foreach" needs a list, this is ${list === null ? 'null' : `a ${typeof list}`}`,
      isObject(list) ? 'Name the list within it' : undefined,
    );
  if (list.length > limits.items)
    throw new ExpressionError(
      step.foreach?.text ?? '',
      `the list has ${list.length} items; at most ${limits.items} are allowed`,
    );
  const results: (Result | undefined)[] = list.map(() => undefined);
  const items = { done: 0, total: list.length };
  state.items = items;
  const { value } = yield {
    ask: 'park',
    start: (resume) => {
      let next = 0;
      let active = 0;
      let failed = false;
      const more = (): void => {
        while (active < step.concurrency && next < list.length && !failed && flow.halted === undefined) {
          const index = next++;
          active++;
          const item = {
            flow,
            step,
            state,
            index,
            scope: { ...flow.scope, item: list[index] as unknown, index },
          };
          machine.spawn(flow, runItem(item), (result) => {
            active--;
            items.done++;
            results[index] = result;
            if (result.status === 'failed' && step.onItemError === 'fail') failed = true;
            more();
          });
        }
        if (active === 0) resume(next < list.length && !failed ? 'halted' : undefined);
      };
      more();
    },
  };
  return collected(step, results, value === 'halted');
}

function collected(step: Step, results: readonly (Result | undefined)[], halted: boolean): Result {
  const output = results.map((result) => (result?.status === 'succeeded' ? (result.output ?? null) : null));
  const attempts = results.reduce((sum, result) => sum + (result?.attempts ?? 0), 0);
  const errors: ItemError[] = [];
  for (const [index, result] of results.entries())
    if (
      result?.error &&
      (result.status === 'failed' || result.status === 'in_doubt' || result.status === 'cancelled')
    )
      errors.push({ index, code: result.error.code, message: result.error.message });
  const base = { attempts, output, errors, happened: results.some((result) => result?.happened === true) };
  if (results.some((result) => result?.status === 'in_doubt'))
    return { ...base, status: 'in_doubt', error: first(errors) };
  if (halted || results.some((result) => result?.status === 'cancelled'))
    return { ...base, status: 'cancelled', reason: 'not all items were begun' };
  if (errors.length > 0 && step.onItemError === 'fail')
    return { ...base, status: 'failed', error: first(errors) };
  return { ...base, status: 'succeeded', errors: step.onItemError === 'skip' ? [] : errors };
}

function first(errors: readonly ItemError[]): StepError {
  const [one] = errors;
  return { code: one?.code ?? 'STEP_FAILED', message: `item ${one?.index ?? 0}: ${one?.message ?? ''}` };
}
