/** The schema of a config file and what is said about its keys, as one tree: what pages and editors are given. */
import * as z from 'zod';

import { type Look, lookOf, tableOf } from '../schema/fields.ts';
import { serverSchema, topSchema } from '../schema/schema.ts';
import { type Note, type Notes, notes } from './notes.ts';

/** One key of a section. */
export interface DescribedKey {
  readonly name: string;
  readonly note: Note;
  readonly required: boolean;
  readonly value: Described;
}

export type Described =
  | { readonly kind: 'section'; readonly keys: readonly DescribedKey[] }
  | { readonly kind: 'table' | 'list'; readonly of: Described }
  | Exclude<Look, { readonly kind: 'section' }>;

/** @throws Error that names a key without a note, or a note without a key. */
export function describedConfig(): readonly DescribedKey[] {
  return describedKeys(topSchema, notes, '');
}

function describedKeys(schema: z.ZodType, said: Notes, path: string): readonly DescribedKey[] {
  const look = lookOf(schema);
  if (look?.kind !== 'section') throw new Error(`${path} has keys in the notes, but is no section`);
  const unknown = Object.keys(said).filter((key) => !Object.hasOwn(look.shape, key));
  if (unknown.length > 0) throw new Error(`there is no ${path}${unknown.join(', ')} in the schema`);
  return Object.entries(look.shape).map(([name, field]) => {
    const note = said[name];
    if (note === undefined)
      throw new Error(`${path}${name} is not described. Add it to src/config/reference/notes.ts.`);
    const required = !(field instanceof z.ZodOptional);
    // Servers are checked one by one, not with the file that holds them.
    const value = path === '' && name === 'mcpServers' ? tableOf(serverSchema) : field;
    return { name, note, required, value: described(value as z.ZodType, note, `${path}${name}.`) };
  });
}

function described(schema: z.ZodType, note: Note, path: string): Described {
  if (schema instanceof z.ZodOptional) return described(schema.unwrap() as z.ZodType, note, path);
  if (schema instanceof z.ZodArray)
    return { kind: 'list', of: described(schema.element as z.ZodType, note, path) };
  if (schema instanceof z.ZodMap)
    return { kind: 'table', of: described(schema.valueType as z.ZodType, note, path) };
  const look = lookOf(schema);
  if (look === undefined) throw new Error(`${path} is of a kind that nothing is known about`);
  if (look.kind !== 'section') return look;
  return { kind: 'section', keys: describedKeys(schema, note.keys ?? {}, path) };
}
