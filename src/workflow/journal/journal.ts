import type { JsonObject } from '../../json/json.ts';

/**
 * The record of all runs.
 *
 * The changes of one commit become durable together, in order, or not at all: a reader always gets a prefix of what was
 * written.
 */
export interface Journal {
  /** @throws JournalError where nothing was written. */
  commit(changes: readonly Change[]): Promise<void>;
  runs(filter: RunFilter): Promise<readonly RunRow[]>;
  run(id: string): Promise<RunRow | undefined>;
  entries(runId: string): Promise<readonly Entry[]>;
  /** Changes a run's owner, if `from` still owns the run. */
  claim(runId: string, from: string, to: string): Promise<boolean>;
  /** Answers and cancellations that other processes left for an owner's runs. */
  signals(owner: string): Promise<readonly SignalRow[]>;
  close(): Promise<void>;
}

export type RunStatus = 'running' | 'succeeded' | 'failed' | 'rolled_back' | 'cancelled' | 'needs_attention';

export interface RunRow {
  readonly id: string;
  readonly workflow: string;
  /** The owner among clients: the run is visible to this one only. */
  readonly client: string;
  readonly status: RunStatus;
  /** The lease of the process at work; empty where no process works on the run. */
  readonly owner: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly interpreter: number;
  /** JSON: definition, saved workflows, tools, input, seeds. */
  readonly plan: string;
  /** JSON: output, error, steps, attention; set when the run has ended or is parked. */
  readonly result: string | null;
}

export interface RunFilter {
  readonly client?: string | undefined;
  readonly status?: RunStatus | undefined;
  readonly unfinished?: boolean;
  readonly limit: number;
}

export type EntryKind = 'intent' | 'outcome' | 'event' | 'note';

export interface Entry {
  readonly seq: number;
  readonly key: string;
  readonly kind: EntryKind;
  readonly at: number;
  /** JSON; a list for events, since those of one transaction share an entry. */
  readonly data: string;
}

/** A change of a step or of the run. */
export interface RunEvent extends JsonObject {
  readonly at: number;
}

export function eventsOf({ data }: Entry): readonly RunEvent[] {
  return JSON.parse(data) as RunEvent[];
}

export interface SignalRow {
  readonly runId: string;
  readonly key: string;
  readonly data: string;
}

export type Change =
  | { readonly type: 'run'; readonly row: RunRow }
  | {
      readonly type: 'entry';
      readonly runId: string;
      readonly entry: Entry;
      readonly blob?: Blob | undefined;
    }
  | {
      readonly type: 'status';
      readonly runId: string;
      readonly status: RunStatus;
      readonly finishedAt: number | null;
      readonly result: string | null;
      readonly owner?: string;
    }
  | { readonly type: 'signal'; readonly signal: SignalRow }
  | { readonly type: 'taken'; readonly runId: string; readonly key: string }
  | { readonly type: 'prune'; readonly keep: number };

/** A large result: stored once, and named by its hash in the entry's data. */
export interface Blob {
  readonly hash: string;
  readonly body: string;
}

export class JournalError extends Error {
  override readonly name = 'JournalError';
}
