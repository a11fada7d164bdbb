/** What has become of a step, or of one item of it. */
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
  /** With `foreach`: what failed. */
  readonly errors?: readonly ItemError[];
  /** It has had its effect, whatever its status says: an undo is due. */
  readonly happened?: boolean;
  /** It was cut off in mid-call: nobody knows whether it has happened. */
  readonly unsure?: boolean;
  /** An approval that was answered with no. */
  readonly rejected?: boolean;
  /** Why it is skipped lies in a failure, not in a condition of its own. */
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
  /** Of a `foreach`: done, and in all. */
  items: { done: number; total: number } | undefined;
  /** Where an undo has failed. */
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
