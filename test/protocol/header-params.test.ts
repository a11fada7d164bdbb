import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeHeaderValue,
  encodeHeaderValue,
  headerParamFault,
  headerParamsOf,
} from '../../src/protocol/header-params.ts';

const tool = (properties: object, more: object = {}): Record<string, unknown> => ({
  name: 't',
  inputSchema: { type: 'object', properties, ...more },
});
const text = (header: unknown): object => ({ type: 'string', 'x-mcp-header': header });

/** Of all characters; what has no form in UTF-8 is left out. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }))
  .map((codes) => String.fromCodePoint(...codes.filter((code) => code < 0xd800 || code > 0xdfff)));

describe('arguments that are repeated as headers', () => {
  test('are found at any depth of properties', () => {
    const found = headerParamsOf(
      tool({
        region: text('Region'),
        nested: { type: 'object', properties: { id: { type: 'integer', 'x-mcp-header': 'Id' } } },
        plain: { type: 'string' },
      }),
    );
    expect(found).toEqual([
      { header: 'Region', path: ['region'], type: 'string' },
      { header: 'Id', path: ['nested', 'id'], type: 'integer' },
    ]);
  });

  test('tens of thousands of them cost no more than a moment', () => {
    const many = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`p${i}`, text(`H${i}`)]));
    const from = performance.now();
    expect(headerParamFault(tool(many))).toBeUndefined();
    expect(headerParamFault(tool({ ...many, last: text('h0') }))).toContain('twice');
    expect(performance.now() - from).toBeLessThan(1500);
  });

  test('an argument may itself be called "x-mcp-header", and data is no schema', () => {
    expect(
      headerParamFault(tool({ 'x-mcp-header': { type: 'string', default: { 'x-mcp-header': 1 } } })),
    ).toBeUndefined();
    expect(headerParamFault({ name: 't' })).toBeUndefined();
  });

  test.each([
    ['an empty name', tool({ a: text('') })],
    ['a name that is no string', tool({ a: text(1) })],
    ['a blank in the name', tool({ a: text('A B') })],
    ['a line break in the name', tool({ a: text('A\r\nB') })],
    ['one name twice, in another case', tool({ a: text('X'), b: text('x') })],
    ['a number', tool({ a: { type: 'number', 'x-mcp-header': 'X' } })],
    ['several types', tool({ a: { type: ['string', 'null'], 'x-mcp-header': 'X' } })],
    ['no type', tool({ a: { 'x-mcp-header': 'X' } })],
    ['the schema itself', tool({}, { 'x-mcp-header': 'X' })],
    ['items', tool({ a: { type: 'array', items: text('X') } })],
    ['a branch of anyOf', tool({ a: { anyOf: [text('X')] } })],
    ['properties below allOf', tool({}, { allOf: [{ properties: { a: text('X') } }] })],
    ['a definition', tool({}, { $defs: { a: text('X') } })],
    ['a pattern', tool({}, { patternProperties: { a: text('X') } })],
  ])('a declaration with %s makes the tool unfit', (_, bad) => {
    expect(headerParamFault(bad)).toBeTypeOf('string');
    expect(headerParamsOf(bad)).toEqual([]);
  });
});

describe('a value in a header', () => {
  test.each([
    ['us-west1', 'us-west1'],
    ['a b\tc', 'a b\tc'],
    [42, '42'],
    [true, 'true'],
    [false, 'false'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded', '=?base64?IHBhZGRlZA==?='],
    ['=?base64?x?=', '=?base64?PT9iYXNlNjQ/eD89?='],
    ['', '=?base64??='],
    ['a\nb', '=?base64?YQpi?='],
    [null, undefined],
    [undefined, undefined],
    [2 ** 53, undefined],
    [Number.NaN, undefined],
    [{}, undefined],
  ])('%j is written %s', (value, written) => {
    expect(encodeHeaderValue(value)).toBe(written);
  });

  test('comes back as it went', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), anyText), (value) => {
        expect(decodeHeaderValue(encodeHeaderValue(value) ?? '')).toBe(value);
      }),
    );
  });

  test.each([
    '=?base64?!!!?=',
    '=?base64?YQ?=',
    '=?base64?/w==?=',
    '=?base64?YQ==\n?=',
    '=?base64?=',
    'ü',
    ' a',
  ])('%j is none', (written) => {
    expect(decodeHeaderValue(written)).toBeUndefined();
  });
});
