import type { ToldProblem } from './problem.ts';
import type { StepKind, WrittenStep } from './schema.ts';

/** Refuses keys that have no meaning for this kind of step, which would otherwise be ignored silently. */
export function checkKeys(step: WrittenStep, kind: StepKind, path: string, problem: ToldProblem): void {
  const calls = kind === 'tool' || kind === 'workflow' || kind === 'sample';
  const refuse = (key: keyof WrittenStep, why: string): void => {
    if (step[key] !== undefined) problem(`${path}.${key}`, why);
  };
  if (!calls) {
    for (const key of ['retry', 'timeout', 'fallback'] as const)
      refuse(
        key,
        `a "${kind}" step has no "${key}"${kind === 'approve' && key === 'timeout' ? ': it stands within "approve"' : ''}`,
      );
  }
  if (kind !== 'tool' && kind !== 'workflow') refuse('with', `a "${kind}" step has no "with"`);
  if (kind !== 'tool')
    for (const key of ['verify', 'on_resume', 'unsafe'] as const)
      refuse(key, `only a "tool" step has "${key}"`);
  if (kind !== 'tool' && kind !== 'workflow') refuse('undo', `only a "tool" or "workflow" step has "undo"`);
  if (step.foreach === undefined)
    for (const key of ['concurrency', 'on_item_error'] as const) refuse(key, `"${key}" needs "foreach"`);
  if (step.foreach !== undefined && (kind === 'approve' || kind === 'wait' || kind === 'set'))
    refuse('foreach', `a "${kind}" step has no "foreach"${kind === 'set' ? ': use list.map(x, …)' : ''}`);
  if (step.on_resume === 'verify' && step.verify === undefined)
    problem(`${path}.on_resume`, '"verify" needs a "verify" with tool, with and done');
}
