/**
 * JSON Schema, as far as inputs of workflows and arguments of tools need it: every mistake at once, defaults
 * filled in, and values that are not known yet (templates) left out.
 *
 * Keywords that are not here (`format`, `if`, `$dynamicRef` …) allow everything: the tool itself has the last word.
 */
import { listed, nearest } from '../../core/nearest.ts';
import { type Exact, ExactNumber, isExact, printExact, sameNumber } from '../../json/exact-json.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { short } from './check-shape.ts';
import { joinPaths, type Problem } from './problem.ts';

export interface ValueCheck {
  readonly problems: readonly Problem[];
  /** With the defaults of the schema. */
  readonly value: unknown;
}

export interface ValueCheckOptions {
  readonly path: string;
  /** A value that is only known later fits any schema. */
  readonly unknown?: (value: unknown) => boolean;
  /** The schema is a server's: its patterns are not run, since one can take for ever. */
  readonly foreign?: boolean;
}

/** A schema that leads on in circles, or deeper than this, allows everything from there on. */
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 50;

export function checkValue(schema: unknown, value: unknown, options: ValueCheckOptions): ValueCheck {
  const problems: Problem[] = [];
  const checked = check(schema, value, options.path, 0, problems);
  return { problems, value: checked };

  function check(rule: unknown, found: unknown, path: string, depth: number, to: Problem[]): unknown {
    if (rule === false) return fail(to, path, 'nothing', found);
    if (
      !isObject(rule) ||
      depth > MAX_DEPTH ||
      to.length >= MAX_PROBLEMS ||
      options.unknown?.(found) === true
    )
      return found;
    const ref = rule['$ref'];
    if (typeof ref === 'string') return check(resolve(schema, ref), found, path, depth + 1, to);
    if (!typeFits(rule['type'], found))
      return fail(to, path, typeNames(rule['type']), found, numberFix(rule['type'], found));
    if ('const' in rule && !equal(rule['const'], found)) return fail(to, path, short(rule['const']), found);
    const allowed = rule['enum'];
    if (Array.isArray(allowed) && !allowed.some((one) => equal(one, found)))
      return failEnum(to, path, allowed, found);
    checkRange(rule, found, path, to);
    if (options.foreign !== true) checkPattern(rule, found, path, to);
    let result = found;
    if (isObject(found) && !isExact(found)) result = checkObject(rule, found, path, depth, to);
    else if (Array.isArray(found)) result = checkList(rule, found, path, depth, to);
    return checkCombined(rule, result, path, depth, to);
  }

  function checkObject(
    rule: JsonObject,
    found: JsonObject,
    path: string,
    depth: number,
    to: Problem[],
  ): JsonObject {
    const properties = isObject(rule['properties']) ? rule['properties'] : {};
    const names = Object.keys(properties);
    const result: Record<string, unknown> = { ...found };
    for (const [key, inner] of Object.entries(properties)) {
      if (Object.hasOwn(found, key))
        result[key] = check(inner, found[key], joinPaths(path, key), depth + 1, to);
      else if (isObject(inner) && 'default' in inner) result[key] = inner['default'];
    }
    const required = Array.isArray(rule['required'])
      ? rule['required'].filter((key) => typeof key === 'string')
      : [];
    const extra = Object.keys(found).filter((key) => !Object.hasOwn(properties, key));
    for (const key of required) {
      if (Object.hasOwn(result, key)) continue;
      const near = nearest(key, extra);
      const like = near === undefined ? '' : ` (there is "${near}")`;
      to.push({
        path: joinPaths(path, key),
        message: `"${key}" is missing${like}`,
        expected: typeNames(at(properties[key], 'type')),
        ...(near !== undefined && { nearest: key, fix: `"${key}": ${short(found[near])}` }),
      });
    }
    const others = rule['additionalProperties'];
    for (const key of extra) {
      if (isObject(others)) result[key] = check(others, found[key], joinPaths(path, key), depth + 1, to);
      if (others !== false || isObject(rule['patternProperties'])) continue;
      const near = nearest(key, names);
      to.push({
        path: joinPaths(path, key),
        message: `there is no "${key}" here; there are: ${listed(names)}`,
        expected: `one of ${listed(names)}`,
        ...(near !== undefined && { nearest: near, fix: `"${near}": ${short(found[key])}` }),
      });
    }
    return result;
  }

  function checkList(
    rule: JsonObject,
    found: readonly unknown[],
    path: string,
    depth: number,
    to: Problem[],
  ): readonly unknown[] {
    const [least, most] = [rule['minItems'], rule['maxItems']];
    if (typeof least === 'number' && found.length < least) fail(to, path, `at least ${least} items`, found);
    if (typeof most === 'number' && found.length > most) fail(to, path, `at most ${most} items`, found);
    const prefix = Array.isArray(rule['prefixItems']) ? rule['prefixItems'] : [];
    return found.map((item, index) =>
      check(index < prefix.length ? prefix[index] : rule['items'], item, `${path}[${index}]`, depth + 1, to),
    );
  }

  function checkCombined(
    rule: JsonObject,
    found: unknown,
    path: string,
    depth: number,
    to: Problem[],
  ): unknown {
    let result = found;
    if (Array.isArray(rule['allOf']))
      for (const one of rule['allOf']) result = check(one, result, path, depth + 1, to);
    for (const word of ['anyOf', 'oneOf']) {
      const choices = rule[word];
      if (!Array.isArray(choices) || choices.length === 0) continue;
      const tried = choices.map((choice) => {
        const its: Problem[] = [];
        return { value: check(choice, result, path, depth + 1, its), its };
      });
      const fitting = tried.find(({ its }) => its.length === 0);
      // The choice with the fewest mistakes is the one that was meant.
      if (fitting) result = fitting.value;
      else to.push(...(tried.sort((a, b) => a.its.length - b.its.length)[0]?.its ?? []));
    }
    return result;
  }
}

function checkRange(rule: JsonObject, found: unknown, path: string, to: Problem[]): void {
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

function checkPattern({ pattern }: JsonObject, found: unknown, path: string, to: Problem[]): void {
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

function fail(to: Problem[], path: string, expected: string, found: unknown, fix?: string): unknown {
  to.push({
    path,
    message: `expected ${expected}, got ${short(found)}`,
    expected,
    ...(fix !== undefined && { fix }),
  });
  return found;
}

function failEnum(to: Problem[], path: string, allowed: readonly unknown[], found: unknown): unknown {
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

function typeFits(type: unknown, value: unknown): boolean {
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

function typeNames(type: unknown): string {
  if (Array.isArray(type)) return type.map(typeNames).join(' or ');
  if (type === 'integer') return 'a whole number';
  if (type === 'array' || type === 'object') return type === 'array' ? 'a list' : 'an object';
  return typeof type === 'string' ? (type === 'boolean' ? 'true or false' : `a ${type}`) : 'a value';
}

function numberFix(type: unknown, value: unknown): string | undefined {
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

/** `#/$defs/Name` within the same schema. */
function resolve(root: unknown, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return true;
  let found: unknown = root;
  for (const part of ref.slice(2).split('/'))
    found = at(found, part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return found ?? true;
}

function at(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isNumber(value: unknown): value is Exact {
  return typeof value === 'number' || isExact(value);
}

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return sameNumber(a, b);
  return typeof a === 'object' && typeof b === 'object' && printExact(a) === printExact(b);
}
