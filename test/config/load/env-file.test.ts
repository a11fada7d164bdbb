import { expect, test } from 'vitest';

import { parseEnvFile } from '../../../src/config/load/env-file.ts';

test.each([
  ['A=1', '1'],
  ['export A=1', '1'],
  ['  A = spaced out  ', 'spaced out'],
  ['A=', ''],
  ['A=x # comment', 'x'],
  ['A=x#y', 'x#y'],
  ['A="x # y" # comment', 'x # y'],
  ['A=\'x\\n"y"\'', 'x\\n"y"'],
  ['A="x\\ny\\"z"', 'x\ny"z'],
  ['A="two\nlines"', 'two\nlines'],
  ['A=`it\'s "so"`', 'it\'s "so"'],
  ['A=a=b', 'a=b'],
  ['A=${HOME}', '${HOME}'],
  ['A=1\r\nB=2', '1'],
  ['\uFEFFA=1', '1'],
])('%j sets A to %j', (text, value) => expect(parseEnvFile(text).get('A')).toBe(value));

test('comments, empty lines and nonsense set nothing, and the last value counts', () => {
  expect([...parseEnvFile('# A=1\n\nnonsense\nB=1\nC=2\nB=3\n')]).toEqual([
    ['B', '3'],
    ['C', '2'],
  ]);
});
