/** The steps that a step waits for, and circles among them. */
import type { Reference } from '../../expression/guards.ts';
import type { Need, Step } from './program.ts';

export function needsOf(references: readonly Reference[], after: readonly string[]): Need[] {
  const needs = new Map<string, Need>();
  const add = (id: string, more: Partial<Need>): void => {
    const known = needs.get(id) ?? { id, data: false, looks: false, output: false };
    needs.set(id, {
      id,
      data: known.data || more.data === true,
      looks: known.looks || more.looks === true,
      output: known.output || more.output === true,
    });
  };
  for (const { path, tested } of references) {
    const [root, id, field] = path;
    if (root !== 'steps' || id === undefined) continue;
    const looks = tested || field === 'status' || field === 'error' || field === 'errors';
    add(id, { data: true, looks, output: field === 'output' || field === 'raw' });
  }
  for (const id of after) add(id, {});
  return [...needs.values()];
}

/** One path from a step back to itself: `a → b → a`. */
export function cycleIn(
  steps: readonly Step[],
): { readonly path: readonly string[]; readonly index: number } | undefined {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const done = new Set<string>();
  for (const start of steps) {
    const trail: { readonly step: Step; next: number }[] = [];
    const onTrail = new Set<string>();
    const enter = (step: Step): void => {
      trail.push({ step, next: 0 });
      onTrail.add(step.id);
    };
    if (!done.has(start.id)) enter(start);
    for (let top = trail.at(-1); top; top = trail.at(-1)) {
      const need = top.step.needs[top.next++];
      if (!need) {
        done.add(top.step.id);
        onTrail.delete(top.step.id);
        trail.pop();
        continue;
      }
      const step = byId.get(need.id);
      if (!step || done.has(need.id)) continue;
      if (!onTrail.has(need.id)) {
        enter(step);
        continue;
      }
      const from = trail.findIndex((entry) => entry.step.id === need.id);
      return { path: [...trail.slice(from).map((entry) => entry.step.id), need.id], index: step.index };
    }
  }
  return undefined;
}
