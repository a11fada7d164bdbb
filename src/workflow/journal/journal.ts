import type { JsonObject } from '../../json/json.ts';

/**
 * What is written down about runs, and how it is asked for.
 *
 * All changes of one commit are durable together or not at all, and in order: what can be read back is always
 * a prefix of what was written.
 */
export interface Journal {
  /** @throws JournalError nothing of it was written. */
  commit(changes: readonly Change[]): Promise<void>;
  runs(filter: RunFilter): Promise<readonly RunRow[]>;
  run(id: string): Promise<RunRow | undefined>;
  entries(runId: string): Promise<readonly Entry[]>;
  /** Takes a run from its owner, if it still is the owner. */
  claim(runId: string, from: string, to: string): Promise<boolean>;
  /** Words for runs that other processes left here. */
  signals(owner: string): Promise<readonly SignalRow[]>;
  close(): Promise<void>;
}

export type RunStatus = 'running' | 'succeeded' | 'failed' | 'rolled_back' | 'cancelled' | 'needs_attention';

export interface RunRow {
  readonly id: string;
  readonly workflow: string;
  /** Who may see it. */
  readonly client: string;
  readonly status: RunStatus;
  /** The lease: empty where nobody works on it. */
  readonly owner: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly interpreter: number;
  /** JSON: definition, saved workflows, tools, input, seeds. */
  readonly plan: string;
  /** JSON: output, error, steps, attention; when it has ended or is parked. */
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
  /** JSON. Of events a list: those of one transaction share an entry. */
  readonly data: string;
}

/** What became of a step or of the run. */
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
