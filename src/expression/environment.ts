/**
 * CEL as workflows speak it.
 *
 * JSON has one kind of number, CEL has two: whole numbers in the text are ints, values from JSON are doubles.
 * People and models mix them, so the mixed operators are there.
 */
import { Environment } from '@marcbachmann/cel-js';

/** Longer texts are no expressions any more. */
export const MAX_TEXT = 16_384;

export function createEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 4000, maxDepth: 64, maxListElements: 1000, maxMapEntries: 1000 },
  });
  for (const [operator, apply] of MIXED)
    for (const types of ['double int', 'int double']) {
      const [left, right] = types.split(' ');
      environment.registerOperator(`${left} ${operator} ${right}`, apply);
    }
  environment.registerOperator('double % double', remainder);
  // Known at compile time, these types would otherwise not be comparable at all.
  environment.registerOperator('int == double', (a: bigint, b: number) => Number(a) === b);
  for (const type of ['map', 'list', 'string', 'int', 'double', 'bool'])
    environment.registerOperator(`${type} == null`, () => false);
  environment.registerFunction('string(null): string', () => 'null');
  environment.registerFunction('string(list): string', printed);
  environment.registerFunction('string(map): string', printed);
  return environment;
}

const remainder = (a: number | bigint, b: number | bigint): number => Number(a) % Number(b);

const MIXED: readonly (readonly [string, (a: number | bigint, b: number | bigint) => number])[] = [
  ['+', (a, b) => Number(a) + Number(b)],
  ['-', (a, b) => Number(a) - Number(b)],
  ['*', (a, b) => Number(a) * Number(b)],
  ['/', (a, b) => Number(a) / Number(b)],
  ['%', remainder],
];

function printed(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
}
