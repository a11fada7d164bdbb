/**
 * The kinds of value that a config file holds, as zod schemas over the Maps, arrays and scalars of a parsed file.
 *
 * An issue's message is what was expected (`expected …`) or a whole sentence; `issues.ts` adds what was found.
 * Numbers and switches may come as text too: a variable can give nothing else.
 */
import * as z from 'zod';

import { nearest } from '../../core/nearest.ts';
import { readDuration, readSize } from './units.ts';

/** Marks an issue whose message is complete: nothing is added about what was found. */
export interface IssueParams {
  readonly complete?: true;
  /** The issue is about the key, not its value. */
  readonly atKey?: true;
  readonly guess?: string;
}

/** What a value looks like in a file, for those who describe it to people and editors (`reference/`). */
export type Look =
  | { readonly kind: 'section'; readonly shape: z.ZodRawShape }
  | { readonly kind: 'text'; readonly expected: string }
  | { readonly kind: 'flag' | 'object' | 'share' }
  | { readonly kind: 'count' | 'duration' | 'size'; readonly min: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly names: readonly string[]; readonly aliases: readonly string[] };

const looks = new WeakMap<z.ZodType, Look>();

/** Undefined for what was not made by `section` or `field`. */
export function lookOf(schema: z.ZodType): Look | undefined {
  return looks.get(schema);
}

/** A table with a fixed set of keys; any other is an error with the nearest known one. */
export function section<Shape extends z.ZodRawShape>(
  shape: Shape,
  unsupported: ReadonlySet<string> = new Set(),
  misplaced: ReadonlyMap<string, string> = new Map(),
): z.ZodType<z.output<z.ZodObject<Shape>>> {
  const fields = z.object(shape);
  const schema = z.unknown().transform((input, context) => {
    if (!(input instanceof Map)) {
      report(context.issues, input, 'expected a table');
      return z.NEVER;
    }
    const known: Record<string, unknown> = {};
    for (const [key, value] of input as ReadonlyMap<string, unknown>) {
      if (Object.hasOwn(shape, key)) known[key] = value;
      else report(context.issues, input, unknownKey(key), { complete: true, atKey: true }, [key]);
    }
    const result = fields.safeParse(known);
    if (result.success) return result.data;
    for (const { code, message, path, ...issue } of result.error.issues) {
      const params: unknown = code === 'custom' && 'params' in issue ? issue.params : undefined;
      report(
        context.issues,
        input,
        message,
        typeof params === 'object' && params !== null ? params : {},
        path,
      );
    }
    return z.NEVER;
  });
  looks.set(schema, { kind: 'section', shape });
  return schema;

  function unknownKey(key: string): string {
    if (unsupported.has(key)) return 'is not supported by this version yet. Remove it.';
    const remark = misplaced.get(key);
    if (remark !== undefined) return remark;
    const near = nearest(key, Object.keys(shape));
    return `is not a known key.${near === undefined ? '' : ` Did you mean "${near}"?`}`;
  }
}

/** A table whose keys the user chose. */
export function tableOf<Value extends z.ZodType>(value: Value): z.ZodMap<z.ZodString, Value> {
  return z.map(z.string(), value, { error: 'expected a table' });
}

export function listOf<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  return z.array(item, { error: 'expected a list' });
}

export function text(): z.ZodType<string> {
  return field('text', (value) => (typeof value === 'string' ? value : undefined));
}

export function nonEmptyText(expected = 'text that is not empty'): z.ZodType<string> {
  return field(expected, (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined));
}

export function texts(): z.ZodArray<z.ZodType<string>> {
  return listOf(text());
}

export function flag(): z.ZodType<boolean> {
  return field(
    'true or false',
    (value) => {
      if (value === 'true') return true;
      if (value === 'false') return false;
      return typeof value === 'boolean' ? value : undefined;
    },
    { look: { kind: 'flag' } },
  );
}

/** A whole number within bounds, both included. */
export function count(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return field(
    `a whole number ${bounds}`,
    (value) => {
      const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max
        ? number
        : undefined;
    },
    { look: { kind: 'count', min, ...(max < Number.MAX_SAFE_INTEGER && { max }) } },
  );
}

/** Milliseconds. */
export function duration(min = 1): z.ZodType<number> {
  const expected = 'milliseconds as a whole number, or a duration such as "30s" or "5m"';
  return atLeast(min, expected, readDuration, 'duration');
}

/** Bytes. */
export function size(min = 1): z.ZodType<number> {
  return atLeast(min, 'bytes as a whole number, or a size such as "64KB" or "32MiB"', readSize, 'size');
}

/** One of a few words. `aliases` are taken as well but not offered. */
export function choice<const Name extends string>(
  names: readonly Name[],
  aliases: readonly Name[] = [],
): z.ZodType<Name> {
  const all = [...names, ...aliases];
  const expected = `one of ${names.map((name) => `"${name}"`).join(', ')}`;
  return field(expected, (value) => all.find((name) => name === value), {
    guess: (value) => nearest(value, names),
    look: { kind: 'choice', names, aliases },
  });
}

interface FieldOptions {
  /** Offers what the user may have meant. */
  readonly guess?: (value: string) => string | undefined;
  /** A text, unless something else is said. */
  readonly look?: Look;
}

/** A value of one's own rule. */
export function field<Value>(
  expected: string,
  read: (value: unknown) => Value | undefined,
  { guess, look = { kind: 'text', expected } }: FieldOptions = {},
): z.ZodType<Value> {
  const schema = z.unknown().transform((input, context) => {
    const value = read(input);
    if (value !== undefined) return value;
    const near = typeof input === 'string' ? guess?.(input) : undefined;
    report(context.issues, input, `expected ${expected}`, near === undefined ? {} : { guess: near });
    return z.NEVER;
  });
  looks.set(schema, look);
  return schema;
}

function atLeast(
  min: number,
  expected: string,
  read: (value: unknown) => number | undefined,
  kind: 'duration' | 'size',
): z.ZodType<number> {
  return field(
    min > 1 ? `${expected}, at least ${min}` : expected,
    (value) => {
      const amount = read(value);
      return amount !== undefined && amount >= min ? amount : undefined;
    },
    { look: { kind, min } },
  );
}

function report(
  issues: z.core.$ZodRawIssue[],
  input: unknown,
  message: string,
  params: IssueParams = {},
  path: PropertyKey[] = [],
): void {
  issues.push({ code: 'custom', input, message, path, params: { ...params } });
}
