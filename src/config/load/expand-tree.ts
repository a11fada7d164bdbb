import type { ConfigProblem } from '../config-error.ts';
import { problemAt } from '../text/parsed-text.ts';
import { type ConfigNode, type NodePath, pathText, type Source } from '../text/tree.ts';
import { expandVariables, hasVariables, unescapeVariables, type VariableScope } from '../variables.ts';

export interface ExpandedTree {
  readonly node: ConfigNode;
  readonly problems: readonly ConfigProblem[];
}

/** Expands the variables in every string value. Keys stay as they are; values that fail keep their text. */
export function expandTree(
  root: ConfigNode,
  prefix: NodePath,
  scopeOf: (source: Source) => VariableScope,
): ExpandedTree {
  const problems: ConfigProblem[] = [];
  return { node: expand(root, prefix), problems };

  function expand(node: ConfigNode, path: NodePath): ConfigNode {
    if (node.kind === 'list') {
      return { ...node, items: node.items.map((item, index) => expand(item, [...path, index])) };
    }
    if (node.kind === 'table') {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, node: expand(entry.node, [...path, key]) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
    const { text, errors } = expandVariables(node.value, scopeOf(node.place.source));
    problems.push(...errors.map((message) => problemAt(node.place, pathText(path), message)));
    return errors.length === 0 ? { ...node, value: text } : node;
  }
}

/** Turns `$${NAME}` into `${NAME}` in strings without variables, and leaves those with variables as they are. */
export function unescapeTree(node: ConfigNode): ConfigNode {
  if (node.kind === 'list') return { ...node, items: node.items.map(unescapeTree) };
  if (node.kind === 'table') {
    const entries = [...node.entries].map(
      ([key, entry]) => [key, { ...entry, node: unescapeTree(entry.node) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  }
  return typeof node.value === 'string' ? { ...node, value: unescapeVariables(node.value) } : node;
}

/** Paths of the strings that hold variables. */
export function variablePaths(root: ConfigNode): NodePath[] {
  if (root.kind === 'list') return root.items.flatMap((item, index) => below(index, item));
  if (root.kind === 'table') return [...root.entries].flatMap(([key, entry]) => below(key, entry.node));
  return typeof root.value === 'string' && hasVariables(root.value) ? [[]] : [];
}

function below(segment: string | number, node: ConfigNode): NodePath[] {
  return variablePaths(node).map((path) => [segment, ...path]);
}
