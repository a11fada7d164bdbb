/** The tools that the proxy answers itself. A call of any other tool passes on. */
import { Answer } from '../core/answer.ts';
import type { Call, Middleware } from '../core/call.ts';
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

/** As the proxy's own failures tell it. */
export type Failure = Pick<ProxyError, 'code' | 'delivered'>;

/** @param saved tools that come and go. */
export function metaTools(
  tools: readonly MetaTool[],
  saved: () => readonly MetaTool[] = () => [],
): Middleware {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const find = (name: string): MetaTool | undefined =>
    byName.get(name) ??
    (name.startsWith('workflow__') ? saved().find((tool) => tool.name === name) : undefined);
  return (next) => (call) => {
    const tool = call.method === 'tools/call' ? find(call.name) : undefined;
    return tool ? Answer.from(resultOf(tool, call)) : next(call);
  };
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
