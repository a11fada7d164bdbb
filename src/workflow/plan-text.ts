/** A workflow drawn in text: its levels from top to bottom, with what each step waits for. */
import type { Program } from './definition/program.ts';
import { stepLabel } from './step-label.ts';

/** `←` brings data, `⇠` only an order. */
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
