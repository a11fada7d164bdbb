import { wrongEncoding } from '../../core/text-encoding.ts';
import { parseJsonTree } from './parse-json-tree.ts';
import { parseTomlTree } from './parse-toml-tree.ts';
import { parseYamlTree } from './parse-yaml-tree.ts';
import type { ParsedText } from './parsed-text.ts';
import type { Source } from './tree.ts';

export type ConfigFormat = 'json' | 'yaml' | 'toml';

/** Text to tree. An empty file is an empty table. */
export function parseConfigText(text: string, format: ConfigFormat, source: Source): ParsedText {
  const wrong = wrongEncoding(text);
  if (wrong !== undefined) return { errors: [{ file: source.name, path: '', message: wrong }], faults: [] };
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (body.trim() === '') {
    return { root: { kind: 'table', place: { source }, entries: new Map() }, errors: [], faults: [] };
  }
  if (format === 'yaml') return parseYamlTree(body, source);
  if (format === 'toml') return parseTomlTree(body, source);
  return parseJsonTree(body, source);
}

/** The file's name tells the format; without a telling name, text that opens like JSON is JSON, else YAML. */
export function formatOf(path: string, text: string): ConfigFormat {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === 'json' || extension === 'jsonc' || extension === 'json5') return 'json';
  if (extension === 'yaml' || extension === 'yml') return 'yaml';
  if (extension === 'toml') return 'toml';
  return /^\uFEFF?\s*(\{|\/\/|\/\*)/.test(text) ? 'json' : 'yaml';
}
