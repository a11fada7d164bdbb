/** The editor of one format, and functions that editors share. */
import { messageOf } from '../../core/errors.ts';
import { isObject } from '../../json/json.ts';

export interface Edit {
  /** Keys of tables and indexes of lists, from the root. */
  readonly path: readonly (string | number)[];
  /** `undefined` takes it away. */
  readonly value: unknown;
}

export interface TextEditor {
  /** @throws Error where it is none. */
  readonly parse: (text: string) => unknown;
  readonly edit: (text: string, edits: readonly Edit[]) => string;
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
  const entries = new Map(Object.entries(isObject(root) ? root : {}));
  if (rest.length === 0 && value === undefined) entries.delete(key);
  else entries.set(key, changed(entries.get(key), { path: rest, value }));
  return Object.fromEntries(entries);
}

/** Without the tables that the change has emptied: some formats cannot hold them. */
export function pruned(root: unknown, { path, value }: Edit): unknown {
  if (value !== undefined || path.length < 2) return root;
  const holder = { path: path.slice(0, -1), value: undefined };
  const table = holder.path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root);
  return isObject(table) && Object.keys(table).length === 0 ? pruned(changed(root, holder), holder) : root;
}

/** @throws Error that names no value: the text may hold secrets. */
export function noValid(format: string, error: unknown): never {
  const [, line] = /line (\d+)/.exec(messageOf(error)) ?? [];
  throw new Error(`it is no valid ${format}${line === undefined ? '' : ` (line ${line})`}`);
}
