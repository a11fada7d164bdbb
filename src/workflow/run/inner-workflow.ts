/** A step that runs a saved workflow within its own. */
import type { FlowEnd } from './flow-at-work.ts';
import { InvalidInput } from './host.ts';
import { pause } from './call-step.ts';
import { baseOf, itemContext, type Item, type WorkOf } from './item.ts';
import type { Routine } from './routine.ts';
import type { Result } from './step-state.ts';

export function* runInner(item: Item, work: WorkOf<'workflow'>): Routine<Result> {
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
      yield* pause(itemContext(item, baseOf(item)), `${baseOf(item)}#${n}`, work.retry, n, error, {
        key: '',
        outcome: { kind: 'failed', error },
        at,
        ms: 0,
      })
    )
      return failed;
  }
}
