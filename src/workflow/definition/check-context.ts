/** The surroundings that a definition is checked against. */
import type { Compile } from '../../expression/compile.ts';
import type { Limits } from '../limits.ts';
import type { Tools } from '../tools.ts';

export interface CheckContext {
  /** `undefined`: not checked; a run that goes on meets the tools as they are. */
  readonly tools: Tools | undefined;
  /** Names of the saved workflows, for `workflow` steps. */
  readonly saved: Iterable<string>;
  readonly limits: Limits;
  readonly compile: Compile;
  /** The definition came in a call: its expressions run under a deadline. */
  readonly untrusted: boolean;
}
