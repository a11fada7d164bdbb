/**
 * CEL as workflows speak it.
 *
 * JSON has one kind of number, CEL has two: whole numbers in the text are ints, values from JSON are doubles.
 * People and models mix them, so the mixed operators are there.
 */
import { Environment } from '@marcbachmann/cel-js';
import { printExact } from '../core/exact-json.ts';
import { registerNumbers } from './exact-arithmetic.ts';

/** Longer texts are no expressions any more. */
export const MAX_TEXT = 16_384;

export function createEnvironment(): Environment {
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
