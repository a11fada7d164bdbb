import { describe, expect, test } from 'vitest';
import { slimSchema, slimTool } from '../../src/search/slim-tool.ts';
import { faultsOf, validArguments, validator } from './valid-arguments.ts';

type Schema = Readonly<Record<string, unknown>>;

/** One for each way in which schemas of real tools are written. */
const FORMS: Readonly<Record<string, Schema>> = {
  'no properties': { type: 'object' },
  'plain types': {
    type: 'object',
    properties: {
      a: { type: 'string' },
      b: { type: 'integer', minimum: 1 },
      c: { type: 'boolean' },
      d: { type: 'null' },
    },
    required: ['a'],
    additionalProperties: false,
  },
  'bounded values': {
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 3, maxLength: 8 },
      count: { type: 'number', exclusiveMinimum: 0, maximum: 9 },
      list: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'integer' } },
    },
    required: ['text', 'list'],
  },
  'enums and constants': {
    type: 'object',
    properties: {
      state: { type: 'string', enum: ['open', 'closed'] },
      mixed: { enum: [1, 'two', null, [3]] },
      fixed: { const: 'respond-async' },
      items: { type: 'array', items: { type: 'string', enum: ['x', 'y'] } },
    },
  },
  'alternatives of a value': {
    type: 'object',
    properties: {
      value: {
        anyOf: [
          { type: 'string' },
          { type: 'number' },
          { type: 'array', items: { type: 'string' } },
          { type: 'null' },
        ],
      },
      unit: {
        anyOf: [
          { type: 'string', const: 'metric' },
          { type: 'string', const: 'imperial' },
        ],
      },
      either: { oneOf: [{ const: 'all' }, { type: 'integer' }] },
      any: { anyOf: [{ type: 'string' }, {}] },
      open: { anyOf: [{ type: 'string' }, true] },
    },
  },
  'types in a list, and nullable': {
    type: 'object',
    properties: {
      a: { type: ['string', 'null'] },
      b: { type: 'string', nullable: true },
      c: { type: ['integer', 'array'] },
    },
  },
  'nested objects': {
    type: 'object',
    properties: {
      filter: {
        type: 'object',
        properties: {
          a: { type: 'string' },
          deep: { type: 'object', properties: { b: { type: 'integer' } }, required: ['b'] },
        },
        required: ['a'],
        additionalProperties: false,
      },
      rows: { type: 'array', items: { type: 'object', properties: { id: { type: 'integer' } } } },
    },
    required: ['filter'],
  },
  'references to definitions': {
    type: 'object',
    properties: {
      node: { $ref: '#/$defs/Node' },
      nodes: { type: 'array', items: { $ref: '#/$defs/Node' } },
      word: { $ref: '#/definitions/a~1b' },
    },
    required: ['node'],
    $defs: {
      Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, id: { type: 'integer' } } },
    },
    definitions: { 'a/b': { type: 'string', enum: ['p', 'q'] } },
  },
  'references into the root': {
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'object', properties: { x: { type: 'boolean' } } } },
      b: { $ref: '#/properties/a/items/properties/x' },
    },
  },
  'a reference beside which others say nothing (draft 7)': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { a: { $ref: '#/definitions/any', enum: ['only'] } },
    definitions: { any: { type: ['string', 'integer'] } },
  },
  'a root that is a reference': {
    $ref: '#/$defs/Args',
    $defs: { Args: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
  },
  'names by a pattern': {
    type: 'object',
    properties: { a: { type: 'string' } },
    patternProperties: { '^x': { type: 'integer' } },
    additionalProperties: false,
  },
  'one of several sets of arguments': {
    type: 'object',
    properties: { common: { type: 'string' } },
    anyOf: [
      { properties: { id: { type: 'integer' } }, required: ['id'] },
      { properties: { id: { type: 'string' }, name: { type: 'string' } }, required: ['name'] },
    ],
  },
  'all of several': {
    type: 'object',
    allOf: [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      { type: 'object', properties: { b: { type: 'integer' } } },
    ],
  },
  'a tuple (draft 7)': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'integer' }] } },
  },
  'a tuple': {
    type: 'object',
    properties: {
      pair: {
        type: 'array',
        prefixItems: [{ type: 'string' }, { type: 'integer' }],
        items: { type: 'boolean' },
      },
    },
  },
  'values of any name': {
    type: 'object',
    properties: {
      headers: { type: 'object', additionalProperties: { type: 'string' } },
      free: { type: 'object', propertyNames: { type: 'string' } },
    },
  },
  'a wide value that must also be narrow': {
    type: 'object',
    properties: {
      a: { allOf: [{ type: ['string', 'integer'] }, { anyOf: [{ type: 'string' }, { type: 'integer' }] }] },
      b: {},
      c: true,
    },
  },
};

describe('a shortened schema', () => {
  test.each(Object.entries(FORMS))('takes what the whole one takes: %s', (_form, schema) => {
    const isValid = validator(slimSchema(schema));
    let made = 0;
    for (const value of validArguments(schema, 1000)) {
      made++;
      if (isValid(value) !== true) throw new Error(`${JSON.stringify(value)}: ${faultsOf(isValid.errors)}`);
    }
    expect(made).toBe(1000);
  });

  test('keeps what has to be given, and what may be chosen', () => {
    expect(slimSchema(FORMS['plain types'] as Schema)).toEqual({
      type: 'object',
      properties: {
        a: { type: 'string' },
        b: { type: 'integer' },
        c: { type: 'boolean' },
        d: { type: 'null' },
      },
      required: ['a'],
      additionalProperties: false,
    });
    expect(slimSchema(FORMS['enums and constants'] as Schema)['properties']).toMatchObject({
      state: { type: 'string', enum: ['open', 'closed'] },
      fixed: { enum: ['respond-async'] },
      items: { type: 'array', items: { type: 'string', enum: ['x', 'y'] } },
    });
    expect(slimSchema(FORMS['alternatives of a value'] as Schema)['properties']).toMatchObject({
      unit: { type: 'string', enum: ['metric', 'imperial'] },
    });
  });

  test('refers to nothing, however references stand or go in circles', () => {
    const circles = {
      type: 'object',
      properties: {
        a: { $ref: '#/$defs/A' },
        b: { $ref: '#/properties/b' },
        c: { $ref: 'other.json#/x' },
        d: { $ref: '#name' },
      },
      $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } },
    };
    const based = {
      type: 'object',
      properties: {
        x: { $id: 'https://example.com/x', type: 'object', properties: { y: { $ref: '#/$defs/Y' } } },
      },
      $defs: { Y: { type: 'integer' } },
    };
    for (const schema of [...Object.values(FORMS), circles, based])
      expect(JSON.stringify(slimSchema(schema))).not.toMatch(/\$ref|\$defs|definitions/);
  });

  test('keeps the header of an argument, and the way to one further in', () => {
    const slim = slimSchema({
      type: 'object',
      properties: {
        region: { type: 'string', pattern: '^eu', 'x-mcp-header': 'Region' },
        deep: {
          type: 'object',
          properties: { tenant: { type: 'string', 'x-mcp-header': 'Tenant' }, other: { type: 'integer' } },
        },
      },
    });
    expect(slim['properties']).toEqual({
      region: { type: 'string', 'x-mcp-header': 'Region' },
      deep: {
        type: 'object',
        additionalProperties: true,
        properties: { tenant: { type: 'string', 'x-mcp-header': 'Tenant' } },
      },
    });
  });

  test('has the first sentence of a text that says more than the name, cut short', () => {
    const slim = slimSchema({
      type: 'object',
      properties: {
        boardId: { type: 'string', description: "The board's ID." },
        limit: { type: 'integer', description: 'How many at most. The default is 10.' },
        query: { type: 'string', description: 'word '.repeat(100) },
      },
      required: ['query'],
    });
    const properties = slim['properties'] as Record<string, { description?: string }>;
    expect(properties['boardId']).toEqual({ type: 'string' });
    expect(properties['limit']?.description).toBe('How many at most');
    expect(properties['query']?.description?.length).toBeLessThanOrEqual(80);
  });

  test.each([
    [{ properties: [] }],
    [{ type: 'object', properties: { a: null }, required: 'a' }],
    [{ required: [1, 'a'], properties: { a: { type: 7, enum: 'x' } } }],
  ])('is made of any odd schema: %j', (schema) => {
    expect(slimSchema(schema as Schema)['type']).toBe('object');
  });
});

describe('a shortened tool', () => {
  test('is in everything but its texts and schema the tool that it was', () => {
    const tool = {
      name: 'github__delete_file',
      title: 'Delete',
      description: 'Deletes a file. It cannot be undone.',
      inputSchema: FORMS['plain types'],
      outputSchema: { type: 'object' },
      annotations: { destructiveHint: true },
      execution: { taskSupport: 'required' },
      _meta: { ui: { resourceUri: 'ui://x' } },
      'x-odd': [1],
    };
    const { description, inputSchema, ...rest } = slimTool(tool);
    const { description: _whole, inputSchema: schema, ...others } = tool;
    expect(rest).toEqual(others);
    expect(description).toBe('Deletes a file.');
    expect(inputSchema).toEqual(slimSchema(schema as Schema));
  });
});
