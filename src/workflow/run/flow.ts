/**
 * One workflow at work: starts its steps, notes their results, and finds its end.
 *
 * Dataflow: a step starts the moment that all it needs is settled; there are no levels.
 */
import { ExpressionError } from '../../expression/expression-error.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Program, Step } from '../definition/program.ts';
import type { FlowAtWork, FlowEnd, FlowOptions, RunContext } from './flow-at-work.ts';
import type { Halt } from './machine.ts';
import { rollback } from './rollback.ts';
import { runStep } from './run-step.ts';
import { newState, reasonToSkip, type Result, resultVariable, type StepState } from './step-state.ts';

export class Flow implements FlowAtWork {
  readonly context: RunContext;
  readonly program: Program;
  readonly prefix: string;
  readonly input: unknown;
  readonly parent: FlowAtWork | undefined;
  readonly depth: number;
  readonly states: readonly StepState[];
  /** The workflow that a step runs, by the step's index; of a `foreach`, the last one. */
  readonly inner = new Map<number, Flow>();
  /** The inner workflows at work. */
  readonly #inside = new Set<Flow>();
  used = 0;
  halted: Halt | undefined;
  readonly #finish: (end: FlowEnd) => void;
  readonly #seeds: ReadonlyMap<string, Result>;
  readonly #byId: ReadonlyMap<string, Step>;
  readonly #missing: number[];
  readonly #dependents: readonly Step[][];
  /** The variable `steps` of expressions. */
  readonly #visible: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  #active = 0;
  #unsettled: number;
  #failure: FlowEnd['error'];
  #ended = false;

  constructor({ context, program, prefix, input, parent, depth, seeds, finish }: FlowOptions) {
    this.context = context;
    this.program = program;
    this.prefix = prefix;
    this.input = input;
    this.parent = parent;
    this.depth = depth;
    this.#finish = finish;
    this.#seeds = seeds ?? new Map<string, Result>();
    const { steps } = program;
    this.states = steps.map(newState);
    this.#unsettled = steps.length;
    this.#byId = new Map(steps.map((step) => [step.id, step]));
    this.#missing = steps.map(({ needs }) => needs.length);
    this.#dependents = steps.map(() => []);
    for (const step of steps)
      for (const { id } of step.needs) this.#dependents[this.#step(id).index]?.push(step);
  }

  get places(): number {
    return this.program.concurrency;
  }

  get scope(): JsonObject {
    return { input: this.input, steps: this.#visible };
  }

  start(): void {
    const { timeoutMs } = this.program;
    if (timeoutMs !== undefined) this.#watchTime(timeoutMs);
    for (const step of this.program.steps) if (this.#missing[step.index] === 0) this.#consider(step);
    this.#check();
  }

  /** @param why for the error of the run. */
  cancel(why: { readonly code: string; readonly message: string }): void {
    if (this.#ended || this.halted === 'cancel') return;
    this.halted = 'cancel';
    this.#failure ??= why;
    this.context.machine.halt(this, 'cancel', why.message);
    for (const inner of this.#inside) inner.cancel(why);
    this.#check();
  }

  /** Runs a workflow within this one. */
  begin(step: Step, options: Omit<FlowOptions, 'context' | 'parent' | 'depth'>): void {
    const { context } = this;
    const finish = (end: FlowEnd): void => {
      this.#inside.delete(inner);
      options.finish(end);
    };
    const inner = new Flow({ ...options, context, parent: this, depth: this.depth + 1, finish });
    this.#inside.add(inner);
    this.inner.set(step.index, inner);
    inner.start();
  }

  #stop(why: NonNullable<FlowEnd['error']>): void {
    if (this.halted !== undefined) return;
    this.halted = 'stop';
    this.#failure ??= why;
    for (const inner of this.#inside) inner.#stop(why);
  }

  #step(id: string): Step {
    return this.#byId.get(id) as Step;
  }

  /** Starts or skips a step: all that it needs is settled. */
  #consider(step: Step): void {
    const state = this.states[step.index] as StepState;
    if (state.status !== 'pending') return;
    const seed = this.#seeds.get(step.id);
    const reason = seed ? undefined : (this.#haltReason() ?? this.#missingReason(step));
    if (seed) this.#settle(step, seed);
    else if (reason) this.#settle(step, { status: 'skipped', attempts: 0, ...reason });
    else this.#start(step, state);
  }

  #haltReason(): Partial<Result> | undefined {
    if (this.halted === undefined) return undefined;
    const { step, message } = this.#failure ?? { message: '' };
    const why = this.halted === 'cancel' ? message : `"${step ?? ''}" failed`;
    return { reason: `the run stopped before it: ${why}`, afterFailure: true, halted: true };
  }

  #missingReason(step: Step): Partial<Result> | undefined {
    for (const need of step.needs) {
      const reason = reasonToSkip(need, this.states[this.#step(need.id).index]?.result as Result);
      if (reason) return reason;
    }
    return undefined;
  }

  #start(step: Step, state: StepState): void {
    state.status = 'running';
    state.startedAt = this.context.port.now();
    this.#active++;
    // Every other kind puts an intent on record.
    if (step.kind === 'approve') this.context.port.emit({ step: this.prefix + step.id, status: 'waiting' });
    this.context.machine.spawn(this, runStep(this, step, state), (result) => {
      this.#active--;
      this.#settle(step, result);
      this.#check();
    });
  }

  #settle(step: Step, result: Result): void {
    const { port } = this.context;
    const state = this.states[step.index] as StepState;
    state.status = result.status;
    state.result = result;
    state.finishedAt = port.now();
    state.attempts = result.attempts;
    this.#unsettled--;
    this.#visible[step.id] = resultVariable(result, state);
    const { error, reason } = result;
    port.emit({
      step: this.prefix + step.id,
      status: result.status,
      ...(error && { code: error.code }),
      ...(reason !== undefined && { reason }),
    });
    const failed =
      result.status === 'failed' ||
      result.status === 'in_doubt' ||
      (result.status === 'cancelled' && this.halted === undefined);
    if (failed) this.#failed(step, result);
    for (const dependent of this.#dependents[step.index] ?? []) {
      const missing = (this.#missing[dependent.index] ?? 0) - 1;
      this.#missing[dependent.index] = missing;
      // Later, since a long chain of skipped steps would grow the stack.
      if (missing === 0) this.context.machine.later(() => this.#considerLater(dependent));
    }
  }

  #considerLater(step: Step): void {
    this.#consider(step);
    this.#check();
  }

  #failed(step: Step, { error }: Result): void {
    this.#failure ??= {
      code: 'STEP_FAILED',
      step: this.prefix + step.id,
      message: `"${step.id}" failed: ${error?.code ?? ''} ${error?.message ?? ''}`.trimEnd(),
    };
    if (this.program.onError === 'continue' || this.halted !== undefined) return;
    this.#stop(this.#failure);
    this.context.machine.halt(this, 'stop', 'another step failed');
  }

  #watchTime(ms: number): void {
    const { machine, port } = this.context;
    const key = `timeout:${this.prefix}`;
    function* watch(): ReturnType<typeof runStep> {
      const { finished } = yield { ask: 'race', sleep: { key, until: port.now() + ms }, ends: 'never' };
      return { status: finished ? 'succeeded' : 'cancelled', attempts: 0 };
    }
    machine.spawn(this, watch(), ({ status }) => {
      if (status === 'succeeded')
        this.cancel({ code: 'TIMEOUT', message: `the workflow took longer than ${ms} ms` });
    });
  }

  #check(): void {
    if (this.#ended || this.#active > 0 || this.#unsettled > 0) return;
    this.#ended = true;
    const end = this.#end();
    const { machine } = this.context;
    if (end.status === 'succeeded' || this.program.onError !== 'rollback') {
      this.#finish(end);
      return;
    }
    machine.spawn(this, rollback(this), (clean) => this.#finish(this.#afterRollback(end, clean)), true);
  }

  #afterRollback(end: FlowEnd, clean: boolean): FlowEnd {
    if (!clean) {
      const message = `${end.error?.message ?? ''}. Not everything could be undone: see "attention"`;
      return { status: 'failed', error: { code: 'STEP_FAILED', ...end.error, message } };
    }
    return end.status === 'cancelled' ? end : { ...end, status: 'rolled_back' };
  }

  #end(): FlowEnd {
    const error = this.#failure;
    const output = this.#output();
    if (error && this.halted === 'cancel')
      return { status: error.code === 'CANCELLED' ? 'cancelled' : 'failed', error };
    // With `continue` there is an output, unless it needs a result that is missing.
    if (error)
      return {
        status: 'failed',
        error,
        ...('value' in output && this.program.onError === 'continue' && { output: output.value }),
      };
    return 'value' in output
      ? { status: 'succeeded', output: output.value }
      : { status: 'failed', error: output.error };
  }

  #output(): { readonly value: unknown } | { readonly error: NonNullable<FlowEnd['error']> } {
    const { output, steps } = this.program;
    if (!output) return { value: this.states[steps.length - 1]?.result?.output ?? null };
    try {
      return { value: output.evaluate(this.scope) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const fix = error.fix === undefined ? '' : ` Fix: ${error.fix}`;
      return {
        error: { code: 'STEP_FAILED', message: `"output" cannot be evaluated: ${error.message}${fix}` },
      };
    }
  }
}
