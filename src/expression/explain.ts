/** Turns what CEL says about a mistake into what a person or a model needs to repair it. */
import {
  type ASTNode,
  type Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from '@marcbachmann/cel-js';
import { serialize } from '@marcbachmann/cel-js/serialize';
import { isObject, type JsonObject } from '../json/json.ts';
import { messageOf } from '../core/errors.ts';
import { ExpressionError } from './expression-error.ts';
import { childrenOf } from './guards.ts';
import { listed, nearest } from '../core/nearest.ts';

export interface Explainer {
  readonly text: string;
  readonly environment: Environment;
  readonly ast?: ASTNode;
  /** There while evaluating. */
  readonly scope?: JsonObject;
}

export function explain(error: unknown, place: Explainer): ExpressionError {
  if (error instanceof ExpressionError) return error;
  const { text } = place;
  if (!(error instanceof ParseError || error instanceof EvaluationError || error instanceof CelTypeError))
    return new ExpressionError(text, messageOf(error));
  const { code, summary } = error;
  const node = error.node !== undefined && 'op' in error.node ? (error.node as ASTNode) : undefined;
  if (code === 'no_such_key' && node) return missingKey(node, place);
  if (code === 'unknown_variable') return unknownVariable(summary, place);
  if (code === 'no_matching_overload') return wrongCall(summary, place);
  if (code === 'no_such_overload') return new ExpressionError(text, wordy(summary), convertHint(summary));
  if (error instanceof ParseError)
    return new ExpressionError(text, `cannot be read: ${summary}${at(error.range)}`, syntaxHint(text));
  return new ExpressionError(text, wordy(summary), HINTS.get(code));
}

const HINTS = new Map([
  ['incompatible_ternary_branches', 'Write dyn(…) around both branches: cond ? dyn(a) : dyn(b)'],
  ['invalid_condition_type', 'Compare with something, as in x == "…", size(x) > 0 or has(a.b)'],
  ['invalid_logical_operand', 'Compare with something, as in x == "…", size(x) > 0 or has(a.b)'],
  ['index_out_of_bounds', 'Test size(list) > index before'],
  ['division_by_zero', 'Test the divisor before, as in d == 0 ? dyn(0) : dyn(n / d)'],
]);

function missingKey(node: ASTNode, place: Explainer): ExpressionError {
  const { text } = place;
  const [object, key] =
    node.op === '.' || node.op === '[]' ? (node.args as [ASTNode, ASTNode | string]) : [undefined, ''];
  const name = typeof key === 'string' ? key : String(key.op === 'value' ? key.args : serialize(key));
  if (!object) return new ExpressionError(text, `there is no key "${name}"`);
  const where = serialize(object);
  const found = lookFor(object, name, place);
  const has = typeof key === 'string' ? ` If it may be missing, test has(${where}.${name}) first.` : '';
  if (name === 'length' && (Array.isArray(found) || typeof found === 'string'))
    return new ExpressionError(text, `${where} has no "length"`, `size(${where})`);
  if (!isObject(found)) {
    const kind = Array.isArray(found) ? 'a list' : found === undefined ? 'nothing' : typeName(found);
    const hint = Array.isArray(found)
      ? ` Take an element, as in ${where}[0].${name}, or ${where}.map(x, x.${name}).`
      : '';
    return new ExpressionError(
      text,
      `${where} has no key "${name}": it is ${kind}.${hint}${hint === '' ? has : ''}`,
    );
  }
  const keys = Object.keys(found);
  const near = nearest(name, keys);
  const there = keys.length === 0 ? 'it is empty' : `it has: ${listed(keys)}`;
  const message = `${where} has no key "${name}"; ${there}.${near === undefined ? '' : ` Did you mean "${near}"?`}${has}`;
  return new ExpressionError(text, message, near === undefined ? undefined : replaceKey(text, name, near));
}

/** The value that lacks the key: the value itself, or in a macro the first element without the key. */
function lookFor(object: ASTNode, key: string, place: Explainer): unknown {
  const variables = place.ast ? variablesAt(place.ast, object) : new Map<string, ASTNode>();
  const root = rootOf(object);
  const list = root === undefined ? undefined : variables.get(root);
  if (!list) return evaluated(serialize(object), place, {});
  const elements = evaluated(serialize(list), place, {});
  if (!Array.isArray(elements)) return undefined;
  for (const element of elements) {
    const found = evaluated(serialize(object), place, { [root as string]: element as unknown });
    if (!isObject(found) || !Object.hasOwn(found, key)) return found;
  }
  return undefined;
}

function evaluated(text: string, { environment, scope }: Explainer, more: JsonObject): unknown {
  try {
    return environment.parse(text)(Object.assign(Object.create(null) as JsonObject, scope, more)) as unknown;
  } catch {
    return undefined;
  }
}

/** The variables of the macros around a node, each with the list it runs over. */
function variablesAt(ast: ASTNode, wanted: ASTNode): Map<string, ASTNode> {
  const found = new Map<string, ASTNode>();
  const inside = (node: ASTNode): boolean => {
    if (node === wanted || (node.start === wanted.start && node.end === wanted.end && node.op === wanted.op))
      return true;
    const hit = childrenOf(node).some(inside);
    if (hit && node.op === 'rcall') {
      const [, list, [variable]] = node.args;
      if (variable?.op === 'id' && !found.has(variable.args)) found.set(variable.args, list);
    }
    return hit;
  };
  inside(ast);
  return found;
}

function rootOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  return node.op === '.' || node.op === '[]' ? rootOf(node.args[0]) : undefined;
}

function unknownVariable(summary: string, { text, scope }: Explainer): ExpressionError {
  const name = /Unknown variable: (\w+)/.exec(summary)?.[1] ?? '';
  return noVariable(text, name, Object.keys(scope ?? {}));
}

/** An expression names something that is not there. */
export function noVariable(text: string, name: string, names: readonly string[]): ExpressionError {
  const near = nearest(name, names);
  const literal = FOREIGN.get(name);
  const fix =
    literal ?? (near === undefined ? `If it is text, quote it: "${name}"` : replaceKey(text, name, near));
  return new ExpressionError(text, `there is no "${name}" here; there are: ${listed(names)}`, fix);
}

const FOREIGN = new Map([
  ['undefined', 'Use has(a.b) to see whether a key is there, and null for null'],
  ['None', 'Use null'],
  ['True', 'Use true'],
  ['False', 'Use false'],
  ['not', 'Use !x'],
  ['and', 'Use &&'],
  ['or', 'Use ||'],
  ['Math', 'There is no Math; CEL has + - * / % and int(), double()'],
  ['JSON', 'Use string(x) for the JSON text of a list or map'],
]);

/** Names that other languages have for CEL's functions. */
const ALIASES = new Map([
  ['length', 'size'],
  ['len', 'size'],
  ['count', 'size'],
  ['includes', 'contains'],
  ['toLowerCase', 'lowerAscii'],
  ['lower', 'lowerAscii'],
  ['toUpperCase', 'upperAscii'],
  ['upper', 'upperAscii'],
  ['strip', 'trim'],
  ['some', 'exists'],
  ['any', 'exists'],
  ['every', 'all'],
  ['toString', 'string'],
  ['str', 'string'],
  ['parseInt', 'int'],
  ['Number', 'double'],
  ['float', 'double'],
  ['find', 'filter'],
  ['match', 'contains'],
]);

const METHODS = [
  'map',
  'filter',
  'all',
  'exists',
  'exists_one',
  'size',
  'contains',
  'startsWith',
  'endsWith',
  'split',
  'join',
  'trim',
  'indexOf',
  'substring',
  'lowerAscii',
  'upperAscii',
];
const FUNCTIONS = ['has', 'size', 'string', 'int', 'double', 'bool', 'dyn', 'type', 'timestamp', 'duration'];

function wrongCall(summary: string, { text }: Explainer): ExpressionError {
  const [, receiver, name = '', types = ''] = /'(?:(.*)\.)?(\w+)\((.*)\)'/.exec(summary) ?? [];
  const known = receiver === undefined ? FUNCTIONS : METHODS;
  if (known.includes(name)) {
    if (name === 'join')
      return new ExpressionError(text, 'join() is for lists of text', 'list.map(x, string(x)).join(", ")');
    const on = receiver === undefined ? '' : ` on ${wordy(receiver)}`;
    return new ExpressionError(text, `${name}() does not take (${wordy(types)})${on}`, EXAMPLES.get(name));
  }
  const near = ALIASES.get(name) ?? nearest(name, known);
  const message = `there is no function ${name}(); there are: ${listed([...new Set([...FUNCTIONS, ...METHODS])], 40)}`;
  return new ExpressionError(
    text,
    message,
    near === undefined ? undefined : (EXAMPLES.get(near) ?? `${near}()`),
  );
}

const EXAMPLES = new Map([
  ['size', 'size(x)'],
  ['string', 'string(x)'],
  ['contains', '"text".contains("part"), or x in list'],
  ['exists', 'list.exists(x, x.a == 1)'],
  ['all', 'list.all(x, x.a == 1)'],
  ['map', 'list.map(x, x.a)'],
  ['filter', 'list.filter(x, x.a == 1)'],
  ['has', 'has(a.b)'],
]);

function convertHint(summary: string): string | undefined {
  if (/ \+ /.test(summary) && summary.includes('string')) return 'Make text of both: "…" + string(x)';
  if (summary.includes('string')) return 'Convert first: int(x), double(x) or string(x)';
  if (summary.startsWith('no such overload: !')) return 'Compare instead: x == "" or size(x) == 0';
  return undefined;
}

function syntaxHint(text: string): string | undefined {
  if (text.includes('=>')) return 'CEL has no arrow functions: list.map(x, x.a), list.filter(x, x.a == 1)';
  if (/[^=!<>]=[^=]/.test(text)) return text.replace(/([^=!<>])=([^=])/, '$1==$2');
  if (text.includes('===') || text.includes('!=='))
    return text.replaceAll('!==', '!=').replaceAll('===', '==');
  if (text.includes('${{')) return 'Here stands a bare expression, without ${{ }}';
  if (/\s(and|or)\s/.test(text)) return text.replaceAll(/\sand\s/g, ' && ').replaceAll(/\sor\s/g, ' || ');
  if (/(^|\s)not\s/.test(text)) return text.replaceAll(/(^|\s)not\s+/g, '$1!');
  if (text.includes('|')) return 'There are no filters: write functions, as in size(x)';
  if (text.includes('??')) return 'has(a.b) ? a.b : dyn("default")';
  return undefined;
}

function replaceKey(text: string, name: string, near: string): string {
  const spelled = name.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\w$])${spelled}(?![\\w$])`), () => near);
}

function at(range: { readonly start: number } | undefined): string {
  return range ? ` (at character ${range.start + 1})` : '';
}

/** CEL's names of types are not JSON's. */
function wordy(text: string): string {
  return text
    .replaceAll(/dyn<([^<>]*)>/g, '$1')
    .replaceAll('no such overload:', 'this does not go together:')
    .replaceAll(/\bmap<[^>]*>/g, 'object')
    .replaceAll(/\bdouble\b/g, 'number');
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value === 'bigint' ? 'a number' : `a ${typeof value}`;
}
