/** Facts with fields, then a short sentence; never arguments or secrets. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** A line of a server's stderr, cleaned, and how many before it were left out. Without it, one is logged at debug. */
  stderrOf?(server: string, line: string, leftOut: number): void;
}
