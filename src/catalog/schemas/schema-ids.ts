/**
 * A client of the TypeScript SDK keeps the output schemas of all tools in one place, by their `$id`: of two that have
 * the same it takes the first for both, and may reject the whole list for one that another schema holds within.
 */
import { at, isObject } from '../../json/json.ts';
import { memberText } from '../../json/edit.ts';
import type { VettedItem } from '../vetting/vet-listing.ts';

/** The tools whose output schema has its `$id` from, or lends it to, a different one. */
export function sharingIds(tools: readonly VettedItem[]): ReadonlySet<VettedItem> {
  const uses = new Map<string, Use[]>();
  for (const tool of tools) {
    const schema = at(tool.value, 'outputSchema');
    // The key, plain or in escapes.
    if (!isObject(schema) || !/\$id|\\u/.test(tool.text)) continue;
    const text = memberText(tool.text, 'outputSchema') ?? '';
    for (const { id, isRoot } of idsIn(schema, true)) {
      const known = uses.get(id);
      if (known) known.push({ tool, text, isRoot });
      else uses.set(id, [{ tool, text, isRoot }]);
    }
  }
  const shared = [...uses.values()].filter(
    (all) => all.some(({ isRoot }) => isRoot) && new Set(all.map(({ text }) => text)).size > 1,
  );
  return new Set(shared.flat().map(({ tool }) => tool));
}

interface Use {
  readonly tool: VettedItem;
  readonly text: string;
  readonly isRoot: boolean;
}

function* idsIn(
  value: unknown,
  isRoot: boolean,
): Generator<{ readonly id: string; readonly isRoot: boolean }> {
  if (typeof value !== 'object' || value === null) return;
  const id = at(value, '$id');
  if (typeof id === 'string') yield { id: id.replace(/#\/?$/, ''), isRoot };
  for (const inner of Object.values(value)) yield* idsIn(inner, false);
}
