/** The tools that the proxy answers itself. A call of any other tool passes on. */
import type { Call, Middleware } from '../core/call.ts';
import { printExact } from '../core/exact-json.ts';
import { Json, type JsonObject } from '../core/json.ts';

export interface MetaTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly annotations: JsonObject;
  /** The structured answer. */
  readonly answer: (call: Call) => Promise<JsonObject>;
  /** Whether the answer tells of a failure; the shape is the same then. */
  readonly isError?: (answer: JsonObject) => boolean;
}

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
    return tool ? resultOf(tool, call) : next(call);
  };
}

async function resultOf(tool: MetaTool, call: Call): Promise<Json> {
  const structuredContent = await tool.answer(call);
  return Json.of({
    content: [{ type: 'text', text: printExact(structuredContent) }],
    structuredContent,
    ...(tool.isError?.(structuredContent) === true && { isError: true }),
  });
}

/** How a meta-tool stands in `tools/list`. */
export function definitionOf({ answer: _answer, isError: _isError, ...definition }: MetaTool): string {
  return printExact(definition) as string;
}
