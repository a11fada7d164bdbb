import { describe, expect, test } from 'vitest';
import { accessFor, allows, toolClass } from '../../src/search/tool-class.ts';

describe('the class of a tool', () => {
  test.each([
    [{ readOnlyHint: true }, 'read'],
    // It means nothing beside `readOnlyHint: true`.
    [{ readOnlyHint: true, destructiveHint: true }, 'read'],
    [{ readOnlyHint: false, destructiveHint: false }, 'write'],
    [{ destructiveHint: false }, 'write'],
    [{ destructiveHint: true }, 'destructive'],
    [{ readOnlyHint: false, destructiveHint: true }, 'destructive'],
    [{ readOnlyHint: false }, 'destructive?'],
    [{ openWorldHint: true }, 'destructive?'],
    [{}, 'destructive?'],
    [undefined, 'destructive?'],
  ])('%j is %s', (annotations, expected) => {
    expect(toolClass(annotations)).toBe(expected);
  });

  test.each([
    { readOnlyHint: 'true' },
    { readOnlyHint: 1 },
    { destructiveHint: 'false' },
    { destructiveHint: null },
    null,
    [],
    'read',
  ])('a hint of another type counts for nothing: %j', (annotations) => {
    expect(toolClass(annotations)).toBe('destructive?');
  });
});

describe('an access', () => {
  test('runs tools of its class and of weaker ones, and no stronger ones', () => {
    const classes = ['read', 'write', 'destructive', 'destructive?'] as const;
    expect(classes.map((found) => allows('read', found))).toEqual([true, false, false, false]);
    expect(classes.map((found) => allows('write', found))).toEqual([true, true, false, false]);
    expect(classes.map((found) => allows('destructive', found))).toEqual([true, true, true, true]);
  });

  test('is the weakest that may', () => {
    expect(accessFor('destructive?')).toBe('destructive');
    expect(accessFor('read')).toBe('read');
  });
});
