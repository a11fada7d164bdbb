/**
 * What an expression may not contain, and what it refers to: one walk over the parsed tree.
 *
 * Macros multiply: each level of nesting raises the work to another power of the list's length.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { ExpressionError } from './expression-error.ts';

export interface Reference {
  /** `['steps', 'find', 'output']`: as far as the text says it without a computed index. */
  readonly path: readonly string[];
  /** Within `has()`: it may be missing. */
  readonly tested: boolean;
}

export interface Inspected {
  readonly references: readonly Reference[];
  /** Its work is more than one pass over the values. */
  readonly loops: boolean;
}

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Loops of other languages. */
const FOREIGN_LOOPS = new Map([
  ['find', 'list.filter(x, x.a == 1)[0]'],
  ['some', 'list.exists(x, x.a == 1)'],
  ['any', 'list.exists(x, x.a == 1)'],
  ['every', 'list.all(x, x.a == 1)'],
  ['flatMap', 'list.map(x, x.a)'],
]);
const MAX_NESTING = 2;

/** @throws ExpressionError for `matches()` and for macros nested too deep. */
export function inspect(text: string, ast: ASTNode): Inspected {
  const references: Reference[] = [];
  let loops = false;
  walk(ast, { bound: new Set(), nesting: 0, tested: false });
  return { references, loops };

  function walk(node: ASTNode, place: Place): void {
    const path = pathOf(node);
    if (path) {
      if (!place.bound.has(path[0] as string)) references.push({ path, tested: place.tested });
      return;
    }
    if (node.op === 'call') {
      const [name, args] = node.args;
      if (name === 'matches') throw refusedMatches(text);
      for (const arg of args) walk(arg, name === 'has' ? { ...place, tested: true } : place);
      return;
    }
    if (node.op === 'rcall') {
      walkMethod(node.args, place);
      return;
    }
    for (const child of childrenOf(node)) walk(child, place);
  }

  function walkMethod([name, receiver, args]: [string, ASTNode, ASTNode[]], place: Place): void {
    if (name === 'matches') throw refusedMatches(text);
    const binds = name === 'bind' && receiver.op === 'id' && receiver.args === 'cel';
    const ours = FOREIGN_LOOPS.get(name);
    if (ours !== undefined && args.length === 2)
      throw new ExpressionError(text, `there is no ${name}()`, ours);
    const [variable, ...rest] = args;
    if (!binds && !(LOOPS.has(name) && rest.length > 0)) {
      for (const child of [receiver, ...args]) walk(child, place);
      return;
    }
    if (place.nesting >= MAX_NESTING)
      throw new ExpressionError(
        text,
        `macros (map, filter, all, exists, cel.bind) are nested more than ${MAX_NESTING} deep`,
        'Do a part of it in a "set" step of its own, and refer to that step\'s output',
      );
    loops = true;
    if (!binds) walk(receiver, place);
    const own = variable?.op === 'id' ? variable.args : '';
    const inner = { ...place, bound: new Set([...place.bound, own]), nesting: place.nesting + 1 };
    // The value that `cel.bind` binds does not see the variable yet.
    if (binds && rest[0]) walk(rest[0], place);
    for (const child of binds ? rest.slice(1) : rest) walk(child, inner);
  }
}

interface Place {
  readonly bound: ReadonlySet<string>;
  readonly nesting: number;
  readonly tested: boolean;
}

/** `a.b["c"]` as `['a', 'b', 'c']`; `undefined` where something else is in it. */
function pathOf(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.') {
    const [object, key] = node.args;
    const path = pathOf(object);
    path?.push(key);
    return path;
  }
  if (node.op !== '[]') return undefined;
  const [object, key] = node.args;
  const path = key.op === 'value' && typeof key.args === 'string' ? pathOf(object) : undefined;
  if (key.op === 'value' && typeof key.args === 'string') path?.push(key.args);
  return path;
}

export function childrenOf(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  collect(node.args, found);
  return found;
}

function collect(part: unknown, found: ASTNode[]): void {
  if (Array.isArray(part)) for (const inner of part) collect(inner, found);
  else if (typeof part === 'object' && part !== null && 'op' in part) found.push(part as ASTNode);
}

function refusedMatches(text: string): ExpressionError {
  return new ExpressionError(
    text,
    'matches() is not available, since a regular expression can take for ever',
    'Use startsWith(), endsWith(), contains() or split()',
  );
}
