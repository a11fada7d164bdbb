/**
 * A step in doubt: the call was begun, and its outcome is unknown, after a crash, a time-out or a broken connection.
 *
 * The step's `on_resume` decides: call again where that is safe, check with `verify`, or ask. Nothing is repeated that
 * may have happened and is not safe to repeat.
 */
import { ExpressionError } from '../../expression/expression-error.ts';
import { isObject } from '../../json/json.ts';
import type { Invocation } from '../definition/program.ts';
import { argumentsHash, type InvokeContext } from './invoke-context.ts';
import { type StepError, valueOf } from './port.ts';
import type { Routine } from './routine.ts';
import type { Result } from './step-state.ts';
import { unwrap } from './unwrap.ts';

/** Calls after an unknown outcome end here: one that ends the proxy itself is not made for ever. */
const MAX_RECOVERIES = 5;

export interface Resolution {
  /** The end of the step. */
  readonly result?: Omit<Result, 'attempts'>;
  /** Somebody decided to call again, whatever the number of attempts. */
  readonly again?: boolean;
  /** The answer of `verify`. */
  readonly happened?: boolean;
}

export function* resolveUnknownOutcome(
  invocation: Invocation,
  key: string,
  error: StepError,
  context: InvokeContext & { readonly recoveries: number },
): Routine<Resolution> {
  const { onResume, verify } = invocation;
  if (onResume === 'skip')
    return { result: { status: 'skipped', reason: `nobody knows whether it happened: ${error.message}` } };
  if (onResume === 'fail') return { result: { status: 'failed', error } };
  const repeatable =
    onResume === 'retry' || (onResume === 'auto' && context.host.safeToRepeat(invocation.tool));
  if (repeatable && context.recoveries < MAX_RECOVERIES) return {};
  if (verify && (onResume === 'auto' || onResume === 'verify')) {
    const resolution = yield* verified(verify, key, context);
    if (resolution) return resolution;
  }
  return yield* decided(key, error, context);
}

/** @returns `undefined` where the check itself failed. */
function* verified(
  verify: NonNullable<Invocation['verify']>,
  key: string,
  context: InvokeContext,
): Routine<Resolution | undefined> {
  const { host, scope } = context;
  try {
    const args = verify.with.evaluate(scope);
    const { tool } = verify;
    const { finished } = yield {
      ask: 'call',
      key: `verify:${key}`,
      intent: { tool, args: argumentsHash(args) },
      work: (signal) => host.callTool({ tool, arguments: args, timeoutMs: undefined, signal }),
    };
    if (finished?.outcome.kind !== 'done') return undefined;
    const raw = finished.outcome.value.exact;
    const result = unwrap(raw);
    const happened = verify.done.evaluate({ ...scope, result });
    if (happened === true) return { result: { status: 'succeeded', output: result, raw, happened: true } };
    return happened === false ? { happened: false } : undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** Asks a person or the caller, and waits for the decision. */
function* decided(key: string, error: StepError, context: InvokeContext): Routine<Resolution> {
  const signal = `decide:${key}`;
  context.watch('in_doubt');
  context.host.asked({
    key: signal,
    step: context.step,
    kind: 'in_doubt',
    question: `Nobody knows whether "${context.step}" has happened: ${error.message}. Look, then say: "done" (it happened), "retry" (it did not, call it again), "skip" or "fail".`,
    options: ['retry', 'skip', 'fail', 'done'],
    by: 'caller',
  });
  const { finished } = yield { ask: 'race', signal, ends: 'when-cancelled' };
  context.host.answered(signal);
  if (!finished) return { result: { status: 'in_doubt', error } };
  const answer = valueOf(finished);
  switch (isObject(answer) ? answer['decision'] : undefined) {
    case 'retry':
      return { again: true };
    case 'skip':
      return { result: { status: 'skipped', reason: 'a person said so' } };
    case 'done':
      return {
        result: {
          status: 'succeeded',
          output: isObject(answer) ? (answer['output'] ?? null) : null,
          happened: true,
        },
      };
    default:
      return { result: { status: 'failed', error } };
  }
}
