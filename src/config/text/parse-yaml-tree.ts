import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

import type { ConfigProblem } from '../config-error.ts';
import { lineFinder, numberFault, type ParsedText, problemAt } from './parsed-text.ts';
import {
  type ConfigNode,
  type NodePath,
  pathText,
  type SourcePlace,
  type ScalarNode,
  type Source,
  type TableEntry,
} from './tree.ts';

/** Loaded when it is needed: most configs are JSON, and every start would pay for it. */
const load = createRequire(import.meta.url);

/** More values than any honest config has: stops aliases that unfold without end. */
const maxNodes = 100_000;

/** YAML 1.2 with anchors, aliases and `<<` merges. */
export function parseYamlTree(text: string, source: Source): ParsedText {
  const { isAlias, isMap, isScalar, isSeq, parseDocument } = load('yaml') as typeof Yaml;
  const find = lineFinder(text);
  const placeOf = (node: unknown): SourcePlace => {
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    const start: unknown = Array.isArray(range) ? range[0] : 0;
    return { source, ...find(typeof start === 'number' ? start : 0) };
  };
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  const [first] = document.errors;
  if (first !== undefined) {
    const words = errorWords.get(first.code) ?? `is not valid YAML (${first.code})`;
    return { errors: [problemAt({ source, ...find(first.pos[0]) }, '', words)], faults: [] };
  }
  const faults: ConfigProblem[] = [];
  const open = new Set<unknown>();
  let count = 0;
  try {
    const root = convert(document.contents, []);
    if (root.kind === 'table') return { root, errors: [], faults };
    return { errors: [problemAt(root.place, '', 'expected a table of keys and values')], faults };
  } catch (error) {
    if (!(error instanceof EndlessError)) throw error;
    return { errors: [problemAt({ source }, '', error.message)], faults };
  }

  function convert(node: unknown, path: NodePath): ConfigNode {
    if ((count += 1) > maxNodes) throw new EndlessError(`holds more than ${maxNodes} values`);
    const target = isAlias(node) ? node.resolve(document) : node;
    if (open.has(target)) throw new EndlessError('an alias stands inside of what it refers to');
    if (isMap(target)) return inside(target, () => convertMap(target, path));
    if (isSeq(target)) {
      const items = (): ConfigNode[] => target.items.map((item, index) => convert(item, [...path, index]));
      return { kind: 'list', place: placeOf(target), items: inside(target, items) };
    }
    if (isScalar(target) && typeof target.value === 'number') {
      const fault = /\d/.test(target.source ?? '')
        ? numberFault(target.source ?? '')
        : 'is no number that JSON has';
      if (fault !== undefined) faults.push(problemAt(placeOf(target), pathText(path), fault));
    }
    return scalarNode(isScalar(target) ? target.value : null, placeOf(target ?? node));
  }

  function convertMap(map: Yaml.YAMLMap, path: NodePath): ConfigNode {
    const entries = new Map<string, TableEntry>();
    const merged: ConfigNode[] = [];
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : pathText(['?']);
      const keyPlace = placeOf(pair.key);
      if (key === '<<') {
        const node = convert(pair.value, path);
        merged.push(...(node.kind === 'list' ? node.items : [node]));
        continue;
      }
      if (entries.has(key)) {
        faults.push(problemAt(keyPlace, pathText([...path, key]), 'is given twice. Remove one of the two.'));
      }
      entries.set(key, { keyPlace, node: convert(pair.value, [...path, key]) });
    }
    for (const table of merged) {
      if (table.kind !== 'table') continue;
      for (const [key, entry] of table.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: 'table', place: placeOf(map), entries };
  }

  function inside<T>(node: unknown, work: () => T): T {
    open.add(node);
    const result = work();
    open.delete(node);
    return result;
  }
}

class EndlessError extends Error {}

function scalarNode(value: unknown, place: SourcePlace): ScalarNode {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', place, value };
  }
  return { kind: 'scalar', place, value: null };
}

/** The library's own messages may quote the text, and the text may hold a secret. */
const errorWords: ReadonlyMap<string, string> = new Map([
  ['BAD_ALIAS', 'an alias or anchor is not valid'],
  ['BAD_DQ_ESCAPE', 'a text in double quotes holds a "\\" that escapes nothing'],
  ['BAD_INDENT', 'the indentation does not fit what stands above'],
  ['BAD_SCALAR_START', 'a text that starts with this character needs quotes'],
  ['BLOCK_AS_IMPLICIT_KEY', 'a table cannot start here. Is a line break or are quotes missing?'],
  ['MISSING_CHAR', 'a quote, bracket, comma or colon is missing'],
  ['MULTILINE_IMPLICIT_KEY', 'a key must stand on one line. Is a ":" missing?'],
  ['MULTIPLE_DOCS', 'expected one document, got several (a line "---")'],
  ['TAB_AS_INDENT', 'tabs are not allowed as indentation'],
  ['UNEXPECTED_TOKEN', 'something stands here that does not belong'],
]);
