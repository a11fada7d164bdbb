import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LENGTH, parseTagExpression } from '../../src/presets/tag-expression.ts';

const fits = (expression: string, ...tags: string[]): boolean =>
  parseTagExpression(expression)(new Set(tags));

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
    expect(() => parseTagExpression(`${'('.repeat(100)}a${')'.repeat(100)}`)).toThrow(
      'nested deeper than 32',
    );
    expect(() => parseTagExpression(`${'not '.repeat(100)}a`)).toThrow('nested deeper than 32');
  });

  test('means what its parts mean together', () => {
    interface Part {
      readonly text: string;
      readonly fits: (tags: readonly string[]) => boolean;
    }
    const { part } = fc.letrec<{ part: Part }>((tie) => ({
      part: fc.oneof(
        { depthSize: 'small' },
        fc
          .constantFrom('a', 'b', 'c')
          .map((tag): Part => ({ text: tag, fits: (tags) => tags.includes(tag) })),
        fc.tuple(tie('part'), tie('part')).map(([x, y]): Part => ({
          text: `(${x.text} and ${y.text})`,
          fits: (tags) => x.fits(tags) && y.fits(tags),
        })),
        fc.tuple(tie('part'), tie('part')).map(([x, y]): Part => ({
          text: `(${x.text} or ${y.text})`,
          fits: (tags) => x.fits(tags) || y.fits(tags),
        })),
        tie('part').map((x): Part => ({ text: `not ${x.text}`, fits: (tags) => !x.fits(tags) })),
      ),
    }));
    fc.assert(
      fc.property(part, fc.subarray(['a', 'b', 'c']), (tree, tags) => {
        fc.pre(tree.text.length < 500 && !/(?:\(|not ){12}/.test(tree.text));
        expect(fits(tree.text, ...tags)).toBe(tree.fits(tags));
      }),
    );
  });
});
