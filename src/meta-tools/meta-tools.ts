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
  /** Whether the answer tells of a failure; the shape is the same then. */
  readonly isError?: (answer: JsonObject) => boolean;
}

export function metaTools(tools: readonly MetaTool[]): Middleware {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return (next) => (call) => {
    const tool = call.method === 'tools/call' ? byName.get(call.name) : undefined;
    return tool ? resultOf(tool, call) : next(call);
  };
}

async function resultOf(tool: MetaTool, call: Call): Promise<Json> {
  const structuredContent = await tool.answer(call);
  return Json.of({
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
  });
}

/** How a meta-tool stands in `tools/list`. */
export function definitionOf({ answer: _answer, isError: _isError, ...definition }: MetaTool): string {
  return JSON.stringify(definition);
}
