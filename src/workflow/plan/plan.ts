/** The plan of a workflow: its steps, tools, calls and risks, found without running it. Pure. */
import type { Program, Step } from '../definition/program.ts';
import type { Limits } from '../limits.ts';
import { mermaid } from './plan-drawings.ts';
import { planText } from './plan-drawings.ts';
import { isReadOnly, type Tools } from '../tools.ts';
import type { JsonObject } from '../../json/json.ts';

export interface Plan {
  /** Steps that may run side by side, after all that they need. For people: the engine knows no levels. */
  readonly levels: readonly (readonly string[])[];
  readonly critical_path: readonly string[];
  readonly tools: Readonly<Record<string, PlannedTool>>;
  /** The largest possible number of calls, attempts and undoing included. */
  readonly max_calls: number;
  readonly approvals: readonly { readonly step: string; readonly by: 'person' | 'caller' }[];
  /** Steps that write and cannot be undone by the run. */
  readonly no_undo: readonly string[];
  /** After a crash in mid-step the run goes on by itself, or asks a person. */
  readonly resume: Readonly<Record<string, 'by_itself' | 'asks_a_person'>>;
  /** The same graph for a terminal. */
  readonly text: string;
  readonly mermaid: string;
}

export interface PlannedTool {
  readonly server: string;
  readonly health: string;
  readonly annotations: JsonObject;
  readonly safe_to_repeat: boolean;
}

export interface PlanContext {
  readonly tools: Tools;
  readonly limits: Limits;
  /** Saved workflows that steps run, by name. */
  readonly programs: ReadonlyMap<string, Program>;
}

export function planOf(program: Program, context: PlanContext): Plan {
  const { steps } = program;
  const depth = depthsOf(steps);
  const levels: string[][] = [];
  for (const { id, index } of steps) (levels[depth[index] as number] ??= []).push(id);
  return {
    levels,
    critical_path: criticalPath(steps, depth),
    tools: Object.fromEntries(
      [...toolsOf(program, context.programs)].map((name) => [name, plannedTool(name, context.tools)]),
    ),
    max_calls: maxCalls(program, context, 0),
    approvals: steps.flatMap(({ id, work }) => (work.kind === 'approve' ? [{ step: id, by: work.by }] : [])),
    no_undo: steps.filter((step) => writes(step, context) && !step.undo).map(({ id }) => id),
    resume: Object.fromEntries(
      steps.map((step) => [step.id, resumes(step, context) ? 'by_itself' : 'asks_a_person']),
    ),
    text: planText(program, levels),
    mermaid: mermaid(program),
  };
}

/** Every tool that a run may call, those of saved workflows within included. */
export function toolsOf(
  program: Program,
  programs: ReadonlyMap<string, Program>,
  seen = new Set<string>(),
): Set<string> {
  const names = new Set<string>();
  for (const { work, undo, fallback } of program.steps) {
    const inner = fallback && 'invocation' in fallback ? fallback.invocation : undefined;
    for (const part of [work, undo, inner]) {
      if (part?.kind !== 'tool') continue;
      names.add(part.tool);
      if (part.verify) names.add(part.verify.tool);
    }
    if (work.kind !== 'workflow' || seen.has(work.name)) continue;
    const saved = programs.get(work.name);
    if (saved) for (const name of toolsOf(saved, programs, new Set([...seen, work.name]))) names.add(name);
  }
  return names;
}

function plannedTool(name: string, tools: Tools): PlannedTool {
  const tool = tools.get(name);
  return {
    server: tool?.server ?? '',
    health: tool?.health ?? 'unknown',
    annotations: tool?.annotations ?? {},
    safe_to_repeat: tool?.safeToRepeat ?? false,
  };
}

/** The number of steps before each, on the longest path. */
function depthsOf(steps: readonly Step[]): number[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const depth: number[] = [];
  const pending = steps.map(({ needs }) => needs.length);
  const dependents = steps.map((): Step[] => []);
  for (const step of steps) for (const { id } of step.needs) dependents[byId.get(id)?.index ?? 0]?.push(step);
  const queue = steps.filter(({ needs }) => needs.length === 0);
  for (const { index } of queue) depth[index] = 0;
  for (let step = queue.shift(); step; step = queue.shift())
    for (const next of dependents[step.index] ?? []) {
      depth[next.index] = Math.max(depth[next.index] ?? 0, (depth[step.index] ?? 0) + 1);
      pending[next.index] = (pending[next.index] ?? 0) - 1;
      if (pending[next.index] === 0) queue.push(next);
    }
  return depth;
}

function criticalPath(steps: readonly Step[], depth: readonly number[]): string[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  let last = steps.reduce<Step | undefined>(
    (deepest, step) => (!deepest || (depth[step.index] ?? 0) > (depth[deepest.index] ?? 0) ? step : deepest),
    undefined,
  );
  const path: string[] = [];
  while (last) {
    path.unshift(last.id);
    const level = depth[last.index] ?? 0;
    last = last.needs.map(({ id }) => byId.get(id)).find((step) => step && depth[step.index] === level - 1);
  }
  return path;
}

function maxCalls(program: Program, context: PlanContext, nesting: number): number {
  if (nesting > context.limits.nesting) return 0;
  let calls = 0;
  for (const step of program.steps) {
    const { work, fallback, undo } = step;
    const items = step.foreach ? itemsOf(step, program, context.limits) : 1;
    let each = 0;
    if (work.kind === 'tool' || work.kind === 'sample') each = work.retry.attempts;
    if (work.kind === 'workflow') {
      const inner = context.programs.get(work.name);
      each = inner ? work.retry.attempts * maxCalls(inner, context, nesting + 1) : 0;
    }
    if (fallback && 'invocation' in fallback) each += 1;
    if (undo && program.onError === 'rollback') each += undo.retry.attempts;
    calls += items * each;
  }
  return calls;
}

/** The length of a list that is written down, or that its schema bounds; otherwise the limit. */
function itemsOf({ foreach }: Step, { input }: Program, limits: Limits): number {
  if (foreach && foreach.references.length === 0) {
    try {
      const list = foreach.evaluate({});
      return Array.isArray(list) ? list.length : 0;
    } catch {
      return limits.items;
    }
  }
  const [, name] = /^\s*input\.(\w+)\s*$/.exec(foreach?.text ?? '') ?? [];
  const properties = (input?.['properties'] ?? {}) as Readonly<
    Record<string, { readonly maxItems?: unknown } | undefined>
  >;
  const most = name === undefined ? undefined : properties[name]?.maxItems;
  return typeof most === 'number' ? Math.min(most, limits.items) : limits.items;
}

function writes({ work }: Step, { tools, programs, limits }: PlanContext): boolean {
  if (work.kind === 'tool') return !isReadOnly(tools.get(work.tool));
  if (work.kind !== 'workflow') return false;
  const inner = programs.get(work.name);
  return inner !== undefined && programWrites(inner, { tools, programs, limits });
}

export function programWrites(program: Program, { tools, programs }: PlanContext): boolean {
  return [...toolsOf(program, programs)].some((name) => !isReadOnly(tools.get(name)));
}

function resumes({ work }: Step, context: PlanContext): boolean {
  if (work.kind === 'approve') return false;
  if (work.kind === 'workflow')
    return (
      context.programs
        .get(work.name)
        ?.steps.every((step) => step.work.kind === 'workflow' || resumes(step, context)) ?? false
    );
  if (work.kind !== 'tool') return true;
  const { onResume, verify, tool } = work;
  if (onResume === 'retry' || onResume === 'skip' || onResume === 'fail') return true;
  if (onResume === 'ask') return false;
  return verify !== undefined || (onResume === 'auto' && context.tools.get(tool)?.safeToRepeat === true);
}
