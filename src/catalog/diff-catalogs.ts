import type { ListKind } from '../core/listing.ts';
import type { Catalog } from './catalog.ts';

/** The lists that clients must fetch anew; order counts, since clients show it and cache by it. */
export function diffCatalogs(before: Catalog, after: Catalog): readonly ListKind[] {
  return LIST_KINDS.filter((kind) => {
    const old = before.lists[kind].items;
    const now = after.lists[kind].items;
    return old.length !== now.length || old.some((item, index) => item !== now[index]);
  });
}

const LIST_KINDS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
