/** A workflow as a Mermaid graph. */
import type { Program, Step } from '../definition/program.ts';

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

/** A step in a few words, for drawings. */
function stepLabel({ id, kind, work, foreach, when, undo }: Step): string {
  const what = work.kind === 'tool' ? work.tool : work.kind === 'workflow' ? work.name : kind;
  const marks = [foreach && 'for each', when && 'when', undo && 'undo'].filter((mark) => mark !== undefined);
  return `${id}: ${what}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** A workflow drawn in text, level by level, with the steps that each waits for: `←` brings data, `⇠` only an order. */
export function planText({ steps }: Program, levels: readonly (readonly string[])[]): string {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const rows = levels.flatMap((ids, level) =>
    ids.map((id, index) => {
      const step = byId.get(id);
      const needs = (data: boolean): string =>
        (step?.needs ?? [])
          .filter((need) => need.data === data)
          .map((need) => need.id)
          .join(', ');
      const arrows = [
        needs(true) === '' ? '' : `← ${needs(true)}`,
        needs(false) === '' ? '' : `⇠ ${needs(false)}`,
      ].filter((arrow) => arrow !== '');
      const number = index === 0 ? String(level + 1) : '';
      return { number, branch: branch(index, ids.length), label: step ? stepLabel(step) : id, arrows };
    }),
  );
  const numbers = String(levels.length).length;
  const widest = Math.max(0, ...rows.map(({ label }) => label.length));
  return rows
    .map(({ number, branch: drawn, label, arrows }) =>
      `${number.padStart(numbers)} ${drawn} ${label.padEnd(widest)}  ${arrows.join('  ')}`.trimEnd(),
    )
    .join('\n');
}

function branch(index: number, count: number): string {
  if (count === 1) return '─';
  if (index === 0) return '┬';
  return index === count - 1 ? '└' : '├';
}
