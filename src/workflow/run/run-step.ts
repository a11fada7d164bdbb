/** What one step does, by its kind, once or for each item of a list. */
import { ExpressionError } from '../../expression/expression-error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Step, Work } from '../definition/program.ts';
import type { FlowAtWork, FlowEnd } from './flow-at-work.ts';
import { InvalidInput } from './host.ts';
import { expressionFailed, hashOf, invoke, type InvokeContext, pause, valueOf } from './invoke.ts';
import type { Finished, StepError } from './port.ts';
import type { CallAsk, Routine } from './routine.ts';
import type { ItemError, Result, StepState } from './step-state.ts';
import { toTime } from './to-time.ts';
import { unwrap } from './unwrap.ts';

export function* runStep(flow: FlowAtWork, step: Step, state: StepState): Routine<Result> {
  const { scope } = flow;
  try {
    if (step.when && !step.whenPerItem) {
      const skip = condition(step, scope);
      if (skip) return skip;
    }
    if (step.foreach) return yield* forEach(flow, step, state, step.foreach.evaluate(scope));
    return yield* runItem({ flow, step, state, index: undefined, scope });
  } catch (error) {
    return expressionFailed(error, 0);
  }
}

interface Item {
  readonly flow: FlowAtWork;
  readonly step: Step;
  readonly state: StepState;
  readonly index: number | undefined;
  readonly scope: JsonObject;
}

function condition({ when }: Step, scope: JsonObject): Result | undefined {
  const met = when?.evaluate(scope);
  if (met === true) return undefined;
  if (met === false)
    return { status: 'skipped', attempts: 0, reason: `its condition is false: ${when?.text ?? ''}` };
  throw new ExpressionError(
    when?.text ?? '',
    `"when" must be true or false, it is ${JSON.stringify(met)}`,
    'Compare with something, as in x == "…" or size(x) > 0',
  );
}

function* forEach(flow: FlowAtWork, step: Step, state: StepState, list: unknown): Routine<Result> {
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
          machine.spawn(flow, runItemSafely(item), (result) => {
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
  const result = yield* invoke(fallback.invocation, contextOf(item, `fallback:${baseOf(item)}`));
  // What is undone is the step's own doing, not its stand-in's.
  return { ...result, attempts: failed.attempts + result.attempts, happened: failed.happened === true };
}

function* runWork(item: Item, work: Work): Routine<Result> {
  switch (work.kind) {
    case 'tool':
      return yield* invoke(work, contextOf(item, baseOf(item)));
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

type WorkOf<K extends Work['kind']> = Extract<Work, { kind: K }>;

function* wait({ flow, step, state, scope }: Item, work: WorkOf<'wait'>): Routine<Result> {
  const now = flow.context.port.now();
  const until = work.until ? toTime(work.until.evaluate(scope)) : now + (work.ms ?? 0);
  if (until === undefined)
    throw new ExpressionError(
      step.id,
      '"until" is no time',
      'A time is text as "2026-01-31T12:00:00Z", a timestamp(), or milliseconds since 1970',
    );
  state.status = 'waiting';
  const { finished } = yield {
    ask: 'race',
    sleep: { key: `wait:${flow.prefix}${step.id}`, until },
    ends: 'with-run',
  };
  if (!finished) return { status: 'cancelled', attempts: 0 };
  return { status: 'succeeded', attempts: 1, output: { until: new Date(until).toISOString() } };
}

function* approve({ flow, step, state, scope }: Item, work: WorkOf<'approve'>): Routine<Result> {
  const { host, port } = flow.context;
  const message = work.message.evaluate(scope);
  const question = typeof message === 'string' ? message : JSON.stringify(message);
  const signal = `answer:${flow.prefix}${step.id}`;
  state.status = 'waiting';
  host.asked({
    key: signal,
    step: flow.prefix + step.id,
    kind: 'approval',
    question,
    options: ['approve', 'reject'],
    by: work.by,
    schema: work.schema,
  });
  const sleep =
    work.timeoutMs === undefined
      ? undefined
      : { key: `timeout:${flow.prefix}${step.id}`, until: port.now() + work.timeoutMs };
  const { finished } = yield { ask: 'race', signal, sleep, ends: 'with-run' };
  host.answered(signal);
  if (!finished) return { status: 'cancelled', attempts: 0 };
  if (finished.key !== signal) {
    const error = {
      code: 'TIMEOUT',
      message: `nobody answered within ${work.timeoutMs} ms`,
      delivered: false as const,
    };
    if (work.onTimeout === 'fail') return { status: 'failed', attempts: 1, error };
    return {
      status: 'succeeded',
      attempts: 1,
      rejected: true,
      output: { confirm: false, reason: 'timeout' },
    };
  }
  const answer = valueOf(finished);
  const confirm = isObject(answer) && answer['decision'] === 'approve';
  const content = isObject(answer) && answer['content'] !== undefined ? { content: answer['content'] } : {};
  const by = isObject(answer) ? answer['by'] : undefined;
  return {
    status: 'succeeded',
    attempts: 1,
    rejected: !confirm,
    output: { confirm, ...content, ...(typeof by === 'string' && { by }) },
  };
}

/** Asking a model has no effect: it may be done again. */
function* sample(item: Item, work: WorkOf<'sample'>): Routine<Result> {
  const params = work.params.evaluate(item.scope);
  const { host } = item.flow.context;
  return yield* attempts(item, work, (n) => ({
    ask: 'call',
    key: `${baseOf(item)}#${n}`,
    intent: { sample: hashOf(params) },
    work: (signal) => host.sample({ params, schema: work.schema, timeoutMs: work.timeoutMs, signal }),
  }));
}

function* attempts(item: Item, { retry }: WorkOf<'sample'>, ask: (n: number) => CallAsk): Routine<Result> {
  let crashes = 0;
  for (let n = 1; ; n++) {
    item.state.status = 'running';
    const { finished } = yield ask(n);
    if (!finished) return { status: 'cancelled', attempts: n - 1 };
    const { outcome } = finished;
    if (outcome.kind === 'done') {
      const raw = outcome.value.value;
      return {
        status: 'succeeded',
        attempts: n,
        raw,
        output: isObject(raw) && 'output' in raw ? raw['output'] : unwrap(raw),
      };
    }
    if (outcome.error.crashed === true && crashes < 5) {
      crashes++;
      continue;
    }
    if (outcome.error.code === 'CANCELLED') return { status: 'cancelled', attempts: n, error: outcome.error };
    const failed: Result = { status: 'failed', attempts: n, error: outcome.error };
    if (n - crashes >= retry.attempts || !retry.on.has(outcome.error.code)) return failed;
    if (yield* pauseAfter(item, n, retry, finished, outcome.error)) return failed;
  }
}

function* pauseAfter(
  item: Item,
  n: number,
  retry: WorkOf<'sample'>['retry'],
  finished: Finished,
  error: StepError,
): Routine<boolean> {
  const key = `${baseOf(item)}#${n}`;
  return yield* pause(contextOf(item, baseOf(item)), key, retry, n, error, finished);
}

function* runInner(item: Item, work: WorkOf<'workflow'>): Routine<Result> {
  const { flow, step } = item;
  const { context } = flow;
  if (flow.depth >= context.limits.nesting)
    return {
      status: 'failed',
      attempts: 0,
      error: {
        code: 'WORKFLOW_INVALID',
        message: `workflows are nested more than ${context.limits.nesting} deep`,
        delivered: false,
      },
    };
  const program = context.host.program(work.name);
  let input: unknown;
  try {
    input = context.host.checkInput(program.input, work.with.evaluate(item.scope));
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return {
      status: 'failed',
      attempts: 0,
      error: { code: 'WORKFLOW_INVALID', message: error.message, delivered: false },
    };
  }
  for (let n = 1; ; n++) {
    item.state.status = 'running';
    const prefix = `${baseOf(item)}#${n}/`;
    const timed =
      work.timeoutMs === undefined
        ? program
        : { ...program, timeoutMs: Math.min(work.timeoutMs, program.timeoutMs ?? Infinity) };
    const { value } = yield {
      ask: 'park',
      start: (resume) => {
        flow.begin(step, { program: timed, prefix, input, finish: resume });
      },
    };
    const end = value as FlowEnd;
    if (end.status === 'succeeded')
      return { status: 'succeeded', attempts: n, output: end.output, happened: true };
    if (end.status === 'cancelled') return { status: 'cancelled', attempts: n };
    const error = {
      code: end.error?.code ?? 'STEP_FAILED',
      message: end.error?.message ?? '',
      delivered: 'unknown' as const,
    };
    const failed: Result = { status: 'failed', attempts: n, error };
    const again =
      work.retry.attempts > n &&
      work.retry.on.has(error.code) &&
      (work.retry.unsafe || end.status === 'rolled_back');
    if (!again || flow.halted !== undefined) return failed;
    const at = context.port.now();
    if (
      yield* pause(contextOf(item, baseOf(item)), `${baseOf(item)}#${n}`, work.retry, n, error, {
        key: '',
        outcome: { kind: 'failed', error },
        at,
        ms: 0,
      })
    )
      return failed;
  }
}

function baseOf({ flow, step, index }: Item): string {
  return `${flow.prefix}${step.id}${index === undefined ? '' : `[${index}]`}`;
}

function contextOf(item: Item, base: string): InvokeContext {
  const { host, port } = item.flow.context;
  const watch = (status: 'running' | 'waiting' | 'in_doubt'): void => {
    item.state.status = status;
  };
  return { host, port, base, step: baseOf(item), scope: item.scope, watch };
}
