/**
 * Reads a definition: every mistake in it at once, or a program that can run.
 *
 * Pure: what tools and saved workflows there are is handed in.
 */
import type { Reference } from '../../expression/guards.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { parseDuration } from '../duration.ts';
import type { CheckContext } from './check-context.ts';
import { checkArguments } from './check-arguments.ts';
import { checkIds } from './check-ids.ts';
import { checkKeys } from './check-keys.ts';
import { checkShape } from './check-shape.ts';
import { cycleIn, needsOf } from './needs.ts';
import type { Problem, ToldProblem } from './problem.ts';
import type { Fallback, Invocation, Need, Program, Retry, Step, Verify, Work } from './program.ts';
import { readRetry } from './read-retry.ts';
import {
  KINDS,
  type OnResume,
  type StepKind,
  type WrittenDefinition,
  type WrittenRetry,
  type WrittenStep,
  type WrittenVerify,
} from './schema.ts';
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

/** Works on definitions whose shape is wrong as well, to find the other mistakes in the same go. */
class Reader {
  readonly #value: JsonObject;
  readonly #context: CheckContext;
  readonly #texts: TextCheck;
  readonly #problem: ToldProblem;
  readonly #steps: readonly JsonObject[];
  readonly #ids: string[];

  constructor(value: unknown, context: CheckContext, problems: Problem[]) {
    this.#value = isObject(value) ? value : {};
    this.#context = context;
    const steps = this.#value['steps'];
    this.#steps = Array.isArray(steps) ? steps.map((step: unknown) => (isObject(step) ? step : {})) : [];
    this.#ids = this.#steps.map(({ id }) => (typeof id === 'string' ? id : ''));
    this.#texts = new TextCheck({ value: this.#value, ids: this.#ids, problems }, context);
    this.#problem = (...told) => this.#texts.problem(...told);
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
    const use = <T extends { readonly references: readonly Reference[] } | undefined>(part: T): T => {
      if (part) references.push(part.references);
      return part;
    };
    const when = use(this.#texts.expression(step.when, `${path}.when`, scope));
    const foreach = use(this.#texts.expression(step.foreach, `${path}.foreach`, ['input', 'steps']));
    const work = this.#work(step, kind, path, scope, use);
    const fallback = this.#fallback(step, path, scope, use);
    checkKeys(step, kind, path, this.#problem);
    const after = Array.isArray(step.after) ? step.after.filter((id) => typeof id === 'string') : [];
    for (const [at, id] of after.entries()) this.#texts.checkId(id, `${path}.after[${at}]`);
    const undo = step.undo && isObject(step.undo) ? this.#undo(step, path, scope) : undefined;
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

  #work(step: WrittenStep, kind: StepKind, path: string, scope: readonly string[], use: Use): Work {
    const timeoutMs = parseDuration(step.timeout);
    const retry = this.#retry(step.retry, `${path}.retry`, step.unsafe === true);
    switch (kind) {
      case 'tool':
        return this.#invocation({
          tool: step.tool,
          with: step.with,
          timeoutMs,
          retry,
          onResume: step.on_resume,
          verify: step.verify,
          path,
          scope,
          use,
        });
      case 'workflow': {
        this.#checkSaved(step.workflow, `${path}.workflow`);
        const input = use(this.#texts.template(step.with ?? {}, `${path}.with`, scope));
        return { kind, name: String(step.workflow), with: input, timeoutMs, retry };
      }
      case 'sample':
        return this.#sample(step, path, scope, use, timeoutMs, retry);
      case 'approve': {
        const { approve } = step;
        const message = use(this.#texts.template(approve?.message, `${path}.approve.message`, scope));
        const schema = isObject(approve?.schema) ? approve.schema : undefined;
        const [onTimeout, by] = [approve?.on_timeout ?? 'reject', approve?.by ?? 'person'] as const;
        return { kind, message, timeoutMs: parseDuration(approve?.timeout), onTimeout, by, schema };
      }
      case 'wait': {
        if (!isObject(step.wait)) return { kind, ms: parseDuration(step.wait), until: undefined };
        const until = use(this.#texts.template(step.wait['until'], `${path}.wait.until`, scope));
        return { kind, ms: undefined, until };
      }
      case 'set':
        return { kind, values: use(this.#texts.template(step.set ?? {}, `${path}.set`, scope)) };
    }
  }

  #sample(
    step: WrittenStep,
    path: string,
    scope: readonly string[],
    use: Use,
    timeoutMs: number | undefined,
    retry: Retry,
  ): Work {
    const { prompt, messages, system, max_tokens: maxTokens, schema } = step.sample ?? {};
    if ((prompt === undefined) === (messages === undefined))
      this.#problem(`${path}.sample`, 'a sample has either "prompt" or "messages"', { fix: '"prompt": "…"' });
    const content = messages ?? [{ role: 'user', content: { type: 'text', text: prompt ?? '' } }];
    const place = messages === undefined ? `${path}.sample.prompt` : `${path}.sample.messages`;
    const written = {
      messages: content,
      ...(system !== undefined && { systemPrompt: system }),
      maxTokens: maxTokens ?? 1000,
    };
    return {
      kind: 'sample',
      params: use(this.#texts.template(written, place, scope)),
      schema: isObject(schema) ? schema : undefined,
      timeoutMs,
      retry,
    };
  }

  #undo(step: WrittenStep, path: string, scope: readonly string[]): Invocation {
    const undo = step.undo as NonNullable<WrittenStep['undo']>;
    // An undo runs when the step has run: what it refers to is there, its own output as well.
    return this.#invocation({
      tool: undo.tool,
      with: undo.with,
      timeoutMs: parseDuration(undo.timeout),
      retry: this.#retry(undo.retry, `${path}.undo.retry`, false),
      onResume: undo.on_resume,
      verify: undo.verify,
      path: `${path}.undo`,
      scope: [...scope, 'output'],
      use: (part) => part,
    });
  }

  #fallback(step: WrittenStep, path: string, scope: readonly string[], use: Use): Fallback | undefined {
    const { fallback } = step;
    if (!isObject(fallback)) return undefined;
    if ('value' in fallback === 'tool' in fallback)
      this.#problem(`${path}.fallback`, 'a fallback has either "value" or "tool"', {
        fix: '"fallback": { "value": null }',
      });
    if (fallback.tool === undefined)
      return { value: use(this.#texts.template(fallback.value, `${path}.fallback.value`, scope)) };
    const retry = this.#retry(undefined, '', false);
    const invocation = this.#invocation({
      tool: fallback.tool,
      with: fallback.with,
      timeoutMs: parseDuration(step.timeout),
      retry,
      onResume: step.on_resume,
      verify: undefined,
      path: `${path}.fallback`,
      scope,
      use,
    });
    return { invocation };
  }

  #invocation(part: WrittenInvocation): Invocation {
    const { path, scope, use } = part;
    const args = use(this.#texts.template(part.with ?? {}, `${path}.with`, scope));
    this.#checkTool(part.tool, part.with ?? {}, path);
    return {
      kind: 'tool',
      tool: String(part.tool),
      with: args,
      timeoutMs: part.timeoutMs,
      retry: part.retry,
      onResume: part.onResume ?? 'auto',
      verify: isObject(part.verify) ? this.#verify(part.verify, path, scope, use) : undefined,
    };
  }

  #verify(verify: WrittenVerify, path: string, scope: readonly string[], use: Use): Verify | undefined {
    const args = use(this.#texts.template(verify.with ?? {}, `${path}.verify.with`, scope));
    this.#checkTool(verify.tool, verify.with ?? {}, `${path}.verify`);
    const done = use(this.#texts.expression(verify.done, `${path}.verify.done`, [...scope, 'result']));
    return done && { tool: verify.tool, with: args, done };
  }

  #checkTool(tool: unknown, args: unknown, path: string): void {
    const { tools, limits } = this.#context;
    if (tools) checkArguments({ tools, tool, with: args, path, ms: limits.evaluationMs }, this.#problem);
  }

  #retry(retry: WrittenRetry | undefined, path: string, unsafe: boolean): Retry {
    return readRetry(retry, { path, unsafe, problem: this.#problem });
  }

  #checkSaved(name: unknown, path: string): void {
    const names = [...this.#context.saved];
    if (typeof name !== 'string' || names.includes(name)) return;
    const near = nearest(name, names);
    this.#problem(path, `there is no saved workflow "${name}"; there are: ${listed(names)}`, {
      ...(near !== undefined && { nearest: near, fix: `"workflow": "${near}"` }),
    });
  }
}

type Use = <T extends { readonly references: readonly Reference[] } | undefined>(part: T) => T;

interface WrittenInvocation {
  readonly tool: unknown;
  readonly with: unknown;
  readonly timeoutMs: number | undefined;
  readonly retry: Retry;
  readonly onResume: OnResume | undefined;
  readonly verify: WrittenVerify | undefined;
  readonly path: string;
  readonly scope: readonly string[];
  readonly use: Use;
}

/** As they stand in the text: step by step. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const place = ({ path }: Problem): number =>
    Number(/^steps\[(\d+)\]/.exec(path)?.[1] ?? (path.startsWith('output') ? Infinity : -1));
  return problems.toSorted((a, b) => {
    const [left, right] = [place(a), place(b)];
    return left === right ? 0 : left - right;
  });
}
