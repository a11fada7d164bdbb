/** A workflow as a Mermaid graph, and as lines of text. */
import type { Plan } from './plan.ts';
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

/** For the terminal. */
export function planText({
  levels,
  critical_path: path,
  tools,
  max_calls: calls,
  approvals,
  no_undo: noUndo,
  resume,
}: Plan): string {
  const asks = Object.entries(resume).filter(([, how]) => how === 'asks_a_person');
  return [
    ...levels.map((steps, index) => `${String(index + 1).padStart(3)}  ${steps.join('   ')}`),
    '',
    `longest way   ${path.join(' → ')}`,
    ...Object.entries(tools).map(
      ([name, { server, health, annotations }]) =>
        `tool          ${name}  (${server}, ${health}${annotations['readOnlyHint'] === true ? ', read-only' : ''})`,
    ),
    `most calls    ${calls}`,
    ...(approvals.length > 0
      ? [`asks          ${approvals.map(({ step, by }) => `${step} (${by})`).join(', ')}`]
      : []),
    ...(noUndo.length > 0 ? [`no undo       ${noUndo.join(', ')}`] : []),
    ...(asks.length > 0 ? [`after a crash ${asks.map(([step]) => step).join(', ')} may need a person`] : []),
  ].join('\n');
}
