/**
 * Numbers that a double would round, in expressions: what is calculated with them is right, or fails with a sentence.
 *
 * Integers beyond 2^53 are CEL's own; others come in as they are spelt. CEL calculates whole numbers from JSON as
 * doubles, so a result that has left the range of exact integers is calculated again with integers.
 */
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { type Exact, ExactNumber, exactNumber, sameNumber } from '../json/exact-json.ts';
import { ExpressionError } from './expression-error.ts';
import { childrenOf } from './guards.ts';

type Operator = '+' | '-' | '*' | '/' | '%';

const OPERATORS: readonly Operator[] = ['+', '-', '*', '/', '%'];
const COMPARISONS = ['<', '<=', '>', '>='] as const;

/** The operators that CEL lacks: between its two kinds of number, and with numbers as they are spelt. */
export function registerNumbers(environment: Environment): void {
  environment.registerType('ExactNumber', ExactNumber);
  for (const operator of OPERATORS) {
    const apply = (a: Exact, b: Exact): number | bigint => calculated(operator, a, b);
    for (const types of MIXED) environment.registerOperator(types.replace('?', operator), apply);
  }
  for (const comparison of COMPARISONS)
    for (const types of WITH_EXACT)
      environment.registerOperator(`${types.replace('?', comparison)}: bool`, (a: Exact, b: Exact) =>
        COMPARED[comparison](order(a, b)),
      );
  environment.registerOperator('double % double', (a: number, b: number) => calculated('%', a, b));
  // Known at compile time, these types would otherwise not be comparable at all.
  environment.registerOperator('int == double', sameNumber);
  for (const type of ['int', 'double', 'ExactNumber'])
    environment.registerOperator(`ExactNumber == ${type}`, sameNumber);
  environment.registerOperator('ExactNumber == null', () => false);
  environment.registerFunction('string(ExactNumber): string', String);
  environment.registerFunction('double(ExactNumber): double', doubleOf);
  environment.registerFunction('int(ExactNumber): int', (value: ExactNumber) =>
    BigInt(Math.trunc(doubleOf(value))),
  );
}

const WITH_EXACT = [
  'ExactNumber ? double',
  'ExactNumber ? int',
  'ExactNumber ? ExactNumber',
  'double ? ExactNumber',
  'int ? ExactNumber',
];
const MIXED = ['double ? int', 'int ? double', ...WITH_EXACT.map((types) => `${types}: dyn`)];

const COMPARED = {
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
};

/** Watches over what CEL calculates by itself. @throws ExpressionError for a number that it cannot hold. */
export function guardNumbers(text: string, ast: ASTNode): void {
  const node = ast as unknown as Evaluated;
  if (node.op === 'value' && typeof node.args === 'number') checkLiteral(text, node);
  const [first, second] = Array.isArray(node.args) ? (node.args as [unknown, unknown]) : [];
  if (OPERATORS.includes(node.op as Operator)) guardOperator(node, first as Evaluated, second as Evaluated);
  else if (node.op === 'call' && first === 'double') guardDouble(node, (second as [Evaluated])[0]);
  for (const child of childrenOf(ast)) guardNumbers(text, child);
}

/** A node of the tree as the library evaluates it. */
interface Evaluated {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly meta: { readonly evaluate: Evaluate };
  setMeta(key: 'evaluate', evaluate: Evaluate): void;
}

type Evaluate = (evaluator: Evaluator, node: Evaluated, context: unknown) => unknown;

interface Evaluator {
  run(node: Evaluated, context: unknown): unknown;
}

function guardOperator(node: Evaluated, left: Evaluated, right: Evaluated): void {
  const operator = node.op as Operator;
  const { evaluate } = node.meta;
  node.setMeta('evaluate', (evaluator, its, context) => {
    const result = evaluate(evaluator, its, context);
    const suspect =
      typeof result === 'number'
        ? Number.isInteger(result) && !Number.isSafeInteger(result)
        : typeof result === 'bigint' && operator === '/';
    if (!suspect) return result;
    const [a, b] = [evaluator.run(left, context), evaluator.run(right, context)];
    if (typeof result === 'bigint')
      return typeof a === 'bigint' && typeof b === 'bigint' ? divided(a, b) : result;
    // Doubles beyond the integers are no counts: they are calculated as doubles are.
    if ([a, b].some((one) => one instanceof ExactNumber || isFar(one))) return result;
    return isNumber(a) && isNumber(b) ? calculated(operator, a, b) : result;
  });
}

/** As whole numbers of an expression are divided, where none of them may have come from a value. */
function divided(a: bigint, b: bigint): bigint {
  if (a % b !== 0n && (!isSafe(a) || !isSafe(b))) throw new InexactError(`${a} / ${b} is no whole number`);
  return a / b;
}

function guardDouble(node: Evaluated, argument: Evaluated): void {
  const { evaluate } = node.meta;
  node.setMeta('evaluate', (evaluator, its, context) => {
    const result = evaluate(evaluator, its, context);
    const given = evaluator.run(argument, context);
    const number = typeof given === 'string' && /^-?\d/.test(given) ? exactNumber(given) : given;
    const rounded =
      number instanceof ExactNumber
        ? !number.isDouble
        : typeof number === 'bigint' && BigInt(result as number) !== number;
    if (rounded) throw new InexactError(`${String(given)} cannot be a double without being rounded`);
    return result;
  });
}

function checkLiteral(text: string, { start, end }: Evaluated): void {
  const spelling = text.slice(start, end);
  const number = /^\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(spelling) ? exactNumber(spelling) : 0;
  if (number instanceof ExactNumber && !number.isDouble)
    throw new ExpressionError(
      text,
      `${spelling} has more digits than can be calculated with`,
      `Write fewer digits, as in ${number.nearest}, or text in quotes`,
    );
}

/** Why a calculation was not made: its result would have been another number. */
class InexactError extends Error {
  override readonly name = 'InexactError';
}

function calculated(operator: Operator, a: Exact, b: Exact): number | bigint {
  const [left, right] = [wholeOf(a), wholeOf(b)];
  if (left !== undefined && right !== undefined) {
    const plain = isSafe(left) && isSafe(right) ? applied(operator, Number(left), Number(right)) : NaN;
    if (Number.isSafeInteger(plain) || (operator === '/' && isSafe(left) && isSafe(right))) return plain;
    if (operator !== '/' && (operator !== '%' || right !== 0n)) return appliedWhole(operator, left, right);
    if (right === 0n) return applied(operator, Number(left), 0);
    if (left % right === 0n) return left / right;
    throw new InexactError(
      `${left} / ${right} is no whole number, and too large to be calculated with fractions`,
    );
  }
  for (const one of [a, b])
    if (typeof one === 'bigint' && !isSafe(one))
      throw new InexactError(`${one} is too large to be calculated with fractions`);
  const [x, y] = [doubleOf(a), doubleOf(b)];
  const result = applied(operator, x, y);
  if (Number.isInteger(result) && !Number.isSafeInteger(result) && ![x, y].some(isFar))
    throw new InexactError(`${x} ${operator} ${y} is too large to be calculated with fractions`);
  return result;
}

function applied(operator: Operator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
  }
}

function appliedWhole(operator: Exclude<Operator, '/'>, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '%':
      return a % b;
  }
}

/** Rounding keeps the order of what it does not make equal. */
function order(a: Exact, b: Exact): number {
  const [x, y] = [Number(a), Number(b)];
  if (x !== y) return x < y ? -1 : 1;
  if (sameNumber(a, b)) return 0;
  throw new InexactError(`${String(a)} and ${String(b)} have too many digits to be compared`);
}

function doubleOf(value: Exact): number {
  if (!(value instanceof ExactNumber)) return Number(value);
  if (value.isDouble) return value.nearest;
  throw new InexactError(`${value.text} has more digits than can be calculated with`);
}

function wholeOf(value: Exact): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function isNumber(value: unknown): value is Exact {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof ExactNumber;
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(Number(value));
}

/** A double that stands for more than one integer. */
function isFar(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
}
