/** Sections: tables with a fixed set of declared keys. */
import * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { readerOf, report, zodOf } from './fields.ts';
import type { FilledOf, Former, InputOf, Key, Keys, Note, Reader } from './reader.ts';

type Told<Input> = Note & { readonly byDefault: NoInfer<Input> };

/** A key that a file may leave out. `byDefault` holds then; a section takes `{}`, which stands for the defaults of its keys. */
export function key<Input, Filled>(
  reader: Reader<Input, Filled>,
  note: Told<Input>,
): Key<Input, Filled, 'filled'>;
export function key<Input, Filled>(reader: Reader<Input, Filled>, note: Note): Key<Input, Filled, 'optional'>;
export function key<Input, Filled>(
  reader: Reader<Input, Filled>,
  { byDefault, ...note }: Note & { readonly byDefault?: Input },
): Key<Input, Filled, 'filled' | 'optional'> {
  return { reader, note, has: byDefault === undefined ? 'optional' : 'filled', byDefault };
}

export function requiredKey<Input, Filled>(
  reader: Reader<Input, Filled>,
  note: Note,
): Key<Input, Filled, 'given'> {
  return { reader, note, has: 'given', byDefault: undefined };
}

/** The same key without its default: `without` says in words what holds then. */
export function keyWithout<Input, Filled>(
  { reader, note }: Key<Input, Filled>,
  without: string,
): Key<Input, Filled, 'optional'> {
  return { reader, note: { ...note, without }, has: 'optional', byDefault: undefined };
}

export interface SectionOptions {
  /** Sentences for keys that people may look for here and that are elsewhere. */
  readonly misplaced?: ReadonlyMap<string, string>;
  readonly former?: ReadonlyMap<string, Former>;
}

/** A table with these keys; any other is an error with the nearest known one. */
export function section<All extends Keys>(
  keys: All,
  { misplaced, former = new Map() }: SectionOptions = {},
): Reader<InputOf<All>, FilledOf<All>> {
  const shape = Object.fromEntries(
    Object.entries(keys).map(([name, { reader, has }]) => {
      const value = zodOf(reader);
      return [name, has === 'given' ? value : value.optional()];
    }),
  );
  const fields = z.object(shape);
  const schema = z.unknown().transform((input, context) => {
    if (!(input instanceof Map)) {
      report(context.issues, input, 'expected a table');
      return z.NEVER;
    }
    const known: Record<string, unknown> = {};
    for (const [name, value] of input as ReadonlyMap<string, unknown>) {
      if (Object.hasOwn(keys, name)) known[name] = value;
      else report(context.issues, input, unknownKey(name), { complete: true, atKey: true }, [name]);
    }
    const result = fields.safeParse(known);
    if (result.success) return result.data;
    for (const { code, message, path, ...issue } of result.error.issues) {
      const params: unknown = code === 'custom' && 'params' in issue ? issue.params : undefined;
      const told = typeof params === 'object' && params !== null ? params : {};
      report(context.issues, input, message, told, path);
    }
    return z.NEVER;
  });
  return readerOf(schema, { kind: 'section', keys, former });

  function unknownKey(name: string): string {
    const remark = misplaced?.get(name);
    if (remark !== undefined) return remark;
    const near = nearest(name, Object.keys(keys));
    return `is not a known key.${near === undefined ? '' : ` Did you mean "${near}"?`}`;
  }
}
