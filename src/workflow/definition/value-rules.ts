/** The rules of JSON Schema for one value by itself: type, range, pattern, choices. */
import { listed, nearest } from '../../core/nearest.ts';
import { type Exact, ExactNumber, isExact, printExact, sameNumber } from '../../json/exact-json.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { short } from './check-shape.ts';
import type { Problem } from './problem.ts';

export function checkRange(rule: JsonObject, found: unknown, path: string, to: Problem[]): void {
  const bound = (word: string): number | bigint | undefined => {
    const limit = rule[word];
    return isNumber(limit) ? comparable(limit) : undefined;
  };
  if (isNumber(found)) {
    const number = comparable(found);
    const [min, max] = [bound('minimum'), bound('maximum')];
    const [above, below] = [bound('exclusiveMinimum'), bound('exclusiveMaximum')];
    if (min !== undefined && number < min) fail(to, path, `at least ${min}`, found, String(min));
    if (max !== undefined && number > max) fail(to, path, `at most ${max}`, found, String(max));
    if (above !== undefined && number <= above) fail(to, path, `more than ${above}`, found);
    if (below !== undefined && number >= below) fail(to, path, `less than ${below}`, found);
  }
  if (typeof found !== 'string') return;
  const [least, most] = [bound('minLength'), bound('maxLength')];
  if (least !== undefined && found.length < least) fail(to, path, `at least ${least} characters`, found);
  if (most !== undefined && found.length > most) fail(to, path, `at most ${most} characters`, found);
}

/** Integers of any size compare with doubles as they are. */
function comparable(value: Exact): number | bigint {
  return value instanceof ExactNumber ? value.nearest : value;
}

export function checkPattern({ pattern }: JsonObject, found: unknown, path: string, to: Problem[]): void {
  if (typeof pattern === 'string' && typeof found === 'string' && !matches(pattern, found))
    fail(to, path, `text like /${pattern}/`, found);
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch (error) {
    // An expression of another dialect is not the value's fault.
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

export function fail(to: Problem[], path: string, expected: string, found: unknown, fix?: string): unknown {
  to.push({
    path,
    message: `expected ${expected}, got ${short(found)}`,
    expected,
    ...(fix !== undefined && { fix }),
  });
  return found;
}

export function failEnum(to: Problem[], path: string, allowed: readonly unknown[], found: unknown): unknown {
  const near =
    typeof found === 'string'
      ? nearest(
          found,
          allowed.filter((one) => typeof one === 'string'),
        )
      : undefined;
  const expected = `one of ${listed(allowed.map(short))}`;
  to.push({
    path,
    message: `expected ${expected}, got ${short(found)}`,
    expected,
    ...(near !== undefined && { nearest: near, fix: JSON.stringify(near) }),
  });
  return found;
}

export function typeFits(type: unknown, value: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => typeFits(one, value));
  switch (type) {
    case 'object':
      return isObject(value) && !isExact(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return isNumber(value) && (typeof value === 'bigint' || Number.isInteger(Number(value)));
    case 'null':
      return value === null;
    case 'number':
      return isNumber(value);
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

export function typeNames(type: unknown): string {
  if (Array.isArray(type)) return type.map(typeNames).join(' or ');
  if (type === 'integer') return 'a whole number';
  if (type === 'array' || type === 'object') return type === 'array' ? 'a list' : 'an object';
  return typeof type === 'string' ? (type === 'boolean' ? 'true or false' : `a ${type}`) : 'a value';
}

export function numberFix(type: unknown, value: unknown): string | undefined {
  const types = Array.isArray(type) ? type : [type];
  const wantsNumber = types.includes('number') || types.includes('integer');
  if (wantsNumber && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return String(Number(value));
  if (types.includes('boolean') && (value === 'true' || value === 'false')) return value;
  if (types.includes('string') && (isNumber(value) || typeof value === 'boolean'))
    return `"${String(value)}"`;
  if (types.includes('array') && value !== null && value !== undefined && typeof value !== 'object')
    return `[${short(value)}]`;
  return undefined;
}

function isNumber(value: unknown): value is Exact {
  return typeof value === 'number' || isExact(value);
}

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return sameNumber(a, b);
  return typeof a === 'object' && typeof b === 'object' && printExact(a) === printExact(b);
}
