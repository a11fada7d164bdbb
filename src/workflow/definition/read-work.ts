/** Reads the work of a step: calls, questions, waits, and what stands in for a call or undoes it. */
import { listed, nearest } from '../../core/nearest.ts';
import type { Reference } from '../../expression/guards.ts';
import { isObject } from '../../json/json.ts';
import { parseDuration } from '../duration.ts';
import { checkArguments } from './check-arguments.ts';
import type { CheckContext } from './check-context.ts';
import type { ToldProblem } from './problem.ts';
import type { Fallback, Invocation, Retry, Verify, Work } from './program.ts';
import { readRetry } from './read-retry.ts';
import type { OnResume, StepKind, WrittenRetry, WrittenStep, WrittenVerify } from './schema.ts';
import type { TextCheck } from './text-check.ts';

/** Notes what a part of a step refers to, and returns the part. */
export type Use = <T extends { readonly references: readonly Reference[] } | undefined>(part: T) => T;

export interface StepPlace {
  readonly path: string;
  /** The variables that expressions may name. */
  readonly scope: readonly string[];
  readonly use: Use;
}

interface WrittenInvocation extends StepPlace {
  readonly tool: unknown;
  readonly with: unknown;
  readonly timeoutMs: number | undefined;
  readonly retry: Retry;
  readonly onResume: OnResume | undefined;
  readonly verify: WrittenVerify | undefined;
}

export class WorkReader {
  readonly #context: CheckContext;
  readonly #texts: TextCheck;
  readonly #problem: ToldProblem;

  constructor(context: CheckContext, texts: TextCheck, problem: ToldProblem) {
    this.#context = context;
    this.#texts = texts;
    this.#problem = problem;
  }

  read(step: WrittenStep, kind: StepKind, place: StepPlace): Work {
    const { path, scope, use } = place;
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
        return this.#sample(step, place, timeoutMs, retry);
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
    { path, scope, use }: StepPlace,
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

  /** An undo runs after its step: the step's own output is there. */
  undo(undo: NonNullable<WrittenStep['undo']>, { path, scope }: StepPlace): Invocation {
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

  fallback(step: WrittenStep, { path, scope, use }: StepPlace): Fallback | undefined {
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
