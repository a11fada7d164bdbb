/** Output schemas that an SDK client stumbles over, and some that it does not. */
const O = { type: 'object' };
const of = (property: object): object => ({ ...O, properties: { s: property } });

export const UNUSABLE: Readonly<Record<string, object>> = {
  'refers to what is not there': of({ $ref: '#/$defs/Missing' }),
  'refers to another place': of({ $ref: 'https://example.invalid/x.json' }),
  'refers to a name': of({ $ref: 'Foo' }),
  'refers to a number': of({ $ref: 5 }),
  'refers to a malformed escape': { ...O, $defs: { 'a%b': {} }, properties: { s: { $ref: '#/$defs/a%b' } } },
  'has a pattern that is none': of({ type: 'string', pattern: '(' }),
  'has a pattern of Python’s': of({ type: 'string', pattern: '(?P<year>\\d+)' }),
  'has a pattern that only lenient parsers take': of({ type: 'string', pattern: '^a\\Z' }),
  'has a property pattern that is none': { ...O, patternProperties: { '[': { type: 'string' } } },
  'has a pattern for names that is none': { ...O, propertyNames: { pattern: '[' } },
  'has one $id twice': {
    ...O,
    properties: { a: { $id: 'x', type: 'string' }, b: { $id: 'x', type: 'number' } },
  },
  'has one $anchor twice': { ...O, properties: { a: { $anchor: 'x' }, b: { $anchor: 'x', type: 'number' } } },
  'has an $id that is a number': { ...O, $id: 5 },
  'has an id in the old way': { ...O, id: 'x' },
  'knows a type that is none': of({ type: 'strng' }),
  'has a type that is null': of({ type: null }),
  'is nullable without a type': of({ nullable: true }),
  'has an empty enum': of({ enum: [] }),
  'has an enum that is no list': of({ enum: 'x' }),
  'requires by true': of({ type: 'string', required: true }),
  'has a minimum in text': of({ type: 'number', minimum: '3' }),
  'excludes a minimum by true': of({ type: 'number', minimum: 0, exclusiveMinimum: true }),
  'has items that are text': of({ type: 'array', items: 'string' }),
  'has alternatives that are no list': of({ anyOf: {} }),
  'has a property without a schema': of({ properties: { b: null } }),
  'has additionalProperties that are null': { ...O, additionalProperties: null },
  'has half a character in a name': { ...O, properties: { 'a\ud83d': { enum: [1] } } },
  'has a condition that is text': { ...O, if: 'x' },
  'has a format that is a number': of({ type: 'string', format: 5 }),
  'is, to itself, one of its parts': { ...O, allOf: [{ $ref: '#' }] },
  'runs in a circle': {
    ...O,
    $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { oneOf: [{ $ref: '#/$defs/a' }] } },
    properties: { s: { $ref: '#/$defs/a' } },
  },
};

export const USABLE: Readonly<Record<string, object>> = {
  'is plain': { ...O, properties: { s: { type: 'string' } }, required: ['s'], additionalProperties: false },
  'has an unknown $schema': { ...O, $schema: 'https://example.invalid/schema' },
  'is of 2020-12': { ...O, $schema: 'https://json-schema.org/draft/2020-12/schema' },
  'has an unknown format': of({ type: 'string', format: 'nope' }),
  'has an unknown keyword': of({ type: 'string', sparkle: { a: 1 } }),
  'has a good pattern': of({ type: 'string', pattern: '^[a-z]+$' }),
  'has an $id': { ...O, $id: 'https://example.invalid/one' },
  'is nullable': of({ type: 'string', nullable: true }),
  'is a tree': {
    ...O,
    $defs: { node: { ...O, properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } } } },
    properties: { root: { $ref: '#/$defs/node' } },
  },
  'has types in a list': of({ type: ['string', 'null'] }),
  'has a tuple': of({ type: 'array', items: [{ type: 'string' }] }),
};
