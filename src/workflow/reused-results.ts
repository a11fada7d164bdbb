import type { JsonObject } from '../json/json.ts';
import type { Program } from './definition/program.ts';
import type { Result, StepStatus } from './run/step-state.ts';

/** What a run that begins at a step takes over from an earlier one: all that has ended well and does not follow from that step. */
export function reusedResults(start: string, { steps }: Program, before: JsonObject): Record<string, Result> {
  const anew = new Set([start]);
  for (let size = 0; size !== anew.size;) {
    size = anew.size;
    for (const { id, needs } of steps) if (needs.some((need) => anew.has(need.id))) anew.add(id);
  }
  const seeds: Record<string, Result> = {};
  for (const { id } of steps) {
    const view = (before[id] ?? {}) as {
      readonly status?: StepStatus;
      readonly output?: unknown;
      readonly attempts?: number;
      readonly reason?: string;
    };
    if (anew.has(id) || (view.status !== 'succeeded' && view.status !== 'skipped')) continue;
    if (view.status === 'skipped' && view.reason?.startsWith('the run stopped') === true) continue;
    seeds[id] = {
      status: view.status,
      attempts: view.attempts ?? 0,
      ...(view.output !== undefined && { output: view.output }),
      ...(view.reason !== undefined && { reason: view.reason }),
    };
  }
  return seeds;
}
