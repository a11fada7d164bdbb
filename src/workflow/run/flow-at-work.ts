/** A workflow at work, as the parts of a run see it. */
import type { JsonObject } from '../../json/json.ts';
import type { Invocation, Program, Step } from '../definition/program.ts';
import type { Limits } from '../limits.ts';
import type { Host } from './host.ts';
import type { RoutineLoop, Owner } from './machine.ts';
import type { Port } from './port.ts';
import type { Result, StepState } from './step-state.ts';

/** The workflow as its steps and its undoing see it. */
export interface FlowAtWork extends Owner {
  readonly context: RunContext;
  readonly program: Program;
  /** The beginning of every key: empty, or `sub#1/`. */
  readonly prefix: string;
  readonly parent: FlowAtWork | undefined;
  readonly depth: number;
  readonly states: readonly StepState[];
  /** The variables of expressions. */
  readonly scope: JsonObject;
  /** Runs a workflow within this one. */
  begin(step: Step, options: Omit<FlowOptions, 'context' | 'parent' | 'depth'>): void;
}

/** The parts that all flows of a run share. */
export interface RunContext {
  readonly machine: RoutineLoop;
  readonly port: Port;
  readonly host: Host;
  readonly limits: Limits;
  /** Effects that can be undone, in order of completion. */
  readonly happened: Happened[];
}

export interface Happened {
  readonly flow: FlowAtWork;
  readonly step: Step;
  readonly index: number | undefined;
  readonly output: unknown;
  readonly scope: JsonObject;
  readonly undo: Invocation;
  /** An undo of a whole workflow stands for those of its steps. */
  readonly covers: string | undefined;
  undone: boolean;
}

export interface FlowEnd {
  readonly status: 'succeeded' | 'failed' | 'rolled_back' | 'cancelled';
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly step?: string; readonly message: string };
}

export interface FlowOptions {
  readonly context: RunContext;
  readonly program: Program;
  /** The beginning of every key: empty, or `sub#1/`. */
  readonly prefix: string;
  readonly input: unknown;
  readonly parent: FlowAtWork | undefined;
  readonly depth: number;
  /** Results of an earlier run that are taken as they are. */
  readonly seeds?: ReadonlyMap<string, Result>;
  readonly finish: (end: FlowEnd) => void;
}
