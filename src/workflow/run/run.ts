/** One run: a workflow played over a port from its start to its end. */
import type { JsonObject } from '../../json/json.ts';
import type { Program } from '../definition/program.ts';
import type { Limits } from '../limits.ts';
import { Flow } from './flow.ts';
import type { FlowEnd } from './flow-at-work.ts';
import type { Host } from './host.ts';
import { type Activity, RoutineLoop, type Owner } from './machine.ts';
import type { Port } from './port.ts';
import type { Routine } from './routine.ts';
import type { Result, StepState } from './step-state.ts';
import { stepViews } from './view.ts';

/** The version of the interpreter: it changes when the same outcomes would lead somewhere else. */
export const INTERPRETER = 1;

/** The signal that cancels a run. */
export const CANCEL = 'cancel';

export interface RunOptions {
  readonly port: Port;
  readonly host: Host;
  readonly limits: Limits;
  readonly program: Program;
  readonly input: unknown;
  readonly seeds?: ReadonlyMap<string, Result>;
}

export class Run {
  readonly #machine: RoutineLoop;
  readonly #root: Flow;
  readonly #port: Port;
  #end: FlowEnd | undefined;

  constructor({ port, host, limits, program, input, seeds }: RunOptions) {
    this.#port = port;
    this.#machine = new RoutineLoop(port);
    const context = { machine: this.#machine, port, host, limits, happened: [] };
    this.#root = new Flow({
      context,
      program,
      prefix: '',
      input,
      parent: undefined,
      depth: 1,
      ...(seeds && { seeds }),
      finish: (end) => {
        this.#end = end;
        this.#machine.finish();
      },
    });
  }

  get activity(): Activity {
    return this.#machine.activity;
  }

  /** The steps as clients see them, with whole outputs. */
  get steps(): JsonObject {
    return stepViews(this.#root);
  }

  /** The states of the workflow's own steps, by id. */
  get stepStates(): ReadonlyMap<string, StepState> {
    const { states, program } = this.#root;
    return new Map(program.steps.map(({ id }, index) => [id, states[index] as StepState]));
  }

  /** The numbers of settled steps and of all steps, and the names of those at work. */
  get progress(): { readonly done: number; readonly total: number; readonly running: readonly string[] } {
    const { states, program } = this.#root;
    const running = states.flatMap(({ status, items }, index) => {
      if (status !== 'running' && status !== 'waiting') return [];
      const name = program.steps[index]?.id ?? '';
      return [items ? `${name} (${items.done}/${items.total})` : name];
    });
    const unsettled = states.filter(({ result }) => result === undefined).length;
    return { done: states.length - unsettled, total: states.length, running };
  }

  /** Notes for a person about failed undos and calls that were cut off. */
  get notes(): readonly {
    readonly step: string;
    readonly question: string;
    readonly options: readonly string[];
  }[] {
    return this.#root.states.flatMap(({ undoErrors, result }, index) => {
      const step = this.#root.program.steps[index]?.id ?? '';
      const notes = undoErrors.map((what) => ({ step, question: `${what}. Undo it by hand.`, options: [] }));
      const unsure = result?.unsure === true;
      return unsure
        ? [...notes, { step, question: `"${step}" was ${result.reason ?? ''}.`, options: [] }]
        : notes;
    });
  }

  async play(idle: () => void): Promise<FlowEnd> {
    const owner: Owner = { parent: undefined, places: Infinity, used: 0, halted: undefined };
    this.#machine.spawn(owner, this.#awaitCancel(), (reason) => {
      this.#root.cancel({ code: 'CANCELLED', message: reason });
    });
    this.#machine.later(() => this.#root.start());
    await this.#machine.turn(idle);
    const end = this.#end as FlowEnd;
    this.#port.emit({ run: end.status, ...(end.error && { code: end.error.code }) });
    return end;
  }

  *#awaitCancel(): Routine<string> {
    yield { ask: 'race', signal: CANCEL, ends: 'never' };
    return 'the run was cancelled';
  }
}
