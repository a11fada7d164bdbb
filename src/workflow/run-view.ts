/** A run as clients see it. */
import { parseExact, printExact } from '../json/exact-json.ts';
import { isObject, type JsonObject } from '../json/json.ts';
import { listed } from '../core/nearest.ts';
import type { EntryKind, RunRow, RunStatus } from './journal/journal.ts';
import type { FlowEnd } from './run/flow-at-work.ts';
import { type Attention, nextStep } from './questions/attention.ts';
import { invalidRequest } from './questions/pick-question.ts';
import { withoutLarge } from './run/view.ts';

export interface RunView extends JsonObject {
  readonly run_id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly output?: unknown;
  readonly error?: FlowEnd['error'];
  readonly steps?: JsonObject;
  readonly attention?: readonly Attention[];
  /** The next thing to do about a run that needs attention. */
  readonly next?: string;
  readonly started_at: string;
  readonly finished_at?: string;
  readonly record?: readonly Fact[];
}

/** One fact on record about a run; its other members depend on the kind. */
export interface Fact extends JsonObject {
  /** ISO 8601. */
  readonly at: string;
  /** `intent`: a call is about to be made; `outcome`: it has ended; `event`: a step or the run has changed; `note`: a person did something. */
  readonly kind: 'run' | EntryKind;
  /** The call, as `close[3]#1`; the second attempt is `#2`. */
  readonly key?: string;
}

/** The kept part of a run's end. */
export interface RunResult {
  readonly output?: unknown;
  readonly error?: FlowEnd['error'];
  readonly steps?: JsonObject;
  readonly attention?: readonly Attention[];
}

const STORED_BYTES = 256 * 1024;

export function storedResult(result: RunResult): string {
  const { output, steps, ...rest } = result;
  const text = printExact(output);
  const large = text !== undefined && text.length > STORED_BYTES;
  const kept = large ? { $large: { bytes: Buffer.byteLength(text), preview: text.slice(0, 500) } } : output;
  return printExact({
    ...rest,
    ...(kept !== undefined && { output: kept }),
    ...(steps && { steps: withoutLarge(steps) }),
  }) as string;
}

export function viewOf(
  run: Pick<RunRow, 'id' | 'workflow' | 'status' | 'startedAt' | 'finishedAt'>,
  result: RunResult,
): RunView {
  const { output, error, steps, attention = [] } = result;
  return {
    run_id: run.id,
    workflow: run.workflow,
    status: run.status,
    ...(output !== undefined && { output }),
    ...(error && { error }),
    ...(steps && { steps }),
    ...(attention.length > 0 && { attention }),
    ...(run.status === 'needs_attention' && { next: nextStep(run.id, attention) }),
    started_at: new Date(run.startedAt).toISOString(),
    ...(run.finishedAt !== null && { finished_at: new Date(run.finishedAt).toISOString() }),
  };
}

/** The view with large outputs cut short. */
export function briefView(view: RunView): RunView {
  return view.steps === undefined ? view : { ...view, steps: withoutLarge(view.steps) };
}

/** The view with one step only. @throws RpcError where there is no such step. */
export function viewOfStep(view: RunView, step: string): RunView {
  const steps = view.steps ?? {};
  const found = steps[step];
  if (found === undefined)
    throw invalidRequest(`There is no step "${step}"; there are: ${listed(Object.keys(steps))}`);
  return { ...view, steps: { [step]: found } };
}

export function readStored(text: string | null): RunResult {
  const value: unknown = text === null ? {} : parseExact(text);
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null)) as RunResult;
}
