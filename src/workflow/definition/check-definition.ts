/**
 * Reads a definition: finds every mistake at once, or makes a program that can run.
 *
 * Pure: tools and saved workflows are handed in.
 */
import type { Reference } from '../../expression/guards.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { parseDuration } from '../duration.ts';
import type { CheckContext } from './check-context.ts';
import { checkIds } from './check-ids.ts';
import { checkKeys } from './check-keys.ts';
import { checkShape } from './check-shape.ts';
import { cycleIn, needsOf } from './needs.ts';
import type { Problem, ToldProblem } from './problem.ts';
import type { Need, Program, Step } from './program.ts';
import { type Use, WorkReader } from './read-work.ts';
import { KINDS, type StepKind, type WrittenDefinition, type WrittenStep } from './schema.ts';
import { TextCheck } from './text-check.ts';

export type Checked =
  | { readonly program: Program; readonly problems: readonly [] }
  | { readonly program: undefined; readonly problems: readonly Problem[] };

export function checkDefinition(value: unknown, context: CheckContext): Checked {
  const problems: Problem[] = [...checkShape(value)];
  const reader = new Reader(value, context, problems);
  const program = reader.read();
  if (problems.length > 0 || !program) return { program: undefined, problems: inOrder(problems) };
  return { program, problems: [] };
}

/** Reads definitions of a wrong shape as well, to find their other mistakes in the same go. */
class Reader {
  readonly #value: JsonObject;
  readonly #context: CheckContext;
  readonly #texts: TextCheck;
  readonly #problem: ToldProblem;
  readonly #work: WorkReader;
  readonly #steps: readonly JsonObject[];
  readonly #ids: string[];

  constructor(value: unknown, context: CheckContext, problems: Problem[]) {
    this.#value = isObject(value) ? value : {};
    this.#context = context;
    const steps = this.#value['steps'];
    this.#steps = Array.isArray(steps) ? steps.map((step: unknown) => (isObject(step) ? step : {})) : [];
    this.#ids = this.#steps.map(({ id }) => (typeof id === 'string' ? id : ''));
    this.#texts = new TextCheck({ value: this.#value, ids: this.#ids, problems }, context);
    this.#problem = (...problem) => this.#texts.problem(...problem);
    this.#work = new WorkReader(context, this.#texts, this.#problem);
  }

  read(): Program | undefined {
    const written = this.#value as unknown as WrittenDefinition;
    const { limits } = this.#context;
    if (this.#steps.length > limits.steps)
      this.#problem(
        'steps',
        `a workflow has at most ${limits.steps} steps, this one has ${this.#steps.length}`,
      );
    checkIds(this.#ids, this.#problem);
    const steps = this.#steps
      .slice(0, limits.steps)
      .map((step, index) => this.#step(step as unknown as WrittenStep, index));
    const output =
      'output' in this.#value
        ? this.#texts.template(this.#value['output'], 'output', ['input', 'steps'])
        : undefined;
    const cycle = cycleIn(steps);
    if (cycle)
      this.#problem(`steps[${cycle.index}]`, `the steps wait for each other: ${cycle.path.join(' → ')}`, {
        fix: `Take one of these references out of "${cycle.path[0]}"`,
      });
    return {
      name: typeof written.name === 'string' ? written.name : '',
      written,
      input: isObject(written.input) ? written.input : undefined,
      timeoutMs: parseDuration(written.timeout),
      concurrency: written.concurrency ?? 32,
      onError: written.on_error ?? 'stop',
      steps,
      output,
    };
  }

  #step(step: WrittenStep, index: number): Step {
    const path = `steps[${index}]`;
    const kind = this.#kind(step, path);
    const scope = ['input', 'steps', ...(step.foreach === undefined ? [] : ['item', 'index'])];
    const references: (readonly Reference[])[] = [];
    const use: Use = (part) => {
      if (part) references.push(part.references);
      return part;
    };
    const when = use(this.#texts.expression(step.when, `${path}.when`, scope));
    const foreach = use(this.#texts.expression(step.foreach, `${path}.foreach`, ['input', 'steps']));
    const place = { path, scope, use };
    const work = this.#work.read(step, kind, place);
    const fallback = this.#work.fallback(step, place);
    checkKeys(step, kind, path, this.#problem);
    const after = Array.isArray(step.after) ? step.after.filter((id) => typeof id === 'string') : [];
    for (const [at, id] of after.entries()) this.#texts.checkId(id, `${path}.after[${at}]`);
    const undo = step.undo && isObject(step.undo) ? this.#work.undo(step.undo, place) : undefined;
    const needs: readonly Need[] = needsOf(references.flat(), after).filter(({ id }) =>
      this.#ids.includes(id),
    );
    return {
      index,
      id: typeof step.id === 'string' ? step.id : `#${index}`,
      kind,
      needs,
      when,
      whenPerItem:
        foreach !== undefined &&
        !!when?.references.some(({ path: [root] }) => root === 'item' || root === 'index'),
      foreach,
      concurrency: step.concurrency ?? 5,
      onItemError: step.on_item_error ?? 'fail',
      work,
      fallback,
      undo,
    };
  }

  #kind(step: WrittenStep, path: string): StepKind {
    const kinds = KINDS.filter((kind) => step[kind] !== undefined);
    const [kind = 'set'] = kinds;
    if (kinds.length !== 1) {
      const got = kinds.length === 0 ? 'there is none' : `there are ${kinds.join(' and ')}`;
      const fix =
        kinds.length === 0 ? '"tool": "server__tool"' : `Make a step of its own of each, with "after"`;
      this.#problem(path, `a step has exactly one of ${KINDS.join(' | ')}; ${got}`, {
        expected: KINDS.join(' | '),
        fix,
      });
    }
    return kind;
  }
}

/** The order of the text: step by step. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const place = ({ path }: Problem): number =>
    Number(/^steps\[(\d+)\]/.exec(path)?.[1] ?? (path.startsWith('output') ? Infinity : -1));
  return problems.toSorted((a, b) => {
    const [left, right] = [place(a), place(b)];
    return left === right ? 0 : left - right;
  });
}
