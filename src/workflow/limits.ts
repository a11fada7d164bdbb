/** What a definition and a run may use. Every limit is checked before the first call, or before the step that would break it. */
export interface Limits {
  readonly steps: number;
  readonly items: number;
  /** Runs at work at a time in this process; one that only waits for a person or a time does not count. */
  readonly runs: number;
  /** Of all results of one run. */
  readonly resultBytes: number;
  /** Workflows within workflows. */
  readonly nesting: number;
  readonly definitionBytes: number;
  readonly inputBytes: number;
  /** One evaluation of an expression that came in a call, and one check of an input. */
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
