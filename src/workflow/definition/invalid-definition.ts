import { type Problem, problemText } from './problem.ts';

/** A definition with mistakes: all of them at once. */
export class InvalidDefinition extends Error {
  override readonly name = 'InvalidDefinition';
  readonly errors: readonly Problem[];

  constructor(errors: readonly Problem[]) {
    super(errors.map(problemText).join('\n'));
    this.errors = errors;
  }
}
