/** Reads a saved name or a definition, with the saved workflows that it runs: checked, or with every mistake. */
import { printExact } from '../../json/exact-json.ts';
import { isObject } from '../../json/json.ts';
import { listed, nearest } from '../../core/nearest.ts';
import type { Compile } from '../../expression/compile.ts';
import { checkDefinition } from '../definition/check-definition.ts';
import { type Problem, problemText } from '../definition/problem.ts';
import type { Program } from '../definition/program.ts';
import type { Limits } from '../limits.ts';
import type { PlanContext } from '../plan/plan.ts';
import type { SavedFile } from './saved.ts';
import type { Tools } from '../tools.ts';

export interface ReadWorkflow {
  readonly program: Program;
  readonly name: string;
  readonly definition: unknown;
  readonly untrusted: boolean;
  readonly context: PlanContext;
  readonly saved: Readonly<Record<string, unknown>>;
}

export interface SavedLookup {
  readonly files: readonly SavedFile[];
  readonly limits: Limits;
  readonly compile: Compile;
}

export function readWorkflow(
  workflow: unknown,
  known: Tools,
  lookup: SavedLookup,
): ReadWorkflow | { readonly errors: readonly Problem[] } {
  const { files, limits, compile } = lookup;
  const found = find(workflow, files);
  if ('errors' in found) return found;
  const { definition, untrusted } = found;
  if (untrusted && (printExact(definition) ?? '').length > limits.definitionBytes)
    return { errors: [{ path: '', message: `a definition has at most ${limits.definitionBytes} bytes` }] };
  const names = files.map(({ name }) => name);
  const { program, problems } = checkDefinition(definition, {
    tools: known,
    saved: names,
    limits,
    compile,
    untrusted,
  });
  if (!program) return { errors: problems };
  const inner = collect(program, known, { ...lookup, path: [found.name] });
  if ('errors' in inner) return inner;
  return {
    program,
    name: found.name,
    definition,
    untrusted,
    context: { tools: known, limits, programs: inner.programs },
    saved: inner.saved,
  };
}

function find(
  workflow: unknown,
  files: readonly SavedFile[],
):
  | { readonly name: string; readonly definition: unknown; readonly untrusted: boolean }
  | { readonly errors: readonly Problem[] } {
  if (typeof workflow === 'string') {
    const saved = files.find(({ name }) => name === workflow);
    if (saved) return { name: saved.name, definition: saved.definition, untrusted: false };
    const names = files.map(({ name }) => name);
    const near = nearest(workflow.replace(/^workflow__/, ''), names);
    return {
      errors: [
        {
          path: 'workflow',
          message: `there is no saved workflow "${workflow}"; there are: ${listed(names)}`,
          ...(near !== undefined && { nearest: near, fix: JSON.stringify(near) }),
        },
      ],
    };
  }
  if (!isObject(workflow))
    return {
      errors: [
        {
          path: 'workflow',
          message: 'expected the name of a saved workflow, or a definition with "steps"',
        },
      ],
    };
  const name = typeof workflow['name'] === 'string' ? workflow['name'] : 'inline';
  return { name, definition: workflow, untrusted: true };
}

/** Collects the saved workflows that a workflow runs, at any depth. */
function collect(
  program: Program,
  known: Tools,
  { path, ...lookup }: SavedLookup & { readonly path: readonly string[] },
):
  | { readonly programs: Map<string, Program>; readonly saved: Record<string, unknown> }
  | { readonly errors: readonly Problem[] } {
  const { files, limits, compile } = lookup;
  const programs = new Map<string, Program>();
  const saved: Record<string, unknown> = {};
  const names = files.map(({ name }) => name);
  for (const { work, index } of program.steps) {
    if (work.kind !== 'workflow' || programs.has(work.name)) continue;
    const place = `steps[${index}].workflow`;
    const trail = [...path, work.name];
    if (path.includes(work.name))
      return {
        errors: [
          {
            path: place,
            message: `the workflows run each other: ${trail.slice(path.indexOf(work.name)).join(' → ')}`,
          },
        ],
      };
    if (trail.length > limits.nesting)
      return {
        errors: [
          {
            path: place,
            message: `workflows are nested more than ${limits.nesting} deep: ${trail.join(' → ')}`,
          },
        ],
      };
    const definition = files.find(({ name }) => name === work.name)?.definition;
    const { program: inner, problems } = checkDefinition(definition, {
      tools: known,
      saved: names,
      limits,
      compile,
      untrusted: false,
    });
    if (!inner)
      return {
        errors: [
          {
            path: place,
            message: `the saved workflow "${work.name}" has mistakes: ${problems.map(problemText).join('; ')}`,
          },
        ],
      };
    const deeper = collect(inner, known, { ...lookup, path: trail });
    if ('errors' in deeper) return deeper;
    programs.set(work.name, inner);
    saved[work.name] = definition;
    for (const [name, one] of deeper.programs) programs.set(name, one);
    Object.assign(saved, deeper.saved);
  }
  return { programs, saved };
}
