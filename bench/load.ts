/** Puts load on a client: so many callers, each with its next call as soon as it has the answer to the last one. */
import type { McpClient } from './clients/mcp-client.ts';

export interface LoadOptions {
  readonly client: McpClient;
  readonly tool: string;
  readonly callers: number;
  /** Ends after this time, or after so many calls. */
  readonly ms?: number;
  readonly calls?: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly seconds: number;
  /** Microseconds, in the order of the answers. */
  readonly micros: readonly number[];
}

let lastText = 0;

/** @throws Error where an answer is not what it should be. */
export async function load({
  client,
  tool,
  callers,
  ms = Infinity,
  calls = Infinity,
}: LoadOptions): Promise<LoadResult> {
  const micros: number[] = [];
  const from = performance.now();
  let started = 0;
  const caller = async (): Promise<void> => {
    for (;;) {
      const at = performance.now();
      if (at - from >= ms || started++ >= calls) return;
      const text = `call ${++lastText}`;
      const answer = await client.call(tool, text);
      micros.push((performance.now() - at) * 1000);
      if (answer !== text) throw new Error(`wrong answer: ${answer.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { calls: micros.length, seconds: (performance.now() - from) / 1000, micros };
}
