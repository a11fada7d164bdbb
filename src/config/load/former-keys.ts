/** Keys of earlier versions: an older file still works, and a warning says what became of each key. */
import type { ConfigProblem } from '../config-error.ts';
import type { AnyReader } from '../schema/reader.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ConfigNode, type NodePath, pathText, type TableEntry, type TableNode } from '../text/tree.ts';

interface Moved {
  readonly to: readonly string[];
  readonly entry: TableEntry;
}

/**
 * The tree of a file without its former keys. A moved one stands where it belongs now, unless the new key stands there;
 * any other does nothing.
 */
export function withoutFormerKeys(
  file: TableNode,
  reader: AnyReader,
): { readonly node: TableNode; readonly warnings: readonly ConfigProblem[] } {
  const warnings: ConfigProblem[] = [];
  const moved: Moved[] = [];
  const kept = withoutIn(file, reader, []);
  return { node: moved.reduce(placed, kept), warnings };

  function withoutIn(from: TableNode, { look }: AnyReader, at: NodePath): TableNode {
    const readerOf = (name: string): AnyReader | undefined =>
      look.kind === 'section' ? look.keys[name]?.reader : look.kind === 'table' ? look.of : undefined;
    const entries = new Map<string, TableEntry>();
    for (const [name, entry] of from.entries) {
      const inner = [...at, name];
      const former = look.kind === 'section' ? look.former.get(name) : undefined;
      if (former === undefined) {
        const within = readerOf(name);
        entries.set(name, within ? { ...entry, node: without(entry.node, within, inner) } : entry);
        continue;
      }
      const { now } = former;
      const message = typeof now === 'string' ? now : `is called ${now.join('.')} now. Move it there.`;
      warnings.push(problemAt(entry.keyPlace, pathText(inner), message));
      if (typeof now !== 'string') moved.push({ to: now, entry });
    }
    return { ...from, entries };
  }

  function without(from: ConfigNode, inner: AnyReader, at: NodePath): ConfigNode {
    if (from.kind === 'table') return withoutIn(from, inner, at);
    if (from.kind !== 'list' || inner.look.kind !== 'list') return from;
    const { of } = inner.look;
    return { ...from, items: from.items.map((item, index) => without(item, of, [...at, index])) };
  }
}

function placed(node: TableNode, { to, entry }: Moved): TableNode {
  const [name, ...rest] = to;
  if (name === undefined) return node;
  const before = node.entries.get(name);
  if (rest.length === 0) return before ? node : withEntry(node, name, entry);
  const table = before?.node ?? { kind: 'table', place: entry.keyPlace, entries: new Map() };
  if (table.kind !== 'table') return node;
  return withEntry(node, name, {
    keyPlace: before?.keyPlace ?? entry.keyPlace,
    node: placed(table, { to: rest, entry }),
  });
}

function withEntry(table: TableNode, name: string, entry: TableEntry): TableNode {
  return { ...table, entries: new Map([...table.entries, [name, entry]]) };
}
