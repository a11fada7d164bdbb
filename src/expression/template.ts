/**
 * Values with `${{ }}` in their strings.
 *
 * A string that is exactly one `${{ }}` becomes the expression's value, type and all; in any other string the
 * values are printed in their places. What an expression gives is never looked at again: text from a tool that
 * holds `${{` stays text.
 */
import { isExact, printExact } from '../json/exact-json.ts';
import { isObject, type JsonObject } from '../json/json.ts';
import type { Expression } from './compile.ts';
import { ExpressionError } from './expression-error.ts';
import type { Reference } from './guards.ts';

export interface Template {
  /** Each path leads to the string that holds the expression, as `items[0].id`. */
  readonly expressions: readonly { readonly path: string; readonly expression: Expression }[];
  readonly references: readonly Reference[];
  /** There is nothing to evaluate. */
  readonly constant: boolean;
  /** @throws ExpressionError */
  readonly evaluate: (scope: JsonObject) => unknown;
}

export interface TemplateProblem {
  readonly path: string;
  readonly error: ExpressionError;
}

type Part = (scope: JsonObject) => unknown;

/** Problems are collected: all at once is what repairs a definition in one go. */
export function compileTemplate(
  value: unknown,
  compile: (text: string) => Expression,
  problems: TemplateProblem[],
): Template {
  const expressions: { path: string; expression: Expression }[] = [];
  const evaluate = build(value, '');
  return {
    expressions,
    references: expressions.flatMap(({ expression }) => expression.references),
    constant: expressions.length === 0,
    evaluate: evaluate ?? (() => value),
  };

  /** `undefined`: the value stays as it is. */
  function build(part: unknown, path: string): Part | undefined {
    if (typeof part === 'string') return text(part, path);
    if (Array.isArray(part)) {
      const built = part.map((inner: unknown, index) => build(inner, `${path}[${index}]`));
      if (built.every((inner) => inner === undefined)) return undefined;
      return (scope) => part.map((inner: unknown, index) => (built[index] ?? (() => inner))(scope));
    }
    if (!isObject(part) || isExact(part)) return undefined;
    const built = Object.entries(part).map(
      ([key, inner]) => [key, inner, build(inner, keyed(path, key))] as const,
    );
    if (built.every(([, , inner]) => inner === undefined)) return undefined;
    return (scope) =>
      Object.fromEntries(built.map(([key, inner, make]) => [key, make ? make(scope) : inner]));
  }

  function text(source: string, path: string): Part | undefined {
    const pieces = split(source);
    if (pieces.length === 0) return undefined;
    const parts = pieces.map((piece): string | Expression | undefined =>
      typeof piece === 'string' ? piece : compiled(piece.expression, path, source),
    );
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'object') return (scope) => only.evaluate(scope);
    return (scope) =>
      parts.map((piece) => (typeof piece === 'object' ? printed(piece.evaluate(scope)) : piece)).join('');
  }

  function compiled(source: string | undefined, path: string, whole: string): Expression | undefined {
    try {
      if (source === undefined)
        throw new ExpressionError(whole, 'a "${{" is not closed by "}}"', `${whole} }}`);
      const expression = compile(source);
      expressions.push({ path, expression });
      return expression;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      problems.push({ path, error });
      return undefined;
    }
  }
}

type Piece = string | { readonly expression: string | undefined };

/** Text and expressions in turn; empty where there is no expression. */
function split(source: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (;;) {
    const open = source.indexOf('${{', from);
    if (open < 0) break;
    if (open > from) pieces.push(source.slice(from, open));
    const close = endOf(source, open + 3);
    pieces.push({ expression: close < 0 ? undefined : source.slice(open + 3, close).trim() });
    if (close < 0) return pieces;
    from = close + 2;
  }
  if (pieces.length > 0 && from < source.length) pieces.push(source.slice(from));
  return pieces;
}

/** The place of the `}}` that ends the template: not one within a quoted string, nor one that closes a map. */
function endOf(source: string, start: number): number {
  let quote = '';
  let depth = 0;
  for (let i = start; i < source.length; i++) {
    const c = source[i] as string;
    if (quote !== '') {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '{') depth++;
    else if (c === '}' && depth > 0) depth--;
    else if (c === '}' && source[i + 1] === '}') return i;
  }
  return -1;
}

function printed(value: unknown): string {
  return typeof value === 'string' ? value : (printExact(value) ?? 'null');
}

function keyed(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
