/** One call of a tool: its attempts, the pauses between them, and the resolution of an unknown outcome. */
import { ExpressionError } from '../../expression/expression-error.ts';
import type { Invocation, Retry } from '../definition/program.ts';
import type { Host } from './host.ts';
import { argumentsHash, type InvokeContext } from './invoke-context.ts';
import type { Finished, StepError } from './port.ts';
import type { Resumed, Routine } from './routine.ts';
import type { Result } from './step-state.ts';
import { resolveUnknownOutcome } from './unknown-outcome.ts';
import { unwrap } from './unwrap.ts';

export function* callStep(invocation: Invocation, context: InvokeContext): Routine<Result> {
  const { host, base, scope } = context;
  let args: unknown;
  try {
    args = invocation.with.evaluate(scope);
  } catch (error) {
    return expressionFailed(error, 0);
  }
  const { tool, timeoutMs, retry } = invocation;
  const intent = { tool, args: argumentsHash(args) };
  let attempts = 0;
  let recoveries = 0;
  for (let n = 1; ; n++) {
    const key = `${base}#${n}`;
    context.watch('running');
    attempts++;
    const { finished } = yield {
      ask: 'call',
      key,
      intent,
      work: (signal) => host.callTool({ tool, arguments: args, timeoutMs, signal }),
    };
    if (!finished) return { status: 'cancelled', attempts: attempts - 1 };
    const { outcome } = finished;
    if (outcome.kind === 'done') return succeeded(outcome.value.exact, attempts);
    const { error } = outcome;
    if (error.code === 'CANCELLED') return cancelled(error, attempts, host.safeToRepeat(tool));
    let known = error;
    if (outcome.kind === 'in_doubt') {
      const crashed = error.crashed === true;
      const resolution = yield* resolveUnknownOutcome(invocation, key, error, { ...context, recoveries });
      if (resolution.result) return { ...resolution.result, attempts };
      if (crashed || resolution.again === true) {
        recoveries++;
        continue;
      }
      known = resolution.happened === false ? { ...error, delivered: false } : error;
    }
    if (
      !mayRepeat(invocation, known, host) ||
      attempts - recoveries >= retry.attempts ||
      !retry.on.has(known.code)
    )
      return { status: 'failed', error: known, attempts, happened: known.code === 'RESULT_TOO_LARGE' };
    const interrupted = yield* pause(context, key, retry, attempts - recoveries, known, finished);
    if (interrupted) return { status: 'failed', error: known, attempts };
  }
}

export function* pause(
  context: InvokeContext,
  key: string,
  retry: Retry,
  tries: number,
  error: StepError,
  { at }: Finished,
): Routine<boolean> {
  const delay = Math.min(retry.maxDelayMs, retry.delayMs * retry.factor ** (tries - 1));
  context.watch('waiting');
  const until = at + Math.max(delay, error.retryAfterMs ?? 0);
  const resumed: Resumed = yield { ask: 'race', sleep: { key: `retry:${key}`, until }, ends: 'with-run' };
  return resumed.interrupted === true;
}

function mayRepeat({ tool, retry, onResume }: Invocation, error: StepError, host: Host): boolean {
  if (retry.unsafe || host.safeToRepeat(tool)) return true;
  if (error.code === 'TOOL_ERROR') return false;
  return error.delivered === false || onResume === 'retry';
}

function succeeded(raw: unknown, attempts: number): Result {
  return { status: 'succeeded', output: unwrap(raw), raw, attempts, happened: true };
}

function cancelled(error: StepError, attempts: number, safe: boolean): Result {
  const unsure = error.delivered !== false && !safe;
  return {
    status: 'cancelled',
    attempts,
    error,
    ...(unsure && { unsure, reason: 'cancelled in mid-call: look whether it has happened' }),
  };
}

export function expressionFailed(error: unknown, attempts: number): Result {
  if (!(error instanceof ExpressionError)) throw error;
  const fix = error.fix === undefined ? '' : ` Fix: ${error.fix}`;
  return {
    status: 'failed',
    attempts,
    error: {
      code: 'EXPRESSION_FAILED',
      message: `${error.message} (in: ${error.text.slice(0, 200)})${fix}`,
      delivered: false,
    },
  };
}
