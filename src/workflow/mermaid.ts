/** A workflow as a Mermaid graph. */
import type { Program, Step } from './definition/program.ts';
import { stepLabel } from './step-label.ts';

export function mermaid({ steps }: Program): string {
  const lines = ['flowchart TD'];
  for (const step of steps) lines.push(`  ${step.id}${shape(step)}`);
  for (const step of steps)
    for (const { id, data } of step.needs) lines.push(`  ${id} ${data ? '-->' : '-.->'} ${step.id}`);
  return lines.join('\n');
}

function shape(step: Step): string {
  const label = quoted(stepLabel(step));
  if (step.kind === 'approve') return `{{${label}}}`;
  if (step.kind === 'wait') return `([${label}])`;
  return step.kind === 'workflow' ? `[[${label}]]` : `[${label}]`;
}

/** Mermaid reads quotes and brackets in labels as its own. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["<>[\]{}|]/g, ' ')}"`;
}
