/**
 * One tool over several different ones: asked in order until one gives a good answer, or all at once and merged.
 *
 * Every target takes the whole pipeline of a call, and so meets its cache, circuit and limits.
 */
import { Answer } from '../core/answer.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import { type Delivered, INVALID_PARAMS, messageOf, ProxyError, RpcError } from '../core/errors.ts';
import { printExact } from '../json/exact-json.ts';
import { at, EMPTY_OBJECT, Json, type JsonObject } from '../json/json.ts';
import { editObject, memberText } from '../json/edit.ts';
import type { Template } from '../expression/template.ts';
import { type ToolAnswer, mergeAnswers } from './merge-answers.ts';

export interface ComposedTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: JsonObject;
  readonly strategy: 'first' | 'merge';
  readonly deadlineMs: number;
  readonly targets: readonly ComposedTarget[];
}

export interface ComposedTarget {
  /** A name as clients see it. */
  readonly tool: string;
  /** Values with `${{ input.… }}` in their strings. */
  readonly arguments: JsonObject;
}

export interface ComposedToolsOptions {
  readonly tools: readonly ComposedTool[];
  /** Can the next target be asked although this one may have acted? */
  readonly mayGoOn: (call: Call) => boolean;
  readonly clock: Clock;
}

/** A composed tool as `tools/list` has it. */
export function composedDefinition({ name, description, inputSchema }: ComposedTool): string {
  return JSON.stringify({ name, ...(description !== undefined && { description }), inputSchema });
}

export function composedTools({ tools, mayGoOn, clock }: ComposedToolsOptions): Middleware {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const compiled = new Map<ComposedTool, Promise<readonly Template[]>>();
  return (next) => {
    const handle: Handler = (call) => {
      const tool = call.method === 'tools/call' ? byName.get(call.name) : undefined;
      return tool ? Answer.from(answered(call, tool)) : next(call);
    };
    const answered = async (call: Call, tool: ComposedTool): Promise<Json> => {
      const templates = await templatesOf(tool);
      return withinDeadline(call, tool, clock, (bounded, late) => {
        const asked = tool.targets.map((target, index) =>
          askedOf(bounded, target, templates[index] as Template),
        );
        return tool.strategy === 'first' ? first(tool, asked, handle, mayGoOn) : merged(asked, handle, late);
      });
    };
    return handle;
  };

  function templatesOf(tool: ComposedTool): Promise<readonly Template[]> {
    let templates = compiled.get(tool);
    if (!templates) compiled.set(tool, (templates = compile(tool)));
    return templates;
  }
}

async function compile({ targets }: ComposedTool): Promise<readonly Template[]> {
  const { compileAll } = await import('./composed-templates.ts');
  return compileAll(targets.map((target) => target.arguments));
}

/** A target's call is made when its turn comes: a template that fails costs its own target only. */
interface Asked {
  readonly tool: string;
  readonly call: () => Call;
}

function askedOf(call: Call, { tool }: ComposedTarget, template: Template): Asked {
  return {
    tool,
    call() {
      const input = at(call.params.exact, 'arguments') ?? {};
      const params = { name: tool, arguments: template.evaluate({ input }) };
      const meta = memberText(call.params.text, '_meta');
      const text = printExact(params) as string;
      // Progress of several tools under one token would go back and forth.
      return {
        ...call,
        name: tool,
        onProgress: undefined,
        params: Json.fromText(meta === undefined ? text : editObject(text, { _meta: meta })),
      };
    },
  };
}

async function first(
  tool: ComposedTool,
  asked: readonly Asked[],
  handle: Handler,
  mayGoOn: (call: Call) => boolean,
): Promise<Json> {
  let refusal: Json | undefined;
  let last: unknown;
  let delivered: Delivered = false;
  let wasAsked = false;
  const tried: string[] = [];
  for (const { tool: name, call } of asked) {
    let one: Call | undefined;
    try {
      one = call();
      const result = await handle(one);
      if (result.at('isError') !== true) return answeredBy(result, name);
      refusal = answeredBy(result, name);
      tried.push(`${name}: answered with an error`);
    } catch (error) {
      if (one?.signal.cancelled) throw error;
      const acted = error instanceof ProxyError && error.delivered !== false;
      if (acted && one && !mayGoOn(one)) throw error;
      wasAsked ||= one !== undefined;
      if (one && (acted || !(error instanceof ProxyError))) delivered = acted ? error.delivered : true;
      last = error;
      tried.push(`${name}: ${messageOf(error)}`);
    }
  }
  if (refusal) return refusal;
  const message = `None of the tools behind "${tool.name}" gave an answer. ${tried.join(' ')}`;
  // With these arguments no server could be asked at all.
  if (!wasAsked) throw RpcError.of(INVALID_PARAMS, message);
  throw new ProxyError('DOWNSTREAM_FAILED', { message, delivered, cause: last });
}

async function merged(asked: readonly Asked[], handle: Handler, late: Promise<void>): Promise<Json> {
  const answers: ToolAnswer[] = asked.map(({ tool }) => ({
    tool,
    result: undefined,
    why: 'did not answer in time',
  }));
  const all = asked.map(async ({ tool, call }, index) => {
    try {
      answers[index] = { tool, result: await handle(call()), why: undefined };
    } catch (error) {
      answers[index] = { tool, result: undefined, why: messageOf(error) };
    }
  });
  await Promise.race([Promise.all(all), late]);
  return mergeAnswers([...answers]);
}

function answeredBy(result: Json, tool: string): Json {
  const mark = { 'switchyard/answeredBy': JSON.stringify(tool) };
  return result.edit((text) =>
    editObject(text, { _meta: editObject(memberText(text, '_meta') ?? EMPTY_OBJECT.text, mark) }),
  );
}

/** Cancels what is still under way when the time is over, or when the client leaves. */
async function withinDeadline(
  call: Call,
  { name, deadlineMs, strategy }: ComposedTool,
  clock: Clock,
  run: (call: Call, late: Promise<void>) => Promise<Json>,
): Promise<Json> {
  const signal = new Cancellation();
  call.signal.link(signal);
  let stop: () => void = () => {};
  const late = new Promise<void>((resolve) => (stop = clock.after(deadlineMs, resolve)));
  try {
    const answer = run({ ...call, signal }, late);
    if (strategy === 'merge') return await answer;
    answer.catch(() => {
      // Told below, or too late to matter.
    });
    return await Promise.race([answer, late.then(() => Promise.reject(outOfTime(name, deadlineMs)))]);
  } finally {
    stop();
    call.signal.unlink(signal);
    signal.cancel('the composed call is over');
  }
}

function outOfTime(name: string, ms: number): ProxyError {
  return new ProxyError('TIMEOUT', {
    message: `The tools behind "${name}" did not answer within ${ms} ms (deadlineMs).`,
    delivered: 'unknown',
  });
}
