/**
 * Expressions (CEL) behind one function. Nothing else in the proxy knows which library reads them.
 *
 * An expression has no access to the host and no loops but macros over lists. Values in the scope are data:
 * text in them is never read as an expression.
 */
import { Environment } from '@marcbachmann/cel-js';
import { printExact } from '../json/exact-json.ts';
import type { JsonObject } from '../json/json.ts';
import { DeadlineExceeded, withDeadline } from './deadline.ts';
import { guardNumbers, registerNumbers } from './exact-arithmetic.ts';
import { explain, noVariable } from './explain.ts';
import { ExpressionError } from './expression-error.ts';
import { inspect, type Reference } from './guards.ts';
import { celContext, fromCel } from './values.ts';

export interface Expression {
  readonly text: string;
  /** The names that the expression refers to, variables of its own macros excluded. */
  readonly references: readonly Reference[];
  /** @throws ExpressionError */
  readonly evaluate: (scope: JsonObject) => unknown;
}

export interface CompileOptions {
  /** The names that will be there. */
  readonly variables: readonly string[];
  /** Bounds one evaluation, for text whose author is not trusted with the event loop. */
  readonly deadlineMs?: number | undefined;
}

export type Compile = (text: string, options: CompileOptions) => Expression;

/** One environment for many expressions. @throws ExpressionError (from the function) for text that is no expression. */
export function createCompile(): Compile {
  const environment = createEnvironment();
  return (text, { variables, deadlineMs }) => {
    if (text.trim() === '') throw new ExpressionError(text, 'the expression is empty');
    if (text.length > MAX_TEXT)
      throw new ExpressionError(text.slice(0, 80), `the expression is longer than ${MAX_TEXT} characters`);
    const program = parse(text);
    const { ast } = program;
    const { references, loops } = inspect(text, ast);
    for (const { path } of references)
      if (!BUILT_IN.has(path[0] as string) && !variables.includes(path[0] as string))
        throw noVariable(text, path[0] as string, variables);
    const { error } = program.check();
    if (error) throw explain(error, { text, environment, ast });
    guardNumbers(text, ast);

    const run = (scope: JsonObject): unknown => {
      try {
        return fromCel(text, program(celContext(scope)));
      } catch (failure) {
        throw explain(failure, { text, environment, ast, scope });
      }
    };
    return {
      text,
      references,
      evaluate: deadlineMs === undefined || !loops ? run : bounded(text, run, deadlineMs),
    };
  };

  function parse(text: string): ReturnType<typeof environment.parse> {
    try {
      return environment.parse(text);
    } catch (error) {
      throw explain(error, { text, environment });
    }
  }
}

function bounded(
  text: string,
  run: (scope: JsonObject) => unknown,
  ms: number,
): (scope: JsonObject) => unknown {
  return (scope) => {
    try {
      return withDeadline(ms, () => run(scope));
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new ExpressionError(text, `the expression ${error.message}`, 'Work on fewer or smaller values');
    }
  };
}

/** Names that CEL itself brings along. */
const BUILT_IN = new Set([
  'cel',
  'google',
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'type',
  'null_type',
  'optional',
]);

/*
 * CEL as workflows speak it.
 *
 * JSON has one kind of number, CEL has two: whole numbers in the text are ints, values from JSON are doubles.
 * People and models mix them, so the mixed operators are there.
 */

/** Longer texts are no expressions any more. */
const MAX_TEXT = 16_384;

function createEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 4000, maxDepth: 64, maxListElements: 1000, maxMapEntries: 1000 },
  });
  registerNumbers(environment);
  for (const type of ['map', 'list', 'string', 'int', 'double', 'bool'])
    environment.registerOperator(`${type} == null`, () => false);
  environment.registerFunction('string(null): string', () => 'null');
  environment.registerFunction('string(list): string', printed);
  environment.registerFunction('string(map): string', printed);
  return environment;
}

function printed(value: unknown): string {
  return printExact(value) ?? 'null';
}
