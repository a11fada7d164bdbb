/** What makes two calls equal: their params as text, without what varies from call to call. */
import type { Json } from '../core/json.ts';
import { elementTexts, membersOf } from '../core/json-edit.ts';

/** Members of the params that say what is asked; `_meta` says only how. */
const ASKING: ReadonlySet<string> = new Set(['name', 'arguments', 'uri']);

/**
 * The params in one spelling: keys sorted, no spaces. Numbers and strings stay as they are written, so that
 * `1` and `"1"` differ, and so do integers that a double cannot tell apart.
 *
 * @returns `undefined` where the call is more than a question: an answer to a question round, or a task.
 */
export function canonicalParams(params: Json): string | undefined {
  const members = membersOf(params.text);
  if (!members) return undefined;
  let asked = '';
  for (const { key, start, end } of members) {
    if (key === '_meta') continue;
    if (!ASKING.has(key)) return undefined;
    // The name is known by the route, whatever the client calls it.
    if (key === 'arguments') asked += canonical(params.text.slice(start, end));
  }
  return asked;
}

/** A JSON text with sorted keys and without white space. */
export function canonical(text: string): string {
  const start = text.charAt(0);
  if (start === '{') {
    const members = membersOf(text) ?? [];
    const parts = members.map(
      ({ key, start: from, end }) => [key, canonical(text.slice(from, end))] as const,
    );
    parts.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${parts.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
  }
  if (start === '[') return `[${elementTexts(text).map(canonical).join(',')}]`;
  return text;
}
