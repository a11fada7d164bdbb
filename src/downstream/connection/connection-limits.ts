/** Bounds for what one server may send, named as the keys of `limits` in the config. */
export interface ConnectionLimits {
  /** Nesting of one message. */
  readonly depth: number;
  /** Elements and members in one message. */
  readonly values: number;
  /** Items of one list. */
  readonly tools: number;
  /** Pages of one list. */
  readonly pages: number;
  /** All pages of one list together. */
  readonly listBytes: number;
  /** Parts of one result. */
  readonly contentParts: number;
  /** Progress of one call; beyond the bound only the newest counts. */
  readonly progressPerSecond: number;
  /** Log messages to one client or call, and updates of resources; the rest is counted. */
  readonly noticesPerSecond: number;
  /** Questions of the server that wait for an answer. */
  readonly questions: number;
}
