import type { NodePath } from '../text/tree.ts';

/** What is wrong within one entry. */
export interface ServerProblem {
  /** From the entry on. */
  readonly path: NodePath;
  readonly message: string;
}
