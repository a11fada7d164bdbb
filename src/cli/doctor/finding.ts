/** One thing that is wrong on this machine. */
export interface Finding {
  /** `error`: something does not work. */
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly cause: string;
  readonly remedy: string;
  /** A remedy that is safe without asking: it touches only the state folder and what can be fetched anew. */
  readonly fix?: () => Promise<void>;
  /** The proof that the remedy leaves out, for those who read that it is mended. */
  readonly untried?: string;
}
