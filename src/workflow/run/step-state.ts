/** The state and the result of a step, or of one item of it. */
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
