/** The way of values into an evaluation and out of it. */
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { ExactNumber, integer } from '../json/exact-json.ts';
import { isObject, type JsonObject } from '../json/json.ts';
import { ExpressionError } from './expression-error.ts';

/** So many values in a result are more than anybody means. */
const MAX_VALUES = 1_000_000;
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** The variables of an evaluation, without the properties that every object inherits. */
export function celContext(scope: JsonObject): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, scope);
}

/**
 * What an evaluation gave, as JSON can say it: integers become plain numbers where a double holds them, times become text.
 *
 * @throws ExpressionError where it is too large, or no JSON value.
 */
export function fromCel(text: string, result: unknown): unknown {
  let values = 0;
  let characters = 0;
  return convert(result);

  function convert(value: unknown): unknown {
    if (++values > MAX_VALUES) throw new ExpressionError(text, `gives more than ${MAX_VALUES} values`);
    switch (typeof value) {
      case 'bigint':
        return integer(value);
      case 'number':
        if (Number.isFinite(value)) return value;
        throw new ExpressionError(text, `gives ${value}, which JSON cannot hold (a division by zero?)`);
      case 'string':
        characters += value.length;
        if (characters > MAX_CHARACTERS) throw new ExpressionError(text, 'gives too much text');
        return value;
      case 'boolean':
        return value;
      case 'object':
        return convertObject(value);
      default:
        throw new ExpressionError(text, 'gives no value');
    }
  }

  function convertObject(value: object | null): unknown {
    if (value === null) return null;
    if (Array.isArray(value)) return value.map(convert);
    if (value instanceof ExactNumber) return value;
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Duration) return value.toString();
    if (value instanceof UnsignedInt) return integer(value.valueOf());
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (value instanceof Map) return record([...value].map(([key, part]) => [String(key), convert(part)]));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (isObject(value) && (prototype === Object.prototype || prototype === null))
      return record(Object.entries(value).map(([key, part]) => [key, convert(part)]));
    throw new ExpressionError(text, 'gives no JSON value', 'Use string(…) to make text of it');
  }
}

/** Unlike `Object.fromEntries`, a plain object for `JSON.stringify`, whose `__proto__` is a key like any other. */
function record(entries: readonly (readonly [string, unknown])[]): JsonObject {
  return Object.fromEntries(entries);
}
