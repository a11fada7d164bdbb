/** The plan of a run, stored with it: the run goes on as it began, whatever changes around it. */
import { checkDefinition } from './definition/check-definition.ts';
import { problemText } from './definition/problem.ts';
import type { Compile } from '../expression/compile.ts';
import { parseExact } from '../json/exact-json.ts';
import type { Program } from './definition/program.ts';
import type { Limits } from './limits.ts';
import type { RunRow } from './journal/journal.ts';
import type { Result } from './run/step-state.ts';

export interface RunPlan {
  readonly name: string;
  readonly definition: unknown;
  /** Saved workflows that it runs within, by name. */
  readonly saved: Readonly<Record<string, unknown>>;
  /** Tools that were safe to repeat. */
  readonly safe: readonly string[];
  readonly input: unknown;
  /** The definition came in a call. */
  readonly untrusted: boolean;
  /** Results of an earlier run, by step. */
  readonly seeds?: Readonly<Record<string, Result>>;
  readonly resumedFrom?: string;
}

export function readPlan({ plan }: Pick<RunRow, 'plan'>): RunPlan {
  return parseExact(plan) as RunPlan;
}

export interface Programs {
  readonly main: Program;
  readonly saved: ReadonlyMap<string, Program>;
}

/** @throws Error where this version cannot read what an earlier one has written. */
export function programsOf(plan: RunPlan, limits: Limits, compile: Compile): Programs {
  const names = Object.keys(plan.saved);
  const compiled = (definition: unknown, untrusted: boolean): Program => {
    const { program, problems } = checkDefinition(definition, {
      tools: undefined,
      saved: names,
      limits,
      compile,
      untrusted,
    });
    if (!program)
      throw new Error(`the definition cannot be read any more: ${problems.map(problemText).join('; ')}`);
    return program;
  };
  return {
    main: compiled(plan.definition, plan.untrusted),
    saved: new Map(
      Object.entries(plan.saved).map(([name, definition]) => [name, compiled(definition, false)]),
    ),
  };
}
