import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LENGTH, parseTagExpression } from '../../src/presets/tag-expression.ts';

const fits = (expression: string, ...tags: string[]): boolean => parseTagExpression(expression)(new Set(tags));

describe('a tag expression', () => {
  test('chooses by one tag', () => {
    expect(fits('dev', 'dev', 'x')).toBe(true);
    expect(fits('dev', 'x')).toBe(false);
  });

  test('"not" binds closer than "and", and "and" closer than "or"', () => {
    expect(fits('dev and not admin', 'dev')).toBe(true);
    expect(fits('dev and not admin', 'dev', 'admin')).toBe(false);
    expect(fits('a or b and c', 'a')).toBe(true);
    expect(fits('(a or b) and c', 'a')).toBe(false);
    expect(fits('not a or b', 'a', 'b')).toBe(true);
    expect(fits('not (a or b)', 'b')).toBe(false);
    expect(fits('not not a', 'a')).toBe(true);
  });

  test('takes the words without regard to case, and quoted ones as tags', () => {
    expect(fits('Dev AND Not x', 'Dev')).toBe(true);
    expect(fits('"not" and "two words"', 'not', 'two words')).toBe(true);
    expect(fits('team:a/b and v1.2', 'team:a/b', 'v1.2')).toBe(true);
  });

  test.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['a b', 'expected "and" or "or" at 3, got "b"'],
    ['a and', 'expected a tag, "not" or "(" at its end'],
    ['and a', 'expected a tag, "not" or "(" at 1, got "and"'],
    ['(a or b', 'the "(" at 1 is not closed'],
    ['a)', 'the ")" at 2 closes nothing'],
    ['a & b', '"&" at 3 is not part of a tag: write "and"'],
    ['!a', '"!" at 1 is not part of a tag: write "not"'],
    ['a and "b', 'the quote at 7 is not closed'],
    ['a + b', '"+" at 3 is not part of a tag: put the tag in quotes'],
    ['()', 'expected a tag, "not" or "(" at 2, got ")"'],
  ])('%j is refused: %s', (expression, message) => {
    expect(() => parseTagExpression(expression)).toThrow(message);
  });

  test('is bounded in length and depth', () => {
    expect(() => parseTagExpression('a or '.repeat(MAX_LENGTH))).toThrow('longer than 1000 characters');
    expect(() => parseTagExpression(`${'('.repeat(100)}a${')'.repeat(100)}`)).toThrow('nested deeper than 32');
    expect(() => parseTagExpression(`${'not '.repeat(100)}a`)).toThrow('nested deeper than 32');
  });

  test('means what the same words mean in a program', () => {
    const tree = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('a', 'b', 'c'),
        fc.tuple(tie('node'), tie('node')).map(([x, y]) => `(${x} and ${y})`),
        fc.tuple(tie('node'), tie('node')).map(([x, y]) => `(${x} or ${y})`),
        tie('node').map((x) => `(not ${x})`),
      ),
    })).node;
    fc.assert(
      fc.property(tree, fc.subarray(['a', 'b', 'c']), (expression, tags) => {
        fc.pre(expression.length < 500 && !expression.includes('('.repeat(20)));
        const program = expression
          .replaceAll(/\b[abc]\b/g, (tag) => String(tags.includes(tag)))
          .replaceAll('and', '&&')
          .replaceAll('or', '||')
          .replaceAll('not', '!');
        expect(fits(expression, ...tags)).toBe(evaluated(program));
      }),
    );
  });
});

function evaluated(program: string): boolean {
  return new Function(`return ${program}`)() as boolean;
}
