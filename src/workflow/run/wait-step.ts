/** Steps that wait for a time, or for an approval. */
import { printExact } from '../../json/exact-json.ts';
import { isObject } from '../../json/json.ts';
import { ExpressionError } from '../../expression/expression-error.ts';
import type { Item, WorkOf } from './item.ts';
import { valueOf } from './port.ts';
import type { Routine } from './routine.ts';
import type { Result } from './step-state.ts';

export function* wait({ flow, step, state, scope }: Item, work: WorkOf<'wait'>): Routine<Result> {
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

export function* approve({ flow, step, state, scope }: Item, work: WorkOf<'approve'>): Routine<Result> {
  const { host, port } = flow.context;
  const message = work.message.evaluate(scope);
  const question = typeof message === 'string' ? message : (printExact(message) ?? '');
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

/** @returns milliseconds since 1970, from such a number or from ISO text; `undefined` for other values. */
function toTime(value: unknown): number | undefined {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? time : undefined;
}
