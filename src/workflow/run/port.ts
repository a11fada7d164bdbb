/**
 * The interface between the interpreter and what makes it durable; nothing else lies between the two.
 *
 * The interpreter is deterministic: given the same outcomes in the same order it asks for the same things in the
 * same order. So a run that was interrupted is played again from its start: what has an outcome is not done again.
 */
import type { Cancellation } from '../../core/cancellation.ts';
import type { Delivered } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../json/json.ts';

export interface Port {
  /** Does the work once its intent is on record. A key has one outcome for ever. */
  step(key: string, intent: JsonObject, work: (signal: Cancellation) => Promise<Outcome>): void;
  /** Finishes at a time of day, milliseconds. */
  sleep(key: string, until: number): void;
  /** Finishes when somebody answers. */
  signal(key: string): void;
  /** Waits for the first of these to finish, as journaled. */
  first(pending: Pending): Promise<Finished>;
  /** Ends the waiting for a key. */
  drop(key: string): void;
  /** Asks the work in flight to end early; its outcome is still awaited. */
  abort(key: string, reason: string): void;
  /** The time of the last outcome that was handed out, milliseconds. */
  now(): number;
  id(): string;
  /** Puts a fact on record; a replay does not write it again. */
  emit(event: JsonObject): void;
}

export interface Pending {
  has(key: string): boolean;
}

export interface Finished {
  readonly key: string;
  readonly outcome: Outcome;
  /** The end as a time of day, and the duration, both in milliseconds. */
  readonly at: number;
  readonly ms: number;
}

/** `in_doubt`: the work was begun, and its outcome is unknown. */
export type Outcome =
  | { readonly kind: 'done'; readonly value: Json }
  | { readonly kind: 'failed'; readonly error: StepError }
  | { readonly kind: 'in_doubt'; readonly error: StepError };

export function valueOf({ outcome }: Finished): unknown {
  return outcome.kind === 'done' ? outcome.value.exact : undefined;
}

export interface StepError {
  /** The codes of the interface, `TOOL_ERROR` for a tool's own error, `EXPRESSION_FAILED`. */
  readonly code: string;
  readonly message: string;
  readonly delivered?: Delivered;
  /** The proxy ended during the call. */
  readonly crashed?: boolean;
  /** Milliseconds that the server asked us to wait. */
  readonly retryAfterMs?: number;
}
