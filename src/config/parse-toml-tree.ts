import { parse, TomlDate, TomlError } from 'smol-toml';

import { type ParsedText, problemAt } from './parsed-text.ts';
import { type Source, treeOf } from './tree.ts';

/**
 * TOML. The library tells the place of a syntax error but not of a value, and hands out objects: keys that
 * look like whole numbers come first, whatever their order in the file.
 */
export function parseTomlTree(text: string, source: Source): ParsedText {
  try {
    const root = treeOf(withoutDates(parse(text)), { source });
    return root.kind === 'table' ? { root, errors: [], duplicates: [] } : { errors: [], duplicates: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = { source, line: error.line, column: error.column };
    // The library's message quotes the line, and the line may hold a secret.
    const reason = /^Invalid TOML document: ([a-z][a-z ,/-]*)$/m.exec(error.message)?.[1];
    return {
      errors: [problemAt(place, '', `is not valid TOML${reason === undefined ? '' : ` (${reason})`}`)],
      duplicates: [],
    };
  }
}

function withoutDates(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(withoutDates);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, withoutDates(item)]));
}
