/** What a step is, in a few words for drawings. */
import type { Step } from './definition/program.ts';

export function stepLabel({ id, kind, work, foreach, when, undo }: Step): string {
  const what = work.kind === 'tool' ? work.tool : work.kind === 'workflow' ? work.name : kind;
  const marks = [foreach && 'for each', when && 'when', undo && 'undo'].filter((mark) => mark !== undefined);
  return `${id}: ${what}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}
