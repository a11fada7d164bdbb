/** Every mistake in a definition's shape, at once. */
import { printExact } from '../../json/exact-json.ts';
import type * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { type Problem, problemPath } from './problem.ts';
import { definitionSchema, keysAt, OTHER_KEYS } from './schema.ts';

type Issue = z.core.$ZodIssue;

export function checkShape(value: unknown): readonly Problem[] {
  const parsed = definitionSchema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(issue, value));
}

function problemsOf(issue: Issue, root: unknown): Problem[] {
  const { path } = issue;
  const place = problemPath(path);
  const found = valueAt(root, path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(key, path, valueAt(root, [...path, key]), found));
  if (issue.message === 'DURATION')
    return [
      problem(
        place,
        found,
        'a duration as "500ms", "30s", "5m", "2h", "7d" or milliseconds',
        durationFix(found),
      ),
    ];
  if (issue.code === 'invalid_type')
    return [problem(place, found, nameOf(issue.expected), typeFix(found, issue.expected))];
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const near = typeof found === 'string' ? nearest(found, values) : undefined;
    return [
      {
        ...problem(place, found, `one of ${values.join(' | ')}`, near && JSON.stringify(near)),
        ...(near !== undefined && { nearest: near }),
      },
    ];
  }
  if (issue.code === 'too_small') return [problem(place, found, `at least ${issue.minimum}`, undefined)];
  if (issue.code === 'too_big') return [problem(place, found, `at most ${issue.maximum}`, undefined)];
  if (issue.code === 'invalid_union')
    return [problem(place, found, unionAt(path), typeof found === 'string' ? durationFix(found) : undefined)];
  return [{ path: place, message: issue.message }];
}

function unionAt(path: readonly PropertyKey[]): string {
  return path.at(-1) === 'wait'
    ? 'a duration as "30s", or { until: "${{ … }}" }'
    : 'a duration as "30s", or milliseconds';
}

function unknownKey(key: string, path: readonly PropertyKey[], value: unknown, parent: unknown): Problem {
  const keys = keysAt(path);
  const other = OTHER_KEYS.get(key);
  const near = other !== undefined && keys.includes(other) ? other : nearest(key, keys);
  const taken =
    near !== undefined && typeof parent === 'object' && parent !== null && Object.hasOwn(parent, near);
  const place = problemPath([...path, key]);
  const message = `unknown key "${key}"; known here: ${keys.join(', ')}`;
  if (near === undefined) return { path: place, message, expected: `one of ${keys.join(', ')}` };
  return {
    path: place,
    message: `unknown key "${key}". Did you mean "${near}"?`,
    expected: `one of ${keys.join(', ')}`,
    nearest: near,
    ...(!taken && { fix: `"${near}": ${short(value)}` }),
  };
}

function problem(path: string, found: unknown, expected: string, fix: string | undefined): Problem {
  const got = found === undefined ? 'it is missing' : `got ${short(found)}`;
  return { path, message: `expected ${expected}, ${got}`, expected, ...(fix !== undefined && { fix }) };
}

function nameOf(expected: string): string {
  if (expected === 'array') return 'a list';
  if (expected === 'int') return 'a whole number';
  if (expected === 'record' || expected === 'object') return 'an object';
  return expected === 'boolean' ? 'true or false' : `a ${expected}`;
}

function typeFix(found: unknown, expected: string): string | undefined {
  if (
    (expected === 'number' || expected === 'int') &&
    typeof found === 'string' &&
    found.trim() !== '' &&
    Number.isFinite(Number(found))
  )
    return String(Number(found));
  if (expected === 'int' && typeof found === 'number') return String(Math.round(found));
  if (expected === 'array' && (typeof found === 'string' || (typeof found === 'object' && found !== null)))
    return `[${short(found)}]`;
  if (expected === 'boolean' && (found === 'true' || found === 'false')) return found;
  if (expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')) return `"${found}"`;
  return undefined;
}

function durationFix(found: unknown): string | undefined {
  const [, number, unit = ''] = /(\d+(?:\.\d+)?)\s*([a-z]*)/i.exec(String(found)) ?? [];
  if (number === undefined) return undefined;
  const letter = unit.toLowerCase();
  const suffix =
    letter.startsWith('ms') || letter.startsWith('mil') ? 'ms' : letter === '' ? 'ms' : letter[0];
  return `"${number}${suffix ?? 's'}"`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let found = root;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return found;
}

export function short(value: unknown): string {
  const text = printExact(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
