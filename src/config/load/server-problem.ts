import type { NodePath } from '../text/tree.ts';

/** A fault within one entry. */
export interface ServerProblem {
  /** Keys from the entry on. */
  readonly path: NodePath;
  readonly message: string;
}
