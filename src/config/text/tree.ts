/**
 * A parsed file as a tree that remembers where each value stood.
 *
 * Tables are Maps: keys keep their order even if they look like numbers, and `__proto__` is a key like any other.
 */
export type ConfigNode = TableNode | ListNode | ScalarNode;

export interface TableNode {
  readonly kind: 'table';
  readonly place: SourcePlace;
  readonly entries: ReadonlyMap<string, TableEntry>;
}

export interface TableEntry {
  readonly keyPlace: SourcePlace;
  readonly node: ConfigNode;
}

interface ListNode {
  readonly kind: 'list';
  readonly place: SourcePlace;
  readonly items: readonly ConfigNode[];
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: SourcePlace;
  readonly value: Scalar;
}

type Scalar = string | number | boolean | null;

/** Lines and columns count from 1; TOML values have none. */
export interface SourcePlace {
  readonly source: Source;
  readonly line?: number;
  readonly column?: number;
}

export interface Source {
  /** The name that people are shown. */
  readonly name: string;
  /** Absolute: what relative paths in this file start from. */
  readonly folder: string;
}

export type NodePath = readonly (string | number)[];

/** The tree as plain values: Maps, arrays and scalars. */
export type PlainValue = Scalar | readonly PlainValue[] | ReadonlyMap<string, PlainValue>;

export function plainValue(node: ConfigNode): PlainValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainValue);
  return new Map([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]));
}

/** The reverse, for values that were not read from a file of ours: every node gets the same place. */
export function treeOf(value: unknown, place: SourcePlace): ConfigNode {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => treeOf(item, place)) };
  if (value instanceof Map) return tableOf(value.entries(), place);
  if (typeof value === 'object' && value !== null) return tableOf(Object.entries(value), place);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', place, value };
  }
  return { kind: 'scalar', place, value: null };
}

export function child(node: ConfigNode | undefined, key: string): ConfigNode | undefined {
  return node?.kind === 'table' ? node.entries.get(key)?.node : undefined;
}

export function nodeAt(root: ConfigNode, path: NodePath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const segment of path) {
    if (node?.kind === 'list' && typeof segment === 'number') node = node.items[segment];
    else node = child(node, String(segment));
  }
  return node;
}

/** The place to point at for a path: the key for `atKey`, else the value, else the nearest node around it. */
export function placeAt(root: ConfigNode, path: NodePath, atKey = false): SourcePlace {
  const last = path.at(-1);
  if (last === undefined) return root.place;
  const parent = nodeAt(root, path.slice(0, -1));
  if (parent === undefined) return placeAt(root, path.slice(0, -1));
  if (atKey && parent.kind === 'table') {
    const entry = parent.entries.get(String(last));
    if (entry !== undefined) return entry.keyPlace;
  }
  return nodeAt(parent, [last])?.place ?? parent.place;
}

/** A copy of the table with some entries set (at their old place in the order) or, if undefined, left out. */
export function withEntries(
  table: TableNode,
  changes: ReadonlyMap<string, ConfigNode | undefined>,
): TableNode {
  const entries = new Map(table.entries);
  for (const [key, node] of changes) {
    if (node === undefined) entries.delete(key);
    else entries.set(key, { keyPlace: entries.get(key)?.keyPlace ?? node.place, node });
  }
  return { ...table, entries };
}

/** `mcpServers["my server"].args[0]`. */
export function pathText(path: NodePath): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    if (!/^[\w$-]+$/.test(segment)) return `${text}[${JSON.stringify(segment)}]`;
    return text === '' ? segment : `${text}.${segment}`;
  }, '');
}

function tableOf(pairs: Iterable<readonly [unknown, unknown]>, place: SourcePlace): TableNode {
  const entries = new Map<string, TableEntry>();
  for (const [key, value] of pairs) {
    if (value !== undefined) entries.set(String(key), { keyPlace: place, node: treeOf(value, place) });
  }
  return { kind: 'table', place, entries };
}
