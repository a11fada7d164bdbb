import { createRequire } from 'node:module';
import type * as Toml from 'smol-toml';

import { type ParsedText, problemAt } from './parsed-text.ts';
import { type Source, treeOf } from './tree.ts';

/** Loaded when it is needed: most configs are JSON, and every start would pay for it. */
const load = createRequire(import.meta.url);

/**
 * TOML. The library tells the place of a syntax error but not of a value, and hands out objects: keys that
 * look like whole numbers come first, whatever their order in the file.
 */
export function parseTomlTree(text: string, source: Source): ParsedText {
  const { parse, TomlDate, TomlError } = load('smol-toml') as typeof Toml;
  try {
    const root = treeOf(withoutDates(parse(text), TomlDate), { source });
    return root.kind === 'table' ? { root, errors: [], faults: [] } : { errors: [], faults: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = { source, line: error.line, column: error.column };
    // The library's message quotes the line, and the line may hold a secret.
    const reason = /^Invalid TOML document: ([a-z][a-z ,/-]*)$/m.exec(error.message)?.[1];
    return {
      errors: [problemAt(place, '', `is not valid TOML${reason === undefined ? '' : ` (${reason})`}`)],
      faults: [],
    };
  }
}

function withoutDates(value: unknown, TomlDate: typeof Toml.TomlDate): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => withoutDates(item, TomlDate));
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, withoutDates(item, TomlDate)]));
}
