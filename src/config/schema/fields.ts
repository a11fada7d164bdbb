/**
 * The kinds of value that a config file holds, as zod schemas over the Maps, arrays and scalars of a parsed file.
 *
 * An issue's message is what was expected (`expected …`) or a whole sentence; `issues.ts` adds what was found.
 * Numbers and switches may come as text too: a variable can give nothing else.
 */
import * as z from 'zod';

import { nearest } from '../../core/nearest.ts';
import type { Look, Reader } from './reader.ts';
import { readDuration, readSize } from './units.ts';

/** Marks an issue whose message is complete: nothing is added about what was found. */
export interface IssueParams {
  readonly complete?: true;
  /** The issue is about the key, not its value. */
  readonly atKey?: true;
  readonly guess?: string;
}

export function readerOf<Input, Filled>(schema: z.ZodType, look: Look): Reader<Input, Filled> {
  return { schema, look };
}

export function zodOf<Input>({ schema }: Reader<Input, unknown>): z.ZodType<Input> {
  return schema as z.ZodType<Input>;
}

/** A table whose keys the user chose. */
export function tableOf<Input, Filled>(
  value: Reader<Input, Filled>,
): Reader<ReadonlyMap<string, Input>, ReadonlyMap<string, Filled>> {
  const schema = z.map(z.string(), zodOf(value), { error: 'expected a table' });
  return readerOf(schema, { kind: 'table', of: value });
}

export function listOf<Input, Filled>(
  item: Reader<Input, Filled>,
): Reader<readonly Input[], readonly Filled[]> {
  return readerOf(z.array(zodOf(item), { error: 'expected a list' }), { kind: 'list', of: item });
}

export function text(): Reader<string> {
  return field('text', (value) => (typeof value === 'string' ? value : undefined));
}

export function nonEmptyText(expected = 'text that is not empty'): Reader<string> {
  return field(expected, (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined));
}

export function texts(): Reader<readonly string[]> {
  return listOf(text());
}

export function flag(): Reader<boolean> {
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
export function count(min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
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
export function duration(min = 1): Reader<number> {
  const expected = 'milliseconds as a whole number, or a duration such as "30s" or "5m"';
  return atLeast(min, expected, readDuration, 'duration');
}

/** Bytes. */
export function size(min = 1): Reader<number> {
  return atLeast(min, 'bytes as a whole number, or a size such as "64KB" or "32MiB"', readSize, 'size');
}

/** One of a few words. `aliases` are taken as well but not offered. */
export function choice<const Name extends string>(
  names: readonly Name[],
  aliases: readonly Name[] = [],
): Reader<Name> {
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
  /** Without it, a text. */
  readonly look?: Look;
}

export function share(): Reader<number> {
  return field(
    'a share from 0 to 1, as 0.2',
    (value) => {
      const number = typeof value === 'string' && /^\d*\.?\d+$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && number >= 0 && number <= 1 ? number : undefined;
    },
    { look: { kind: 'share' } },
  );
}

/** A table of anything, as a plain object. */
export function anyTable(): Reader<Readonly<Record<string, unknown>>> {
  return field(
    'a table',
    (value) => (value instanceof Map ? (plain(value) as Readonly<Record<string, unknown>>) : undefined),
    { look: { kind: 'object' } },
  );
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(
    [...(value as ReadonlyMap<string, unknown>)].map(([name, inner]) => [name, plain(inner)]),
  );
}

/** A value with a rule of its own. */
export function field<Value>(
  expected: string,
  read: (value: unknown) => Value | undefined,
  { guess, look = { kind: 'text' } }: FieldOptions = {},
): Reader<Value> {
  const schema = z.unknown().transform((input, context) => {
    const value = read(input);
    if (value !== undefined) return value;
    const near = typeof input === 'string' ? guess?.(input) : undefined;
    report(context.issues, input, `expected ${expected}`, near === undefined ? {} : { guess: near });
    return z.NEVER;
  });
  return readerOf(schema, look);
}

function atLeast(
  min: number,
  expected: string,
  read: (value: unknown) => number | undefined,
  kind: 'duration' | 'size',
): Reader<number> {
  return field(
    min > 1 ? `${expected}, at least ${min}` : expected,
    (value) => {
      const amount = read(value);
      return amount !== undefined && amount >= min ? amount : undefined;
    },
    { look: { kind, min } },
  );
}

export function report(
  issues: z.core.$ZodRawIssue[],
  input: unknown,
  message: string,
  params: IssueParams = {},
  path: PropertyKey[] = [],
): void {
  issues.push({ code: 'custom', input, message, path, params: { ...params } });
}
