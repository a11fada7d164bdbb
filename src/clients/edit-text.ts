/** Changes values in the text of a config and leaves the rest as it is: comments, order, blanks. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../core/errors.ts';

export type TextFormat = 'json' | 'yaml' | 'toml';

export interface Edit {
  /** Keys of tables and indexes of lists, from the root. */
  readonly path: readonly (string | number)[];
  /** `undefined` takes it away. */
  readonly value: unknown;
}

/** How one format is read and changed. */
export interface TextEditor {
  /** @throws Error where it is none. */
  readonly parse: (text: string) => unknown;
  readonly edit: (text: string, edits: readonly Edit[]) => string;
}

/** @throws Error where the text cannot be parsed, or where the change would touch anything else. */
export async function editText(text: string, format: TextFormat, edits: readonly Edit[]): Promise<string> {
  const editor = await editorOf(format);
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const before = text.slice(bom.length);
  const wanted = edits.reduce(changed, orEmpty(editor.parse(before)));
  const after = editor.edit(before, edits);
  // The libraries have their limits: what they made is read again before it replaces a user's file.
  if (!sameValue(orEmpty(editor.parse(after)), wanted))
    throw new Error('the file is written in a way that cannot be changed safely');
  return bom + after;
}

/** @throws Error where it is none. */
export async function parseText(text: string, format: TextFormat): Promise<unknown> {
  const editor = await editorOf(format);
  return orEmpty(editor.parse(text.replace(/^\uFEFF/, '')));
}

export function textFormatOf(file: string): TextFormat {
  if (/\.ya?ml$/i.test(file)) return 'yaml';
  return /\.toml$/i.test(file) ? 'toml' : 'json';
}

/** Loaded when it is needed. */
async function editorOf(format: TextFormat): Promise<TextEditor> {
  if (format === 'json') return (await import('./edit-json.ts')).jsonEditor;
  if (format === 'yaml') return (await import('./edit-yaml.ts')).yamlEditor;
  return (await import('./edit-toml.ts')).tomlEditor;
}

function orEmpty(value: unknown): unknown {
  return value ?? {};
}

/** The same change to a value, without touching the given one. Tables that are missing on the way are made. */
export function changed(root: unknown, { path, value }: Edit): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const list = Array.isArray(root) ? [...(root as unknown[])] : [];
    if (rest.length === 0 && value === undefined) list.splice(key, 1);
    else list[key] = changed(list[key], { path: rest, value });
    return list;
  }
  const entries = new Map(Object.entries(isTable(root) ? root : {}));
  if (rest.length === 0 && value === undefined) entries.delete(key);
  else entries.set(key, changed(entries.get(key), { path: rest, value }));
  return Object.fromEntries(entries);
}

/** Whether two parsed values say the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** Libraries differ in what their tables inherit. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(plain);
  if (!isTable(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Error that names no value: the text may hold secrets. */
export function noValid(format: string, error: unknown): never {
  const [, line] = /line (\d+)/.exec(messageOf(error)) ?? [];
  throw new Error(`it is no valid ${format}${line === undefined ? '' : ` (line ${line})`}`);
}
