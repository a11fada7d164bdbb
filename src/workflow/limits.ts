/** Limits of definitions and runs, each checked before the first call, or before the step that would exceed it. */
export interface Limits {
  readonly steps: number;
  readonly items: number;
  /** Runs at work at a time in this process; a run that waits for somebody does not count. */
  readonly runs: number;
  /** Bytes of all results of one run. */
  readonly resultBytes: number;
  /** Depth of workflows within workflows. */
  readonly nesting: number;
  readonly definitionBytes: number;
  readonly inputBytes: number;
  /** Milliseconds for one evaluation of an expression that came in a call, and for one check of an input. */
  readonly evaluationMs: number;
  /** Finished runs that are kept. */
  readonly keptRuns: number;
}

export const DEFAULT_LIMITS: Limits = {
  steps: 1000,
  items: 10_000,
  runs: 100,
  resultBytes: 64 * 1024 * 1024,
  nesting: 8,
  definitionBytes: 1024 * 1024,
  inputBytes: 16 * 1024 * 1024,
  evaluationMs: 100,
  keptRuns: 1000,
};
