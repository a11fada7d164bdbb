/** The state and the result of a step, or of one item of it. */
import type { Need } from '../definition/program.ts';
import type { StepError } from './port.ts';

export type StepStatus =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'in_doubt'
  | 'undone'
  | 'undo_failed'
  | 'cancelled';

export interface Result {
  readonly status: 'succeeded' | 'failed' | 'skipped' | 'cancelled' | 'in_doubt';
  readonly output?: unknown;
  readonly raw?: unknown;
  readonly error?: StepError | undefined;
  readonly reason?: string;
  readonly attempts: number;
  /** The items of a `foreach` that failed. */
  readonly errors?: readonly ItemError[];
  /** The step has had its effect, whatever its status: an undo is due. */
  readonly happened?: boolean;
  /** The step was cut off in mid-call: its outcome is unknown. */
  readonly unsure?: boolean;
  /** The approval was refused. */
  readonly rejected?: boolean;
  /** The step was skipped because of a failure, not by a condition of its own. */
  readonly afterFailure?: boolean;
  /** Skipped because the run was halted before the step could begin. */
  readonly halted?: boolean;
}

export interface ItemError {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export interface StepState {
  status: StepStatus;
  result: Result | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  attempts: number;
  /** The items of a `foreach`. */
  items: { done: number; total: number } | undefined;
  /** One text for each undo that has failed. */
  undoErrors: string[];
}

export function newState(): StepState {
  return {
    status: 'pending',
    result: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    attempts: 0,
    items: undefined,
    undoErrors: [],
  };
}

/** The reason why a step cannot run, given the result of one that it needs. */
export function reasonToSkip({ id, data, looks, output }: Need, result: Result): Partial<Result> | undefined {
  if (looks) return undefined;
  if (result.status === 'succeeded') {
    // A step that only comes after an approval is guarded by it.
    if (result.rejected !== true || output) return undefined;
    return { reason: `"${id}" was rejected`, afterFailure: false };
  }
  if (result.status === 'skipped' && result.afterFailure !== true) {
    if (!data) return undefined;
    return {
      reason: `"${id}" was skipped${result.reason === undefined ? '' : ` (${result.reason})`}`.slice(0, 500),
      afterFailure: false,
    };
  }
  return {
    reason: `"${id}" ${result.status === 'in_doubt' ? 'is in doubt' : result.status === 'skipped' ? 'was skipped after a failure' : result.status}`,
    afterFailure: true,
  };
}

/** The variable `steps.NAME` of expressions. */
export function resultVariable(
  { status, output, raw, error, errors, attempts }: Result,
  state: StepState,
): unknown {
  const found: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const duration =
    state.startedAt === undefined ? 0 : (state.finishedAt ?? state.startedAt) - state.startedAt;
  Object.assign(found, { status, attempts, duration_ms: duration });
  // A part that is not there is missing, and not null: has() tells.
  if (output !== undefined) found['output'] = output;
  if (raw !== undefined) found['raw'] = raw;
  if (error) found['error'] = { code: error.code, message: error.message };
  if (errors) found['errors'] = errors;
  return found;
}
