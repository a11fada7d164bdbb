/** A workflow as a Mermaid graph. */
import type { Program, Step } from './definition/program.ts';

export function mermaid({ steps }: Program): string {
  const lines = ['flowchart TD'];
  for (const step of steps) lines.push(`  ${step.id}${shape(step)}`);
  for (const step of steps)
    for (const { id, data } of step.needs) lines.push(`  ${id} ${data ? '-->' : '-.->'} ${step.id}`);
  return lines.join('\n');
}

function shape(step: Step): string {
  const label = quoted(labelOf(step));
  if (step.kind === 'approve') return `{{${label}}}`;
  if (step.kind === 'wait') return `([${label}])`;
  return step.kind === 'workflow' ? `[[${label}]]` : `[${label}]`;
}

function labelOf({ id, kind, work, foreach, when, undo }: Step): string {
  const what = work.kind === 'tool' ? work.tool : work.kind === 'workflow' ? work.name : kind;
  const marks = [foreach && 'for each', when && 'when', undo && 'undo'].filter((mark) => mark !== undefined);
  return `${id}: ${what}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** Mermaid reads quotes and brackets in labels as its own. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["<>[\]{}|]/g, ' ')}"`;
}
