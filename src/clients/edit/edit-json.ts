import { findNodeAtLocation, type Node, type ParseError, parseTree } from 'jsonc-parser';
import { putChild, replaceNode, takeChild } from './json-text.ts';
import { type Edit, noValid, type TextEditor } from './text-editor.ts';

/** JSON with comments and trailing commas. What a change does not name stays as it is written, to the byte. */
export const jsonEditor: TextEditor = {
  parse(text) {
    if (text.trim() === '') return {};
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first) noValid('JSON', new Error(`line ${text.slice(0, first.offset).split('\n').length}`));
    return root && valueOf(root);
  },
  edit: (text, edits) => edits.reduce(edited, text.trim() === '' ? '{}\n' : text),
};

function edited(text: string, { path, value }: Edit): string {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (!root) return text;
  const node = findNodeAtLocation(root, [...path]);
  if (value === undefined) return node ? takeChild(text, ownerOf(node)) : text;
  if (node) return replaceNode(text, node, value);
  return put(text, root, path, value);
}

/** Into the nearest table that is there, with the tables that are missing. */
function put(text: string, root: Node, path: Edit['path'], value: unknown): string {
  for (let length = path.length - 1; length >= 0; length--) {
    const holder = findNodeAtLocation(root, path.slice(0, length));
    const key = path[length];
    if (!holder || key === undefined) continue;
    const inner = path.slice(length + 1).reduceRight((below, name) => ({ [name]: below }), value);
    if (holder.type === 'object' || holder.type === 'array')
      return putChild(text, holder, holder.type === 'object' ? String(key) : undefined, inner);
    return replaceNode(text, holder, { [key]: inner });
  }
  return text;
}

/** The member of its table, or the element of its list. */
function ownerOf(node: Node): Node {
  return node.parent?.type === 'property' ? node.parent : node;
}

/** `__proto__` is a key like any other. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return node.children?.map(valueOf) ?? [];
  if (node.type !== 'object') return node.value as unknown;
  const members = node.children ?? [];
  return Object.fromEntries(
    members.map(({ children: [key, value] = [] }) => [
      String(key?.value),
      value === undefined ? null : valueOf(value),
    ]),
  );
}
