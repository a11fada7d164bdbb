/** Makes argument sets that are valid by a schema, from a seed: many, and different from each other. */
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;

/** A validator of its own for each: schemas may share an `$id`. */
export function validator(schema: Schema): ValidateFunction {
  const { $schema: dialect } = schema;
  const isOld = typeof dialect === 'string' && dialect.includes('draft-07');
  const options = { strict: false, validateFormats: false, allErrors: false, logger: false } as const;
  return (isOld ? new Ajv(options) : new Ajv2020(options)).compile(schema);
}

/** So many tries for one valid set are enough for all but the strangest patterns. */
const TRIES = 8;

export function* validArguments(schema: Schema, count: number, seed = 1): Generator<unknown> {
  const isValid = validator(schema);
  const random = mulberry(seed);
  for (let made = 0, tried = 0; made < count && tried < count * TRIES; tried++) {
    const value = generate(schema, schema, random, 0);
    if (isValid(value) !== true) continue;
    made++;
    yield value;
  }
}

export function faultsOf(errors: readonly ErrorObject[] | null | undefined): string {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
}

const ANYTHING = [null, true, 3, 2.5, 'text', [], ['x', 1], {}, { a: { b: [1] } }] as const;

function generate(schema: unknown, root: Schema, random: () => number, depth: number): unknown {
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  if (typeof schema !== 'object' || schema === null) return one(ANYTHING);
  let found = schema as Schema;
  for (let step = 0; typeof found['$ref'] === 'string' && step < 8; step++)
    found = at(root, found['$ref'].slice(2).split('/')) ?? {};
  if ('const' in found) return found['const'];
  if (Array.isArray(found['enum'])) return one(found['enum'] as unknown[]);
  const all = list(found['allOf']);
  if (all.length > 0)
    return Object.assign(
      {},
      ...[withoutBranches(found), ...all].map((part) => object(generate(part, root, random, depth))),
    );
  const branches = [...list(found['anyOf']), ...list(found['oneOf'])];
  if (branches.length > 0) {
    const chosen = generate(one(branches), root, random, depth);
    return isPlain(chosen) && found['properties']
      ? { ...object(generate(withoutBranches(found), root, random, depth)), ...chosen }
      : chosen;
  }
  const types = Array.isArray(found['type'])
    ? (found['type'] as string[])
    : [found['type'] ?? (found['properties'] ? 'object' : undefined)];
  if (found['nullable'] === true && random() < 0.2) return null;
  const number = (key: string, otherwise: number): number => {
    const value = found[key];
    return typeof value === 'number' ? value : otherwise;
  };
  switch (one(types)) {
    case 'string': {
      const least = number('minLength', 0);
      if (found['format'] === 'uuid') return '7d444840-9dc0-41d1-b245-5ffdce74fad2';
      const text = one([
        '',
        'a',
        'some text',
        'https://example.com/a',
        '2026-01-02',
        'ünï 漢字',
        'x'.repeat(120),
      ]);
      return text.padEnd(least, 'y').slice(0, number('maxLength', 1000));
    }
    case 'integer':
    case 'number': {
      const least = number(
        'minimum',
        number('exclusiveMinimum', -5) + (found['exclusiveMinimum'] === undefined ? 0 : 1),
      );
      const most = number('maximum', Math.max(least + 1000, 1000));
      return Math.min(most, Math.round(least + random() * Math.min(most - least, 50)));
    }
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    case 'array': {
      const least = number('minItems', 0);
      const length = Math.min(number('maxItems', 5), least + (depth > 5 ? 0 : Math.floor(random() * 3)));
      const tuple = Array.isArray(found['items'])
        ? (found['items'] as unknown[])
        : list(found['prefixItems']);
      return Array.from({ length }, (_, index) =>
        generate(
          tuple[index] ?? (Array.isArray(found['items']) ? true : (found['items'] ?? true)),
          root,
          random,
          depth + 1,
        ),
      );
    }
    case 'object':
      return generateObject(found, root, random, depth);
    default:
      return one(ANYTHING);
  }
}

function generateObject(schema: Schema, root: Schema, random: () => number, depth: number): unknown {
  const made: Record<string, unknown> = {};
  const required = list(schema['required']);
  const rate = random() * (depth > 3 ? 0.2 : 1);
  for (const [name, property] of Object.entries(object(schema['properties'])))
    if (required.includes(name) || random() < rate) made[name] = generate(property, root, random, depth + 1);
  for (const [pattern, property] of Object.entries(object(schema['patternProperties'])))
    if (random() < 0.5) made[pattern.replaceAll(/[\\^$]/g, '')] = generate(property, root, random, depth + 1);
  const { additionalProperties } = schema;
  if (additionalProperties !== false && random() < 0.3)
    made['another'] = generate(additionalProperties ?? true, root, random, depth + 1);
  return made;
}

function withoutBranches(schema: Schema): Schema {
  const { allOf: _all, anyOf: _any, oneOf: _one, ...rest } = schema;
  return rest['type'] === undefined && rest['properties'] === undefined ? { type: 'object' } : rest;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown): Record<string, unknown> {
  return isPlain(value) ? value : {};
}

function at(value: unknown, steps: readonly string[]): Schema | undefined {
  let found = value;
  for (const step of steps)
    found = (found as Record<string, unknown> | undefined)?.[
      decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  return found as Schema | undefined;
}

/** A small generator of random numbers that a seed repeats. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
