/** One call of a tool with all that may happen around it: attempts, doubt, decisions. */
import { createHash } from 'node:crypto';
import { ExpressionError } from '../../expression/expression-error.ts';
import { printExact } from '../../json/exact-json.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import type { Invocation, Retry } from '../definition/program.ts';
import type { Host } from './host.ts';
import type { Finished, Port, StepError } from './port.ts';
import type { Resumed, Routine } from './routine.ts';
import type { Result } from './step-state.ts';
import { unwrap } from './unwrap.ts';

export interface InvokeContext {
  readonly host: Host;
  readonly port: Port;
  /** `close[3]`, or `undo:close[3]`: keys begin with it. */
  readonly base: string;
  /** For people. */
  readonly step: string;
  readonly scope: JsonObject;
  /** Called with each attempt, and with what it waits for. */
  readonly watch: (state: 'running' | 'waiting' | 'in_doubt') => void;
}

/** A call that ends the proxy itself is not made for ever. */
const MAX_RECOVERIES = 5;

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
      const way = yield* resolveDoubt(invocation, key, error, { ...context, recoveries });
      if (way.result) return { ...way.result, attempts };
      if (crashed || way.again === true) {
        recoveries++;
        continue;
      }
      known = way.happened === false ? { ...error, delivered: false } : error;
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

interface Way {
  /** The end of it. */
  readonly result?: Omit<Result, 'attempts'>;
  /** Somebody said so: whatever the attempts. */
  readonly again?: boolean;
  /** A check said whether it has. */
  readonly happened?: boolean;
}

function* resolveDoubt(
  invocation: Invocation,
  key: string,
  error: StepError,
  context: InvokeContext & { readonly recoveries: number },
): Routine<Way> {
  const { onResume, verify } = invocation;
  if (onResume === 'skip')
    return { result: { status: 'skipped', reason: `nobody knows whether it happened: ${error.message}` } };
  if (onResume === 'fail') return { result: { status: 'failed', error } };
  const repeatable =
    onResume === 'retry' || (onResume === 'auto' && context.host.safeToRepeat(invocation.tool));
  if (repeatable && context.recoveries < MAX_RECOVERIES) return {};
  if (verify && (onResume === 'auto' || onResume === 'verify')) {
    const way = yield* verified(verify, key, context);
    if (way) return way;
  }
  return yield* decided(key, error, context);
}

/** @returns `undefined` where the check itself failed. */
function* verified(
  verify: NonNullable<Invocation['verify']>,
  key: string,
  context: InvokeContext,
): Routine<Way | undefined> {
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

function* decided(key: string, error: StepError, context: InvokeContext): Routine<Way> {
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

export function valueOf({ outcome }: Finished): unknown {
  return outcome.kind === 'done' ? outcome.value.exact : undefined;
}

export function argumentsHash(value: unknown): string {
  return createHash('sha256')
    .update(printExact(value) ?? '')
    .digest('base64url')
    .slice(0, 22);
}
