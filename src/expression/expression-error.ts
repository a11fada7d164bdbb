/** An expression that cannot be read or evaluated: what is wrong in it, and what to write instead. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** The expression as it was written. */
  readonly text: string;
  /** The text to write instead, where one is known. */
  readonly fix: string | undefined;

  constructor(text: string, message: string, fix?: string) {
    super(message);
    this.text = text;
    this.fix = fix;
  }
}
