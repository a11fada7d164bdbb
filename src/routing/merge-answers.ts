/** Lists from several tools as one: by their scores where all have one, else by their ranks. Pure. */
import { isExact, parseExact, printExact } from '../json/exact-json.ts';
import { at, isObject, Json } from '../json/json.ts';

export interface ToolAnswer {
  readonly tool: string;
  readonly result: Json | undefined;
  /** Why there is no result. */
  readonly why: string | undefined;
}

/** Items under the same one of these are the same item. */
const IDENTITIES = ['url', 'uri', 'link', 'id'] as const;
/** Makes the first ranks differ little (reciprocal rank fusion's usual constant). */
const RANK_OFFSET = 60;

/** `{ results, partial, sources }`, each item as it came; `isError` where nobody gave a list. */
export function mergeAnswers(answers: readonly ToolAnswer[]): Json {
  const lists = answers.map(({ tool, result, why }) => {
    const isGood = result !== undefined && at(result.value, 'isError') !== true;
    return isGood
      ? { tool, items: itemsOf(result), why: undefined }
      : { tool, items: [], why: why ?? 'answered with an error' };
  });
  const results = ranked(lists.map(({ items }) => items));
  const sources = lists.map(({ tool, items, why }) =>
    why === undefined ? { tool, count: items.length } : { tool, error: why },
  );
  const partial = lists.some(({ why }) => why !== undefined);
  const structuredContent = { results, partial, sources };
  return Json.of({
    content: [{ type: 'text', text: printExact(structuredContent) }],
    structuredContent,
    ...(lists.every(({ why }) => why !== undefined) && { isError: true }),
  });
}

function ranked(lists: readonly (readonly unknown[])[]): readonly unknown[] {
  const scored = lists.every((items) => items.every((item) => scoreOf(item) !== undefined));
  const found = new Map<string, { readonly item: unknown; weight: number }>();
  for (const items of lists) {
    for (const [rank, item] of items.entries()) {
      const weight = scored ? (scoreOf(item) as number) : 1 / (RANK_OFFSET + rank);
      const key = identityOf(item);
      const known = found.get(key);
      if (!known) found.set(key, { item, weight });
      // Two ranks add up; of two scores the better one counts.
      else known.weight = scored ? Math.max(known.weight, weight) : known.weight + weight;
    }
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight).map(({ item }) => item);
}

/** Only compared, so that the nearest double does. */
function scoreOf(item: unknown): number | undefined {
  const score = at(item, 'score');
  return typeof score === 'number' || isExact(score) ? Number(score) : undefined;
}

function identityOf(item: unknown): string {
  for (const key of IDENTITIES) {
    const value = at(item, key);
    if (typeof value === 'string' || typeof value === 'number' || isExact(value))
      return printExact([key, value]) as string;
  }
  return printExact(item) as string;
}

/** The structured list, else the list that is the text, else the content blocks. */
function itemsOf(result: Json): readonly unknown[] {
  const { exact } = result;
  const structured = listIn(at(exact, 'structuredContent'));
  if (structured) return structured;
  const content = at(exact, 'content');
  const blocks = Array.isArray(content) ? (content as unknown[]) : [];
  const [only] = blocks;
  const text = blocks.length === 1 ? at(only, 'text') : undefined;
  return (typeof text === 'string' ? listIn(parsed(text)) : undefined) ?? blocks;
}

/** The value itself, or the first list in it. */
function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as unknown[];
  return isObject(value) ? (Object.values(value).find(Array.isArray) as unknown[] | undefined) : undefined;
}

function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}
