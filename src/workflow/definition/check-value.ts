/**
 * JSON Schema, as far as inputs of workflows and arguments of tools need it: finds every mistake at once, fills in
 * defaults, and leaves out values that are not known yet (templates).
 *
 * Other keywords (`format`, `if`, `$dynamicRef` …) allow everything: the tool itself decides.
 */
import { listed, nearest } from '../../core/nearest.ts';
import { isExact } from '../../json/exact-json.ts';
import { isObject, type JsonObject } from '../../json/json.ts';
import { short } from './check-shape.ts';
import { joinPaths, type Problem } from './problem.ts';
import {
  checkPattern,
  checkRange,
  equal,
  fail,
  failEnum,
  numberFix,
  typeFits,
  typeNames,
} from './value-rules.ts';

export interface ValueCheck {
  readonly problems: readonly Problem[];
  /** The value with the defaults of the schema. */
  readonly value: unknown;
}

export interface ValueCheckOptions {
  readonly path: string;
  /** Tells values that are only known later: they fit any schema. */
  readonly unknown?: (value: unknown) => boolean;
  /** The schema is a server's: its patterns are not run, since a pattern can take for ever. */
  readonly foreign?: boolean;
}

/** Below this depth a schema allows everything; it may lead in circles. */
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 50;

export function checkValue(schema: unknown, value: unknown, options: ValueCheckOptions): ValueCheck {
  const problems: Problem[] = [];
  const checked = new ValueChecker(schema, options).check(schema, value, options.path, 0, problems);
  return { problems, value: checked };
}

class ValueChecker {
  readonly #schema: unknown;
  readonly #options: ValueCheckOptions;

  constructor(schema: unknown, options: ValueCheckOptions) {
    this.#schema = schema;
    this.#options = options;
  }

  check(rule: unknown, found: unknown, path: string, depth: number, to: Problem[]): unknown {
    if (rule === false) return fail(to, path, 'nothing', found);
    if (
      !isObject(rule) ||
      depth > MAX_DEPTH ||
      to.length >= MAX_PROBLEMS ||
      this.#options.unknown?.(found) === true
    )
      return found;
    const ref = rule['$ref'];
    if (typeof ref === 'string') return this.check(resolve(this.#schema, ref), found, path, depth + 1, to);
    if (!typeFits(rule['type'], found))
      return fail(to, path, typeNames(rule['type']), found, numberFix(rule['type'], found));
    if ('const' in rule && !equal(rule['const'], found)) return fail(to, path, short(rule['const']), found);
    const allowed = rule['enum'];
    if (Array.isArray(allowed) && !allowed.some((one) => equal(one, found)))
      return failEnum(to, path, allowed, found);
    checkRange(rule, found, path, to);
    if (this.#options.foreign !== true) checkPattern(rule, found, path, to);
    let result = found;
    if (isObject(found) && !isExact(found)) result = this.#checkObject(rule, found, path, depth, to);
    else if (Array.isArray(found)) result = this.#checkList(rule, found, path, depth, to);
    return this.#checkCombined(rule, result, path, depth, to);
  }

  #checkObject(rule: JsonObject, found: JsonObject, path: string, depth: number, to: Problem[]): JsonObject {
    const properties = isObject(rule['properties']) ? rule['properties'] : {};
    const names = Object.keys(properties);
    const result: Record<string, unknown> = { ...found };
    for (const [key, inner] of Object.entries(properties)) {
      if (Object.hasOwn(found, key))
        result[key] = this.check(inner, found[key], joinPaths(path, key), depth + 1, to);
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
      if (isObject(others)) result[key] = this.check(others, found[key], joinPaths(path, key), depth + 1, to);
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

  #checkList(
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
      this.check(
        index < prefix.length ? prefix[index] : rule['items'],
        item,
        `${path}[${index}]`,
        depth + 1,
        to,
      ),
    );
  }

  #checkCombined(rule: JsonObject, found: unknown, path: string, depth: number, to: Problem[]): unknown {
    let result = found;
    if (Array.isArray(rule['allOf']))
      for (const one of rule['allOf']) result = this.check(one, result, path, depth + 1, to);
    for (const word of ['anyOf', 'oneOf']) {
      const choices = rule[word];
      if (!Array.isArray(choices) || choices.length === 0) continue;
      const tried = choices.map((choice) => {
        const its: Problem[] = [];
        return { value: this.check(choice, result, path, depth + 1, its), its };
      });
      const fitting = tried.find(({ its }) => its.length === 0);
      // The choice with the fewest mistakes is the one that was meant.
      if (fitting) result = fitting.value;
      else to.push(...(tried.sort((a, b) => a.its.length - b.its.length)[0]?.its ?? []));
    }
    return result;
  }
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
