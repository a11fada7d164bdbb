/**
 * The time that clients wait for the handshake and for a list before they give a server up.
 *
 * The figures are from the clients' own code, and were tried with them on 30 Nov 2026. Each stays below the client's
 * own limit, since our start and a busy machine take a part of it. For an unknown client a cautious figure is used.
 */
import type { Client } from '../core/call.ts';
import { stringAt } from '../json/json.ts';

export interface Patience {
  /** Milliseconds from the client's first message to the answer to `initialize` or `server/discover`. */
  readonly greetingMs: number;
  /** Milliseconds from the client's first list request to the answer. */
  readonly listMs: number;
}

interface Waits {
  readonly overStdio: Patience;
  readonly overHttp?: Patience;
  /** The client waits for `server/discover` as long as for any answer. */
  readonly discovers?: boolean;
}

/** Long enough for most package runners to fetch a server; the MCP SDKs wait 60 s for an answer. */
const USUAL: Patience = { greetingMs: 3_000, listMs: 17_000 };
/** Mastra 2.0, which goes by the name of its entry, has to be connected within 3 s over HTTP. */
const GREETING_OVER_HTTP_MS = 2_000;
/** After a second AI SDK 2.0 takes a server for a legacy one, under whatever name its user gave it. */
const DISCOVERY_MS = 400;

const CLIENTS: readonly (readonly [name: RegExp, waits: Waits])[] = [
  // Claude Code 2.1: 30 s to connect (MCP_TIMEOUT).
  [/^claude-code$/, { overStdio: { greetingMs: 15_000, listMs: 10_000 } }],
  // Codex 0.171: 10 s for both (startup_timeout_sec).
  [/^codex-mcp-client$/, { overStdio: { greetingMs: 4_500, listMs: 4_000 } }],
  // Gemini CLI 0.61: 10 minutes, and its user waits with it.
  [/^gemini-cli-mcp-client/, { overStdio: { greetingMs: 10_000, listMs: 15_000 } }],
  // opencode 1.18: more than 5 s, as tried; how much more is not known.
  [/^opencode$/, { overStdio: { greetingMs: 4_000, listMs: 4_000 } }],
  // Copilot CLI 1.0: more than 5 s, as tried; shows no instructions.
  [/^copilot-cli$/, { overStdio: { greetingMs: 1_000, listMs: 4_000 }, discovers: true }],
  // Qwen Code 0.24: for both together 30 s over stdio, 5 s over HTTP.
  [
    /^qwen-cli-mcp-client/,
    { overStdio: { greetingMs: 10_000, listMs: 12_000 }, overHttp: { greetingMs: 2_000, listMs: 2_000 } },
  ],
  // The Python SDK's own name. OpenAI Agents 0.24: 5 s for each answer; langchain-mcp-adapters 0.3: without end.
  [/^mcp$/, { overStdio: { greetingMs: 4_000, listMs: 4_000 }, discovers: true }],
  // pydantic-ai 2.68: 5 s for the handshake, 5 minutes for a list.
  [/^fastmcp/, { overStdio: { greetingMs: 3_500, listMs: 15_000 }, discovers: true }],
  // AI SDK 2.0: without end, `server/discover` aside.
  [/^ai-sdk-mcp-client$/, { overStdio: USUAL }],
  // @langchain/mcp-adapters 1.1, mcp-use 1.34: 60 s for each answer.
  [/^(@langchain\/mcp-adapters|mcp-use)$/, { overStdio: { greetingMs: 10_000, listMs: 20_000 } }],
];

/** @param overHttp the client may have come over HTTP, where some wait less. */
export function patienceOf({ info, era }: Pick<Client, 'info' | 'era'>, overHttp: boolean): Patience {
  const name = stringAt(info, 'name') ?? '';
  const waits = CLIENTS.find(([pattern]) => pattern.test(name))?.[1] ?? { overStdio: USUAL };
  const { overStdio } = waits;
  const { greetingMs, listMs } = (overHttp && waits.overHttp) || overStdio;
  const transportMs = overHttp ? GREETING_OVER_HTTP_MS : Infinity;
  const discoveryMs = era === 'modern' && waits.discovers !== true ? DISCOVERY_MS : Infinity;
  return { greetingMs: Math.min(greetingMs, transportMs, discoveryMs), listMs };
}
