import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  escapeVariables,
  expandVariables,
  hasVariables,
  type VariableScope,
} from '../../src/config/variables.ts';

const scope: VariableScope = {
  variable: (name) =>
    new Map([
      ['HOME', '/home/ada'],
      ['EMPTY', ''],
      ['TRICKY', '${HOME}'],
    ]).get(name),
  readFile: (path) => {
    if (path === '/home/ada/token') return 's3cret\n';
    throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  },
  userHome: '/home/ada',
  workspaceFolder: '/home/ada/app',
};

const expand = (text: string): string => {
  const { text: expanded, errors } = expandVariables(text, scope);
  expect(errors).toEqual([]);
  return expanded;
};

describe('variables', () => {
  test.each([
    ['${HOME}/x', '/home/ada/x'],
    ['${env:HOME}', '/home/ada'],
    ['${NOT_SET:-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${EMPTY}', ''],
    ['${NOT_SET:-}', ''],
    ['${NOT_SET:-${HOME}/y}', '/home/ada/y'],
    ['${NOT_SET:-{"a":{}}}', '{"a":{}}'],
    ['${userHome}', '/home/ada'],
    ['${workspaceFolder}', '/home/ada/app'],
    ['${file:/home/ada/token}', 's3cret'],
    ['${file:${userHome}/token}', 's3cret'],
    ['$HOME costs $5', '$HOME costs $5'],
  ])('expands %s to %s', (text, expected) => expect(expand(text)).toBe(expected));

  test('does not expand what a variable holds', () => expect(expand('${TRICKY}')).toBe('${HOME}'));

  test('takes $${NAME} as the literal text', () => {
    expect(expand('$${HOME}')).toBe('${HOME}');
    expect(expand('a $${HOME} ${HOME}')).toBe('a ${HOME} /home/ada');
  });

  test('leaves an expression in double braces alone, with everything in it', () => {
    expect(expand('${{ input.q }}')).toBe('${{ input.q }}');
    expect(expand('${{ "${HOME}" }} ${HOME}')).toBe('${{ "${HOME}" }} /home/ada');
    expect(hasVariables('${{ secrets.X }}')).toBe(false);
  });

  test.each([
    ['${NOT_SET}', 'the variable "NOT_SET" is not set'],
    ['${env:NOT_SET}', 'the variable "NOT_SET" is not set'],
    ['${file:nowhere}', 'the file "nowhere" cannot be read (ENOENT)'],
    ['${input:x}', '"${input:x}" is no variable'],
    ['${}', 'is no variable'],
    ['${HOME', 'has no "}"'],
  ])('refuses %s', (text, message) => {
    expect(expandVariables(text, scope).errors.join()).toContain(message);
  });

  test('a text without "${" comes out as it went in', () => {
    const texts = fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', ':', '-') });
    fc.assert(
      fc.property(
        texts.filter((text) => !text.includes('${')),
        (text) => expand(text) === text,
      ),
    );
  });

  test('an escaped text expands to itself, whatever it holds', () => {
    const texts = fc.string({
      unit: fc.constantFrom('$', '{', '}', '${', '$${', '${{', '}}', 'HOME', ':-', ' '),
    });
    fc.assert(
      fc.property(texts, (text) => {
        expect(expandVariables(escapeVariables(text), scope)).toEqual({ text, errors: [] });
      }),
      { numRuns: 2000 },
    );
  });

  test('$${X} gives ${X} for every text X without braces', () => {
    fc.assert(
      fc.property(
        fc.string().filter((x) => !/[{}$]/.test(x)),
        (x) => expand(`$\${${x}}`) === `\${${x}}`,
      ),
    );
  });
});
