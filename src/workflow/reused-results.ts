import type { Program } from './definition/program.ts';
import type { Result, StepState } from './run/step-state.ts';

/** Results that a new run takes over when it begins at a step: of steps that have ended well and do not follow from it. */
export function reusedResults(
  start: string,
  { steps }: Program,
  before: ReadonlyMap<string, StepState>,
): Record<string, Result> {
  const anew = new Set([start]);
  for (let size = 0; size !== anew.size;) {
    size = anew.size;
    for (const { id, needs } of steps) if (needs.some((need) => anew.has(need.id))) anew.add(id);
  }
  const reused: Record<string, Result> = {};
  for (const { id } of steps) {
    const { status, result } = before.get(id) ?? {};
    if (anew.has(id) || !result || (status !== 'succeeded' && status !== 'skipped')) continue;
    if (result.halted === true) continue;
    const { attempts, output, reason } = result;
    reused[id] = {
      status,
      attempts,
      ...(output !== undefined && { output }),
      ...(reason !== undefined && { reason }),
    };
  }
  return reused;
}
