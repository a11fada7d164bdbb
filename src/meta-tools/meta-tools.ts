/** The tools that the proxy answers itself. A call of any other tool passes on. */
import { Answer } from '../core/answer.ts';
import type { Call, Handler, Middleware } from '../core/call.ts';
import { unlessCancelled } from '../core/cancellation.ts';
import type { ProxyError } from '../core/errors.ts';
import { printExact } from '../json/exact-json.ts';
import { Json, type JsonObject } from '../json/json.ts';

export interface MetaTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly annotations: JsonObject;
  /** The structured answer. */
  readonly answer: (call: Call) => Promise<JsonObject>;
  /** The failure that the answer tells of, if any; its shape is the same then. */
  readonly failure?: (answer: JsonObject) => Failure | undefined;
  /** Says whether `tools/list` has the tool now; the tool answers in any case. */
  readonly listed?: () => boolean;
  /** The part of the answer that is given as text as well; default: all of it. */
  readonly brief?: (answer: JsonObject) => JsonObject;
}

/** Finds the tool of a saved workflow by the tool's name; reading the files may take a moment. */
export type SavedTool = (name: string) => Promise<MetaTool | undefined>;

/** As the proxy's own failures tell it. */
export type Failure = Pick<ProxyError, 'code' | 'delivered'>;

/** @param saved finds the tool of a saved workflow, once these are read. */
export function metaTools(tools: readonly MetaTool[], saved?: SavedTool): Middleware {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return (next) => (call) => {
    if (call.method !== 'tools/call') return next(call);
    const tool = byName.get(call.name);
    if (tool) return Answer.from(resultOf(tool, call));
    if (!saved || !call.name.startsWith('workflow__')) return next(call);
    return Answer.from(savedResult(saved, call, next));
  };
}

async function savedResult(saved: SavedTool, call: Call, next: Handler): Promise<Json> {
  const tool = await unlessCancelled(saved(call.name), call.signal);
  return tool ? resultOf(tool, call) : next(call);
}

async function resultOf(tool: MetaTool, call: Call): Promise<Json> {
  const structuredContent = await tool.answer(call);
  const failure = tool.failure?.(structuredContent);
  return Json.of({
    content: [{ type: 'text', text: printExact(tool.brief?.(structuredContent) ?? structuredContent) }],
    structuredContent,
    ...(failure && { isError: true, _meta: { 'switchyard/error': failure } }),
  });
}

/** A meta-tool as `tools/list` has it. */
export function definitionOf({
  answer: _answer,
  failure: _failure,
  brief: _brief,
  listed: _listed,
  ...definition
}: MetaTool): string {
  return printExact(definition) as string;
}
