import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

import type { ConfigProblem } from '../config-error.ts';
import { lineFinder, numberFault, type ParsedText, problemAt } from './parsed-text.ts';
import {
  type ConfigNode,
  type NodePath,
  pathText,
  type SourcePlace,
  type Source,
  type TableEntry,
} from './tree.ts';

/** JSON with comments and trailing commas. Only the first syntax error is told: those after it follow from it. */
export function parseJsonTree(text: string, source: Source): ParsedText {
  const find = lineFinder(text);
  const placeOf = (offset: number): SourcePlace => ({ source, ...find(offset) });
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    const words = errorWords.get(printParseErrorCode(first.error)) ?? 'is not valid JSON';
    return { errors: [problemAt(placeOf(first.offset), '', words)], faults: [] };
  }
  const faults: ConfigProblem[] = [];
  const root = tree === undefined ? undefined : convert(tree, []);
  if (root?.kind !== 'table') {
    return { errors: [problemAt(placeOf(tree?.offset ?? 0), '', 'expected a table { … }')], faults };
  }
  return { root, errors: [], faults };

  function convert(node: Node, path: NodePath): ConfigNode {
    const place = placeOf(node.offset);
    const children = node.children ?? [];
    if (node.type === 'array') {
      return { kind: 'list', place, items: children.map((item, index) => convert(item, [...path, index])) };
    }
    if (node.type === 'number') {
      const fault = numberFault(text.slice(node.offset, node.offset + node.length));
      if (fault !== undefined) faults.push(problemAt(place, pathText(path), fault));
    }
    if (node.type !== 'object') return { kind: 'scalar', place, value: scalar(node.value) };
    const entries = new Map<string, TableEntry>();
    for (const property of children) {
      const [name, value] = property.children ?? [];
      if (name === undefined || value === undefined) continue;
      const key = String(name.value);
      const keyPlace = placeOf(name.offset);
      if (entries.has(key)) {
        faults.push(problemAt(keyPlace, pathText([...path, key]), 'is given twice. Remove one of the two.'));
      }
      entries.set(key, { keyPlace, node: convert(value, [...path, key]) });
    }
    return { kind: 'table', place, entries };
  }
}

function scalar(value: unknown): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

const errorWords: ReadonlyMap<string, string> = new Map([
  ['PropertyNameExpected', 'expected a key in double quotes'],
  ['ValueExpected', 'expected a value'],
  ['ColonExpected', 'expected ":" after the key'],
  ['CommaExpected', 'expected "," before this'],
  ['CloseBraceExpected', 'expected "}" to close a table'],
  ['CloseBracketExpected', 'expected "]" to close a list'],
  ['EndOfFileExpected', 'expected the end of the file'],
  ['InvalidCommentToken', 'this comment is not valid'],
  ['UnexpectedEndOfComment', 'a comment is not closed'],
  ['UnexpectedEndOfString', 'a text is not closed with a double quote'],
  ['InvalidSymbol', 'expected a value: text in double quotes, a number, true, false, null, {…} or […]'],
  ['InvalidNumberFormat', 'this number is not valid'],
  ['UnexpectedEndOfNumber', 'this number is not valid'],
  ['InvalidUnicode', 'a \\u in a text needs four hexadecimal digits'],
  ['InvalidEscapeCharacter', 'a text holds a "\\" that escapes nothing. Write "\\\\" for one backslash.'],
  ['InvalidCharacter', 'a text holds a control character'],
]);
