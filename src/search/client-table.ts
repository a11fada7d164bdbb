/**
 * Which clients keep tool definitions back from the model until it looks for them, by the name that they give.
 *
 * Clients change, so a config may say otherwise, every entry has the day of its last look, and nothing but the choice of
 * a default depends on it.
 */

export interface ClientTraits {
  /** The client searches tools itself: a search of ours behind its own does harm. */
  readonly defers: boolean;
  /** A program's building block, which puts whatever it gets before the model, however large. */
  readonly isLibrary: boolean;
}

interface ClientEntry extends ClientTraits {
  /** Of `clientInfo.name`, without regard to case; `*` stands for any characters. */
  readonly name: string;
  /** When it was seen so. */
  readonly seen: string;
  readonly note: string;
}

/** The first that fits counts. */
export const CLIENTS: readonly ClientEntry[] = [
  program(
    'claude-code*',
    true,
    '2026-11-29',
    'not with a foreign ANTHROPIC_BASE_URL, unless ENABLE_TOOL_SEARCH says so',
  ),
  program('claude-ai*', true, '2026-11-29', 'Claude Desktop and claude.ai'),
  program('claude-desktop*', true, '2026-11-29', ''),
  program('codex*', true, '2026-11-29', 'with models that can search; shows one line for an entry'),
  program('qwen-*', true, '2026-11-29', 'its name ends with the name of the entry'),
  program('cursor*', true, '2026-01-31', 'names only; reads definitions from files'),
  program(
    'visual studio code*',
    true,
    '2026-11-29',
    'for models that can search; else groups from 128 tools',
  ),
  program('vscode*', true, '2026-11-29', 'as Visual Studio Code'),
  program('copilot-cli*', false, '2026-11-29', 'Claude models only; not with a foreign provider'),
  program('github-copilot*', false, '2026-08-31', 'JetBrains: refuses more than 128 tools'),
  program('gemini-cli*', false, '2026-11-29', ''),
  program('opencode*', false, '2026-11-29', ''),
  library('mcp', '2026-11-29', "the name of the official Python SDK's clients: OpenAI Agents, LangChain"),
  library('fastmcp*', '2026-11-29', 'pydantic-ai, too'),
  library('ai-sdk*', '2026-11-29', ''),
  library('@langchain/*', '2026-11-29', ''),
  library('langchain*', '2026-11-29', ''),
  library('mcp-use*', '2026-11-29', ''),
  library('@mastra/*', '2026-11-29', 'in truth it mostly gives the name of the entry'),
  library('openai-agents*', '2026-11-29', ''),
  library('pydantic-ai*', '2026-11-29', ''),
];

/** Nobody knows it: nothing is kept back, and it may be anything. */
const UNKNOWN: ClientTraits = { defers: false, isLibrary: false };

/** @param overrides the operator's own words, by patterns as in the table; the first that fits counts. */
export function clientTraits(
  clientName: string | undefined,
  overrides: Iterable<readonly [pattern: string, traits: Partial<ClientTraits>]> = [],
): ClientTraits {
  if (clientName === undefined) return UNKNOWN;
  const { defers, isLibrary } = CLIENTS.find(({ name }) => fits(clientName, name)) ?? UNKNOWN;
  const [, own] = [...overrides].find(([pattern]) => fits(clientName, pattern)) ?? [];
  return { defers, isLibrary, ...own };
}

function program(name: string, defers: boolean, seen: string, note: string): ClientEntry {
  return { name, defers, isLibrary: false, seen, note };
}

function library(name: string, seen: string, note: string): ClientEntry {
  return { name, defers: false, isLibrary: true, seen, note };
}

/** Names and patterns are short, and a run of characters is looked for once from the left: no pattern is slow. */
function fits(clientName: string, pattern: string): boolean {
  const name = clientName.slice(0, 200).toLowerCase();
  const parts = pattern.toLowerCase().split('*');
  const last = parts.pop() ?? '';
  const [first] = parts;
  if (first === undefined) return name === last;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of parts.slice(1)) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
