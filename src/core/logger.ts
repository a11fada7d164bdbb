/** Facts with fields, then a short sentence; never arguments or secrets. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** Logs a line of a server's stderr, cleaned, with the number of lines dropped before it. Default: `debug`. */
  stderrOf?(server: string, line: string, leftOut: number): void;
}
