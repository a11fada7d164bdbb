/** The tools that the proxy answers itself. A call of any other tool passes on. */
import type { Call, Middleware } from '../core/call.ts';
import { Json, type JsonObject } from '../core/json.ts';

export interface MetaTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly annotations: JsonObject;
  /** The structured answer. */
  readonly answer: (call: Call) => Promise<JsonObject>;
}

export function metaTools(tools: readonly MetaTool[]): Middleware {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return (next) => async (call) => {
    const tool = call.method === 'tools/call' ? byName.get(call.name) : undefined;
    if (!tool) return next(call);
    const structuredContent = await tool.answer(call);
    return Json.of({
      content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
      structuredContent,
    });
  };
}

/** How a meta-tool stands in `tools/list`. */
export function definitionOf({ answer: _answer, ...definition }: MetaTool): string {
  return JSON.stringify(definition);
}
