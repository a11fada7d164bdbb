/**
 * A routine is a step at work: it asks for one thing at a time and is resumed with the result.
 *
 * Generators and no promises: between two outcomes nothing is awaited, so the order of all that happens follows
 * from the order of the outcomes alone.
 */
import type { Cancellation } from '../../core/cancellation.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Finished, Outcome } from './port.ts';

export type Routine<T> = Generator<RoutineRequest, T, Resumed>;

export type RoutineRequest = CallAsk | RaceAsk | ParkAsk;

/** Work that takes one of the run's places. */
export interface CallAsk {
  readonly ask: 'call';
  readonly key: string;
  readonly intent: JsonObject;
  readonly work: (signal: Cancellation) => Promise<Outcome>;
}

/** Waits for a time or for an answer, whichever comes first. */
export interface RaceAsk {
  readonly ask: 'race';
  readonly sleep?: { readonly key: string; readonly until: number } | undefined;
  readonly signal?: string | undefined;
  /** The halt that ends the waiting; an unknown outcome is awaited even after a failure elsewhere. */
  readonly ends: 'with-run' | 'when-cancelled' | 'never';
}

/** Waits for other routines; `start` is given the function that resumes this one. */
export interface ParkAsk {
  readonly ask: 'park';
  readonly start: (resume: (value: unknown) => void) => void;
}

export interface Resumed {
  readonly finished?: Finished;
  /** The run ends: nothing is waited for any more. */
  readonly interrupted?: boolean;
  readonly value?: unknown;
}
