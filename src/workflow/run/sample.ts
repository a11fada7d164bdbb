/** A step that asks the client's model. */
import { isObject } from '../../json/json.ts';
import { pause } from './call-step.ts';
import { argumentsHash } from './invoke-context.ts';
import { baseOf, itemContext, type Item, type WorkOf } from './item.ts';
import type { Finished, StepError } from './port.ts';
import type { CallAsk, Routine } from './routine.ts';
import type { Result } from './step-state.ts';
import { unwrap } from './unwrap.ts';

/** Asks again after a crash: a question to a model has no effect. */
export function* sample(item: Item, work: WorkOf<'sample'>): Routine<Result> {
  const params = work.params.evaluate(item.scope);
  const { host } = item.flow.context;
  return yield* attempts(item, work, (n) => ({
    ask: 'call',
    key: `${baseOf(item)}#${n}`,
    intent: { sample: argumentsHash(params) },
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
      const raw = outcome.value.exact;
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
  return yield* pause(itemContext(item, baseOf(item)), key, retry, n, error, finished);
}
