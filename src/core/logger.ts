/** Facts with fields, then a short sentence; never arguments or secrets. pino's loggers fit. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
