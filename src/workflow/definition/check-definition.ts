/**
 * Reads a definition: every mistake in it at once, or a program that can run.
 *
 * Pure: what tools and saved workflows there are is handed in.
 */
import type { Compile, Expression } from '../../expression/compile.ts';
import { ExpressionError } from '../../expression/expression-error.ts';
import type { Reference } from '../../expression/guards.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { compileTemplate, type Template, type TemplateProblem } from '../../expression/template.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { readDuration } from '../duration.ts';
import type { Limits } from '../limits.ts';
import type { Tools } from '../tools.ts';
import { checkShape } from './check-shape.ts';
import { checkInTime } from './check-in-time.ts';
import { cycleIn, needsOf } from './needs.ts';
import { joinPaths, type Problem } from './problem.ts';
import type { Fallback, Invocation, Need, Program, Retry, Step, Verify, Work } from './program.ts';
import {
  KINDS,
  type OnResume,
  type StepKind,
  type WrittenDefinition,
  type WrittenRetry,
  type WrittenStep,
  type WrittenVerify,
} from './schema.ts';

export interface CheckContext {
  /** `undefined`: not checked; a run that goes on meets the tools as they are. */
  readonly tools: Tools | undefined;
  /** Names of the saved workflows, for `workflow` steps. */
  readonly saved: Iterable<string>;
  readonly limits: Limits;
  readonly compile: Compile;
  /** The text came in a call: its expressions run under a deadline. */
  readonly untrusted: boolean;
}

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
  readonly #problems: Problem[];
  readonly #steps: readonly JsonObject[];
  readonly #ids: string[];

  constructor(value: unknown, context: CheckContext, problems: Problem[]) {
    this.#value = isObject(value) ? value : {};
    this.#context = context;
    this.#problems = problems;
    const steps = this.#value['steps'];
    this.#steps = Array.isArray(steps) ? steps.map((step: unknown) => (isObject(step) ? step : {})) : [];
    this.#ids = this.#steps.map(({ id }) => (typeof id === 'string' ? id : ''));
  }

  read(): Program | undefined {
    const written = this.#value as unknown as WrittenDefinition;
    const { limits } = this.#context;
    if (this.#steps.length > limits.steps)
      this.#problem(
        'steps',
        `a workflow has at most ${limits.steps} steps, this one has ${this.#steps.length}`,
      );
    this.#checkIds();
    const steps = this.#steps
      .slice(0, limits.steps)
      .map((step, index) => this.#step(step as unknown as WrittenStep, index));
    const output =
      'output' in this.#value
        ? this.#template(this.#value['output'], 'output', ['input', 'steps'])
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
      timeoutMs: readDuration(written.timeout),
      concurrency: written.concurrency ?? 32,
      onError: written.on_error ?? 'stop',
      steps,
      output,
    };
  }

  #checkIds(): void {
    const seen = new Map<string, number>();
    for (const [index, id] of this.#ids.entries()) {
      const path = `steps[${index}].id`;
      const first = seen.get(id);
      if (id === '') continue;
      if (first !== undefined)
        this.#problem(path, `the id "${id}" is taken by steps[${first}]`, {
          fix: JSON.stringify(`${id}_${index + 1}`),
        });
      else if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(id))
        this.#problem(path, `an id is up to 64 letters, digits and "_", got ${JSON.stringify(id)}`, {
          fix: JSON.stringify(
            id
              .replaceAll(/\W/g, '_')
              .replace(/^(?=\d)/, '_')
              .slice(0, 64),
          ),
        });
      else if (RESERVED.has(id))
        this.#problem(path, `"${id}" is a word of CEL: no expression could refer to the step`, {
          fix: JSON.stringify(`${id}_step`),
        });
      seen.set(id, first ?? index);
    }
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
    const when = use(this.#expression(step.when, `${path}.when`, scope));
    const foreach = use(this.#expression(step.foreach, `${path}.foreach`, ['input', 'steps']));
    const work = this.#work(step, kind, path, scope, use);
    const fallback = this.#fallback(step, path, scope, use);
    this.#checkKeys(step, kind, path);
    const after = Array.isArray(step.after) ? step.after.filter((id) => typeof id === 'string') : [];
    for (const [at, id] of after.entries()) this.#checkId(id, `${path}.after[${at}]`);
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

  /** Keys that have no meaning for this kind of step would be ignored silently. */
  #checkKeys(step: WrittenStep, kind: StepKind, path: string): void {
    const calls = kind === 'tool' || kind === 'workflow' || kind === 'sample';
    const refuse = (key: keyof WrittenStep, why: string): void => {
      if (step[key] !== undefined) this.#problem(`${path}.${key}`, why);
    };
    if (!calls) {
      for (const key of ['retry', 'timeout', 'fallback'] as const)
        refuse(
          key,
          `a "${kind}" step has no "${key}"${kind === 'approve' && key === 'timeout' ? ': it stands within "approve"' : ''}`,
        );
    }
    if (kind !== 'tool' && kind !== 'workflow') refuse('with', `a "${kind}" step has no "with"`);
    if (kind !== 'tool')
      for (const key of ['verify', 'on_resume', 'unsafe'] as const)
        refuse(key, `only a "tool" step has "${key}"`);
    if (kind !== 'tool' && kind !== 'workflow') refuse('undo', `only a "tool" or "workflow" step has "undo"`);
    if (step.foreach === undefined)
      for (const key of ['concurrency', 'on_item_error'] as const) refuse(key, `"${key}" needs "foreach"`);
    if (step.foreach !== undefined && (kind === 'approve' || kind === 'wait' || kind === 'set'))
      refuse('foreach', `a "${kind}" step has no "foreach"${kind === 'set' ? ': use list.map(x, …)' : ''}`);
    if (step.on_resume === 'verify' && step.verify === undefined)
      this.#problem(`${path}.on_resume`, '"verify" needs a "verify" with tool, with and done');
  }

  #work(step: WrittenStep, kind: StepKind, path: string, scope: readonly string[], use: Use): Work {
    const timeoutMs = readDuration(step.timeout);
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
        const input = use(this.#template(step.with ?? {}, `${path}.with`, scope));
        return { kind, name: String(step.workflow), with: input, timeoutMs, retry };
      }
      case 'sample':
        return this.#sample(step, path, scope, use, timeoutMs, retry);
      case 'approve': {
        const { approve } = step;
        const message = use(this.#template(approve?.message, `${path}.approve.message`, scope));
        const schema = isObject(approve?.schema) ? approve.schema : undefined;
        const [onTimeout, by] = [approve?.on_timeout ?? 'reject', approve?.by ?? 'person'] as const;
        return { kind, message, timeoutMs: readDuration(approve?.timeout), onTimeout, by, schema };
      }
      case 'wait': {
        if (!isObject(step.wait)) return { kind, ms: readDuration(step.wait), until: undefined };
        const until = use(this.#template(step.wait['until'], `${path}.wait.until`, scope));
        return { kind, ms: undefined, until };
      }
      case 'set':
        return { kind, values: use(this.#template(step.set ?? {}, `${path}.set`, scope)) };
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
      params: use(this.#template(written, place, scope)),
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
      timeoutMs: readDuration(undo.timeout),
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
      return { value: use(this.#template(fallback.value, `${path}.fallback.value`, scope)) };
    const retry = this.#retry(undefined, '', false);
    const invocation = this.#invocation({
      tool: fallback.tool,
      with: fallback.with,
      timeoutMs: readDuration(step.timeout),
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
    const args = use(this.#template(part.with ?? {}, `${path}.with`, scope));
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
    const args = use(this.#template(verify.with ?? {}, `${path}.verify.with`, scope));
    this.#checkTool(verify.tool, verify.with ?? {}, `${path}.verify`);
    const done = use(this.#expression(verify.done, `${path}.verify.done`, [...scope, 'result']));
    return done && { tool: verify.tool, with: args, done };
  }

  #checkTool(name: unknown, args: unknown, path: string): void {
    const { tools, limits } = this.#context;
    if (!tools || typeof name !== 'string') return;
    const tool = tools.get(name);
    if (!tool) {
      const names = [...tools.names()];
      // The server's name is what is forgotten first.
      const near = names.find((known) => known.endsWith(`__${name}`)) ?? nearest(name, names);
      this.#problem(`${path}.tool`, `there is no tool "${name}"; there are: ${listed(names)}`, {
        expected: 'the name of a tool as it is listed',
        ...(near !== undefined && { nearest: near, fix: `"tool": "${near}"` }),
      });
      return;
    }
    const { problems } = checkInTime(strict(tool.inputSchema), args, {
      path: `${path}.with`,
      unknown: hasTemplate,
      ms: limits.evaluationMs,
    });
    this.#problems.push(...problems);
  }

  #checkSaved(name: unknown, path: string): void {
    const names = [...this.#context.saved];
    if (typeof name !== 'string' || names.includes(name)) return;
    const near = nearest(name, names);
    this.#problem(path, `there is no saved workflow "${name}"; there are: ${listed(names)}`, {
      ...(near !== undefined && { nearest: near, fix: `"workflow": "${near}"` }),
    });
  }

  #retry(retry: WrittenRetry | undefined, path: string, unsafe: boolean): Retry {
    const written: WrittenRetry = isObject(retry) ? retry : {};
    const on = Array.isArray(written.on) ? written.on : DEFAULT_RETRY_ON;
    for (const [index, code] of on.entries()) {
      if (RETRY_CODES.includes(code)) continue;
      const near = nearest(String(code), RETRY_CODES);
      this.#problem(
        `${path}.on[${index}]`,
        `there is no error code "${code}"; there are: ${RETRY_CODES.join(', ')}`,
        {
          ...(near !== undefined && { nearest: near, fix: JSON.stringify(near) }),
        },
      );
    }
    return {
      attempts: retry === undefined ? 1 : (written.attempts ?? 3),
      delayMs: readDuration(written.delay) ?? 1000,
      factor: written.factor ?? 2,
      maxDelayMs: readDuration(written.max_delay) ?? 30_000,
      on: new Set(on),
      unsafe: unsafe || written.unsafe === true,
    };
  }

  #expression(text: unknown, path: string, scope: readonly string[]): Expression | undefined {
    if (typeof text !== 'string') return undefined;
    const [, inner] = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(text) ?? [];
    if (inner !== undefined) {
      this.#problem(path, 'here stands a bare expression, without ${{ }}', {
        fix: JSON.stringify(inner.trim()),
      });
      return undefined;
    }
    try {
      const expression = this.#compiled(text, scope);
      this.#checkReferences(expression, path, false);
      return expression;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#expressionProblem(path, error, false);
      return undefined;
    }
  }

  #template(value: unknown, path: string, scope: readonly string[]): Template {
    const found: TemplateProblem[] = [];
    const template = compileTemplate(value, (text) => this.#compiled(text, scope), found);
    for (const { path: inner, error } of found) this.#expressionProblem(joinPaths(path, inner), error, true);
    for (const { path: inner, expression } of template.expressions)
      this.#checkReferences(expression, joinPaths(path, inner), true);
    return template;
  }

  #compiled(text: string, variables: readonly string[]): Expression {
    const { untrusted, limits, compile } = this.#context;
    return compile(text, { variables, deadlineMs: untrusted ? limits.evaluationMs : undefined });
  }

  #expressionProblem(path: string, error: ExpressionError, inTemplate: boolean): void {
    const { text, message } = error;
    // A model writes the step's own name where `steps.` goes first.
    const [, name = ''] = /^there is no "(\w+)" here/.exec(message) ?? [];
    const known = this.#ids.includes(name)
      ? `steps.${name}`
      : this.#inputNames().includes(name)
        ? `input.${name}`
        : undefined;
    const fixed =
      known === undefined ? error.fix : text.replace(new RegExp(`(?<![\\w.])${name}(?!\\w)`), known);
    const whole =
      fixed !== undefined && (known !== undefined || !fixed.includes(' ') || sharesWords(fixed, text));
    const fix = whole && inTemplate ? `\${{ ${fixed} }}` : fixed;
    this.#problem(path, `${message} (in: ${text.slice(0, 200)})`, fix === undefined ? {} : { fix });
  }

  #checkReferences({ references, text }: Expression, path: string, inTemplate: boolean): void {
    const wrap = (fixed: string): string => (inTemplate ? `\${{ ${fixed} }}` : JSON.stringify(fixed));
    for (const { path: parts, tested } of references) {
      const [root, id, field] = parts;
      if (root === 'input' && id !== undefined) this.#checkInput(id, text, path, wrap, tested);
      if (root !== 'steps') continue;
      if (id === undefined) {
        this.#problem(path, 'a step is referred to by its name, as in steps.find.output', {
          fix: wrap('steps.NAME.output'),
        });
        continue;
      }
      if (!this.#checkId(id, path, (near) => wrap(text.replaceAll(`steps.${id}`, `steps.${near}`)))) continue;
      if (field === undefined || STEP_FIELDS.includes(field)) continue;
      const near = nearest(field, STEP_FIELDS);
      // What is no field of a step is meant to be one of its output.
      const meant = near === undefined ? `steps.${id}.output.${field}` : `steps.${id}.${near}`;
      this.#problem(path, `a step has ${STEP_FIELDS.join(', ')}, and no "${field}"`, {
        ...(near !== undefined && { nearest: near }),
        fix: wrap(text.replaceAll(`steps.${id}.${field}`, meant)),
      });
    }
  }

  #checkInput(
    name: string,
    text: string,
    path: string,
    wrap: (fixed: string) => string,
    tested: boolean,
  ): void {
    const names = this.#inputNames();
    const schema = this.#value['input'];
    const open =
      isObject(schema) && (schema['additionalProperties'] !== undefined || !isObject(schema['properties']));
    if (open || names.includes(name) || tested) return;
    const near = nearest(name, names);
    const message =
      schema === undefined
        ? 'the workflow declares no "input"'
        : `the input has no "${name}"; it has: ${listed(names)}`;
    this.#problem(path, message, {
      ...(near !== undefined && { nearest: near }),
      fix:
        near === undefined
          ? `"input": { "type": "object", "properties": { "${name}": {} } }`
          : wrap(text.replaceAll(`input.${name}`, `input.${near}`)),
    });
  }

  #inputNames(): readonly string[] {
    const schema = this.#value['input'];
    return isObject(schema) && isObject(schema['properties']) ? Object.keys(schema['properties']) : [];
  }

  #checkId(id: string, path: string, fixed: (near: string) => string = JSON.stringify): boolean {
    if (this.#ids.includes(id)) return true;
    const near = nearest(id, this.#ids);
    this.#problem(path, `there is no step "${id}"; there are: ${listed(this.#ids)}`, {
      ...(near !== undefined && { nearest: near, fix: fixed(near) }),
    });
    return false;
  }

  #problem(path: string, message: string, more: Omit<Problem, 'path' | 'message'> = {}): void {
    if (!this.#problems.some((known) => known.path === path && known.message === message))
      this.#problems.push({ path, message, ...more });
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

const RESERVED = new Set(
  'in true false null as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

const STEP_FIELDS = ['output', 'status', 'error', 'errors', 'raw', 'attempts', 'duration_ms'];

const DEFAULT_RETRY_ON = [
  'TIMEOUT',
  'DOWNSTREAM_UNAVAILABLE',
  'DOWNSTREAM_FAILED',
  'RATE_LIMITED',
  'BUSY',
  'CIRCUIT_OPEN',
];
const RETRY_CODES = [
  ...DEFAULT_RETRY_ON,
  'TOOL_ERROR',
  'LOGIN_REQUIRED',
  'RESULT_TOO_LARGE',
  'PROTOCOL_ERROR',
  'OUTCOME_UNKNOWN',
  'CLIENT_CANNOT',
  'STEP_FAILED',
];

function hasTemplate(value: unknown): boolean {
  return typeof value === 'string' && value.includes('${{');
}

/** Servers seldom close their schemas, and ignore what they do not know: a misspelt argument would pass unseen. */
function strict(schema: unknown): unknown {
  if (!isObject(schema) || !isObject(schema['properties']) || 'additionalProperties' in schema) return schema;
  const open = ['anyOf', 'oneOf', 'allOf', 'patternProperties', '$ref'].some((word) => word in schema);
  return open ? schema : { ...schema, additionalProperties: false };
}

/** The fix is the expression itself, and no sentence about it. */
function sharesWords(fix: string, text: string): boolean {
  const words = text.match(/\w+/g) ?? [];
  return (
    words.filter((word) => fix.includes(word)).length * 2 > words.length &&
    !/^(Use|Write|Compare|Make|Do|Test|Convert|If|CEL|Here|There)\b/.test(fix)
  );
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
