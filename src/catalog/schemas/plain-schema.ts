/**
 * Tells at a glance of most output schemas that the usual clients can compile them: those made of nothing but the
 * everyday keywords. Of the others nothing is said.
 */
import { at, isObject, type JsonObject } from '../../json/json.ts';
import { endsOnEveryPath } from './endless-schema.ts';

/** A larger one may take its time to compile. */
const MAX_SCHEMAS = 1000;

export function isPlainSchema(root: JsonObject): boolean {
  let schemas = 0;
  return isPlain(root) && endsOnEveryPath(root);

  function isPlain(schema: unknown): boolean {
    if (++schemas > MAX_SCHEMAS) return false;
    if (typeof schema === 'boolean') return true;
    return isObject(schema) && Object.entries(schema).every(([key, value]) => isPlainKeyword(key, value));
  }

  function isPlainKeyword(key: string, value: unknown): boolean {
    switch (key) {
      case 'type':
        return Array.isArray(value) ? value.every(isType) : isType(value);
      case '$schema':
      case '$comment':
      case 'title':
      case 'description':
      case 'format':
        return typeof value === 'string';
      case 'default':
      case 'examples':
      case 'const':
      case 'deprecated':
      case 'readOnly':
      case 'writeOnly':
        return true;
      case 'enum':
        return Array.isArray(value) && value.length > 0;
      case 'required':
        return Array.isArray(value) && value.every((name) => typeof name === 'string');
      case 'minimum':
      case 'maximum':
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
      case 'minLength':
      case 'maxLength':
      case 'minItems':
      case 'maxItems':
        return typeof value === 'number';
      case 'properties':
      case '$defs':
      case 'definitions':
        return (
          isObject(value) &&
          Object.entries(value).every(([name, inner]) => !HALF.test(name) && isPlain(inner))
        );
      case 'additionalProperties':
      case 'items':
        return isPlain(value);
      case 'allOf':
      case 'anyOf':
      case 'oneOf':
        return Array.isArray(value) && value.length > 0 && value.every(isPlain);
      case '$ref':
        return typeof value === 'string' && leadsSomewhere(value);
      default:
        return false;
    }
  }

  function leadsSomewhere(ref: string): boolean {
    const [, defs, name] = /^#\/(\$defs|definitions)\/([\w.-]+)$/.exec(ref) ?? [];
    if (defs === undefined || name === undefined) return false;
    const target = at(root, defs, name);
    return isObject(target) || typeof target === 'boolean';
  }
}

/** Half of a surrogate pair: in a name it makes the compiler stumble. */
const HALF = /\p{Surrogate}/u;

const TYPES: ReadonlySet<unknown> = new Set([
  'object',
  'array',
  'string',
  'number',
  'integer',
  'boolean',
  'null',
]);

function isType(value: unknown): boolean {
  return TYPES.has(value);
}
