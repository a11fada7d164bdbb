import type { CatalogEntry } from '../catalog-entry.ts';
import { exportedNames, type NamingOptions } from './exported-names.ts';
import type { ProblemList } from '../vetting/problem-list.ts';
import type { VettedItem } from '../vetting/vet-listing.ts';

export interface NamedItem {
  readonly item: VettedItem;
  /** The name clients see. */
  readonly name: string;
}

/** Names tools or prompts, and reports those that could not have the name one would expect. */
export function nameItems(
  items: readonly VettedItem[],
  renamesOf: (entry: CatalogEntry) => ReadonlyMap<string, string>,
  options: NamingOptions,
  problems: ProblemList,
): readonly NamedItem[] {
  const owners = new Map<CatalogEntry, ReadonlyMap<string, string | undefined>>();
  const claims = items.map(({ entry, originalName }) => {
    const renames = renamesOf(entry);
    const owned = owners.get(entry) ?? ownersOf(renames);
    owners.set(entry, owned);
    const localName = renames.get(originalName) ?? originalName;
    const yields = owned.has(localName) && owned.get(localName) !== originalName;
    return { server: entry.server, namespace: entry.namespace, originalName, localName, yields };
  });
  const names = exportedNames(claims, options);
  return items.flatMap((item, index) => {
    const exported = names[index];
    if (!exported) return [];
    const { name, denied } = exported;
    if (denied) problems.add(item.entry.server, item.originalName, `${WHY[denied]}; offered as "${name}"`);
    return [{ item, name }];
  });
}

const WHY = {
  reserved: "would have the name of one of the proxy's own tools",
  taken: 'would have the same name as another',
} as const;

/**
 * Who may have a name that the operator gave, by that name, be it listed or not, so that a name does not move when a
 * server lists more or less; nobody, where it was given twice.
 */
function ownersOf(renames: ReadonlyMap<string, string>): ReadonlyMap<string, string | undefined> {
  const owners = new Map<string, string | undefined>();
  for (const [originalName, localName] of renames)
    owners.set(localName, owners.has(localName) ? undefined : originalName);
  return owners;
}
