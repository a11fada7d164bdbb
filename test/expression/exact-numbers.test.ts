/** Numbers that a double would round: what an expression makes of them is right, or it fails with a sentence. */
import { describe, expect, test } from 'vitest';
import { parseExact, printExact } from '../../src/json/exact-json.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { createCompile } from '../../src/expression/compile.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { compileTemplate } from '../../src/expression/template.ts';

const scope = parseExact(`{
  "big": 9007199254740993, "even": 9007199254740992, "max": 9007199254740991, "n": 5, "half": 1.5,
  "beyond": 123456789012345678901234567890, "long": 0.1234567890123456789, "far": 1e400, "minus": -0,
  "written": 0.10000000000000001, "power": 1e16, "text": "9007199254740993", "ids": [9007199254740993, 3]
}`) as JsonObject;
const compile = createCompile();
const expression = (text: string) => compile(text, { variables: Object.keys(scope) });
const evaluated = (text: string): string | undefined => printExact(expression(text).evaluate(scope));

describe('an expression', () => {
  test.each([
    ['big', '9007199254740993'],
    ['ids', '[9007199254740993,3]'],
    ['long', '0.1234567890123456789'],
    ['far', '1e400'],
    ['minus', '-0'],
    ['beyond', '123456789012345678901234567890'],
    ['9007199254740993', '9007199254740993'],
    ['{"id": big}', '{"id":9007199254740993}'],
    ['ids.map(x, x + 1)', '[9007199254740994,4]'],
    ['string(big)', '"9007199254740993"'],
    ['string(ids)', '"[9007199254740993,3]"'],
    ['string(long)', '"0.1234567890123456789"'],
    ['int(text)', '9007199254740993'],
    ['uint(9007199254740993)', '9007199254740993'],
  ])('%s passes as it is spelt', (text, result) => expect(evaluated(text)).toBe(result));

  test.each([
    ['big + 1', '9007199254740994'],
    ['big - n', '9007199254740988'],
    ['big * 2', '18014398509481986'],
    ['big % 10', '3'],
    ['even / 2', '4503599627370496'],
    ['-big', '-9007199254740993'],
    ['max + 2', '9007199254740993'],
    ['max + max', '18014398509481982'],
    ['(max + n) - n', '9007199254740991'],
    ['max * max', '81129638414606663681390495662081'],
    ['power + 1', '10000000000000001'],
    ['written * 2', '0.2'],
    ['n / 2', '2.5'],
    ['7 / 2', '3'],
  ])('%s is right', (text, result) => expect(evaluated(text)).toBe(result));

  test.each([
    ['big == even', 'false'],
    ['big == 9007199254740992', 'false'],
    ['big == 9007199254740993', 'true'],
    ['big > even', 'true'],
    ['big > 9007199254740992.0', 'true'],
    ['even in ids', 'false'],
    ['big in ids', 'true'],
    ['ids.exists(x, x == 9007199254740992)', 'false'],
    ['long > 0.1', 'true'],
    ['long == 0.12345678901234568', 'false'],
    ['written == 0.1', 'true'],
    ['far > big', 'true'],
    ['minus == 0', 'true'],
    ['max + 1 > max', 'true'],
    ['max + 2 == max + 1', 'false'],
  ])('%s compares as numbers do', (text, result) => expect(evaluated(text)).toBe(result));

  test.each([
    ['big / 2', 'no whole number'],
    ['big * half', 'too large'],
    ['max + half', 'too large'],
    ['long + 1', 'more digits'],
    ['far - 1', 'more digits'],
    ['double(big)', 'rounded'],
    ['double(text)', 'rounded'],
    ['0.1234567890123456789', 'more digits'],
    ['beyond + 1', 'overflow'],
  ])('%s fails with a sentence', (text, sentence) => {
    expect(() => evaluated(text)).toThrow(ExpressionError);
    expect(() => evaluated(text)).toThrow(sentence);
  });

  test('numbers within a text, and literals beside expressions, are printed as they are spelt', () => {
    const value = parseExact(
      '{"a":"id ${{ big }}, ${{ ids }}","b":9007199254740993,"c":[0.1234567890123456789,"${{ n }}"]}',
    );
    const template = compileTemplate(value, expression, []);
    expect(printExact(template.evaluate(scope))).toBe(
      '{"a":"id 9007199254740993, [9007199254740993,3]","b":9007199254740993,"c":[0.1234567890123456789,5]}',
    );
  });
});
