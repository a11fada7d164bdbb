import { describe, expect, test } from 'vitest';
import { createCompile, type Expression } from '../../src/expression/compile.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { compileTemplate } from '../../src/expression/template.ts';

const compile = createCompile();
const variables = ['input', 'steps'];
const scope = {
  input: { n: 5, s: 'x', list: [1, 2, 3] },
  steps: { a: { output: { items: [{ id: 1 }, { id: 2 }] } } },
};

const expression = (text: string): Expression => compile(text, { variables, deadlineMs: 100 });
const value = (text: string): unknown => expression(text).evaluate(scope);

function failure(text: string): ExpressionError {
  try {
    value(text);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} did not fail`);
}

describe('expressions', () => {
  test.each([
    ['input.n + 1', 6],
    ['1 + input.n', 6],
    ['input.n % 2', 1],
    ['7 % 2 + 0.5', 1.5],
    ['1 == 1.0', true],
    ['input.n == 5', true],
    ['size(input.list)', 3],
    ['input.list.map(x, x * 2)', [2, 4, 6]],
    ['input.list.filter(x, x != null)', [1, 2, 3]],
    ['[{"a": 1}].filter(x, x != null)', [{ a: 1 }]],
    ['[1, "a", null]', [1, 'a', null]],
    ['string(input.list)', '[1,2,3]'],
    ['timestamp("2026-01-01T00:00:00Z") + duration("1h")', '2026-01-01T01:00:00.000Z'],
    ['has(input.q) ? input.q : 3', 3],
  ])('%s gives %j', (text, wanted) => {
    expect(value(text)).toEqual(wanted);
  });

  test.each([
    ['input.m', 'it has: n, s, list'],
    ['steps.a.output.itms', 'Did you mean "items"'],
    ['steps.a.output.items.map(r, r.idd)', 'r has no key "idd"; it has: id'],
    ['input.o', 'has(input.o)'],
    ['input.n / 0.0', 'division by zero'],
    ['steps.a.output.items.id', 'it is a list'],
  ])('%s fails with "%s"', (text, words) => {
    expect(failure(text).message).toContain(words);
  });

  test('nothing of the host can be reached', () => {
    for (const text of [
      'input.constructor',
      'input.list.constructor',
      'input.s.toString',
      'input["__proto__"]',
      'input.__proto__',
    ])
      expect(() => value(text)).toThrow(ExpressionError);
    for (const text of ['process', 'globalThis', 'constructor', 'require("fs")', '__proto__', 'toString'])
      expect(() => value(text)).toThrow(ExpressionError);
  });

  test('matches() is refused, and macros nest at most two deep', () => {
    expect(() => expression('input.s.matches("(a+)+$")')).toThrow(/matches\(\) is not available/);
    expect(() => expression('input.list.map(a, input.list.map(b, input.list.map(c, 1)))')).toThrow(
      /nested more than 2/,
    );
    expect(() => expression('cel.bind(a, [1], cel.bind(b, a + a, cel.bind(c, b + b, c + c)))')).toThrow(
      /nested more than 2/,
    );
  });

  test('ends at its deadline', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index);
    const slow = compile('input.list.map(a, input.list.filter(b, a > b).size())', {
      variables,
      deadlineMs: 50,
    });
    const begun = performance.now();
    expect(() => slow.evaluate({ input: { list } })).toThrow(/longer than/);
    expect(performance.now() - begun).toBeLessThan(5000);
    // The library is as good as before.
    expect(value('input.list.map(x, x + 1)')).toEqual([2, 3, 4]);
  });

  test('tells what it refers to, its own variables excluded', () => {
    const { references } = expression(
      'steps.a.output.items.filter(i, i.id == input.n && has(steps.b.output))',
    );
    expect(references).toEqual([
      { path: ['steps', 'a', 'output', 'items'], tested: false },
      { path: ['input', 'n'], tested: false },
      { path: ['steps', 'b', 'output'], tested: true },
    ]);
  });
});

describe('templates', () => {
  const template = (written: unknown): unknown => {
    const problems: never[] = [];
    const compiled = compileTemplate(written, expression, problems);
    expect(problems).toEqual([]);
    return compiled.evaluate(scope);
  };

  test('a single ${{ }} keeps its type, others are printed in their places', () => {
    expect(
      template({
        a: '${{ input.n }}',
        b: 'n: ${{ input.n }}, ${{ input.list }}',
        c: ['${{ input.list }}'],
        d: 3,
      }),
    ).toEqual({ a: 5, b: 'n: 5, [1,2,3]', c: [[1, 2, 3]], d: 3 });
  });

  test('braces and quotes within an expression do not end it', () => {
    expect(template('${{ {"a": {"b": "}}"}} }}')).toEqual({ a: { b: '}}' } });
  });

  test('what an expression gives is not scanned again', () => {
    const compiled = compileTemplate('${{ input.s }}-${{ input.s }}', expression, []);
    expect(compiled.evaluate({ input: { s: '${{ 1 + 1 }}' } })).toBe('${{ 1 + 1 }}-${{ 1 + 1 }}');
  });
});
