import { describe, expect, test } from 'vitest';
import { Json } from '../../../src/json/json.ts';
import type { ListKind } from '../../../src/core/listing.ts';
import { build, entry, tool } from '../builders.ts';

/** What clients get of one listed item, and what is said of it. */
function offered(kind: ListKind, item: Json | object): { items: unknown[]; problems: readonly string[] } {
  const json = item instanceof Json ? item : Json.of(item);
  const { lists, problems } = build([entry('s', { [kind]: [json] })], { prefix: false });
  return { items: JSON.parse(lists[kind].text) as unknown[], problems: problems.map(({ what }) => what) };
}

const OBJECT = { type: 'object' };

describe('null in a member that may be absent is as if it were absent', () => {
  test.each(['title', 'description', 'icons', '_meta', 'annotations', 'execution', 'outputSchema'])(
    'a tool whose %s is null stays, without it',
    (key) => {
      expect(offered('tools', tool('t', { [key]: null }))).toEqual({
        items: [{ name: 't', inputSchema: OBJECT }],
        problems: [],
      });
    },
  );

  test.each([
    [{ annotations: { readOnlyHint: null, title: null, odd: null } }, { annotations: { odd: null } }],
    [{ execution: { taskSupport: null } }, { execution: {} }],
    [
      {
        icons: [
          { src: 'a', sizes: null },
          { src: 'b', theme: null },
        ],
      },
      { icons: [{ src: 'a' }, { src: 'b' }] },
    ],
    [{ inputSchema: { ...OBJECT, required: null, properties: null } }, { inputSchema: OBJECT }],
    [{ inputSchema: { ...OBJECT, $schema: null } }, { inputSchema: OBJECT }],
    [{ outputSchema: { ...OBJECT, required: null } }, { outputSchema: OBJECT }],
    [
      { inputSchema: { ...OBJECT, properties: { a: null, b: { default: null } } } },
      { inputSchema: { ...OBJECT, properties: { a: {}, b: { default: null } } } },
    ],
    [
      { inputSchema: { ...OBJECT, properties: { a: true, b: false } } },
      { inputSchema: { ...OBJECT, properties: { a: {}, b: { not: {} } } } },
    ],
  ])('also within: %j', (more, kept) => {
    expect(offered('tools', tool('t', more)).items).toEqual([{ name: 't', inputSchema: OBJECT, ...kept }]);
  });

  test('a prompt and its arguments', () => {
    const item = { name: 'p', title: null, arguments: [{ name: 'a', required: null, description: null }] };
    expect(offered('prompts', item)).toEqual({
      items: [{ name: 'p', arguments: [{ name: 'a' }] }],
      problems: [],
    });
    expect(offered('prompts', { name: 'p', arguments: null }).items).toEqual([{ name: 'p' }]);
  });

  test.each([
    ['resources', 'uri'],
    ['resourceTemplates', 'uriTemplate'],
  ] as const)('%s', (kind, key) => {
    const annotations = { audience: null, priority: null, lastModified: null };
    const item = { [key]: 'a:b', name: 'n', mimeType: null, size: null, annotations };
    expect(offered(kind, item)).toEqual({
      items: [{ [key]: 'a:b', name: 'n', annotations: {} }],
      problems: [],
    });
  });

  test('what is not known is passed on as it came, null or not, and so is the spelling of the rest', () => {
    const text =
      '{"name":"t","x":null,"inputSchema":{"type":"object","maximum":12345678901234567890,"default":null}}';
    expect(
      build([entry('s', { tools: [Json.fromText(text)] })], { prefix: false }).lists.tools.items,
    ).toEqual([text]);
    const odd = Json.fromText('{ "name":"t", "title":null, "inputSchema":{"type":"object","n":1.0} }');
    expect(build([entry('s', { tools: [odd] })], { prefix: false }).lists.tools.items).toEqual([
      '{ "name":"t", "inputSchema":{"type":"object","n":1.0}}',
    ]);
  });
});

describe('a tool that says nothing about its arguments takes any', () => {
  test.each([undefined, null, {}, true])('inputSchema %j', (inputSchema) => {
    expect(offered('tools', { name: 't', inputSchema })).toEqual({
      items: [{ name: 't', inputSchema: OBJECT }],
      problems: [],
    });
  });

  test.each([
    [{ properties: { a: { type: 'string' } } }],
    [{ type: ['object', 'null'], properties: { a: { type: 'string' } } }],
    [{ type: null, properties: { a: { type: 'string' } } }],
  ])('and one that does not say that they are an object has objects: %j', (inputSchema) => {
    expect(offered('tools', { name: 't', inputSchema }).items).toEqual([
      { name: 't', inputSchema: { ...inputSchema, type: 'object' } },
    ]);
  });

  test.each(['{}', [], { type: 'string' }, false])('but %j is not guessed at', (inputSchema) => {
    expect(offered('tools', { name: 't', inputSchema }).items).toEqual([]);
  });
});

test.each(['nope', [], { type: 'array' }, { ...OBJECT, properties: [] }, { ...OBJECT, required: 'a' }])(
  'a tool whose outputSchema is %j stays without it, and that is said once',
  (outputSchema) => {
    const { items, problems } = offered('tools', tool('t', { outputSchema }));
    expect(items).toEqual([{ name: 't', inputSchema: OBJECT }]);
    expect(problems).toEqual([expect.stringMatching(/^has .*outputSchema.*; offered without it$/)]);
  },
);

test('a resource without a name is called by its title, or its address', () => {
  expect(offered('resources', { uri: 'a:b' }).items).toEqual([{ uri: 'a:b', name: 'a:b' }]);
  expect(offered('resources', { uri: 'a:b', name: null, title: 'T' }).items).toEqual([
    { uri: 'a:b', name: 'T', title: 'T' },
  ]);
  expect(offered('resourceTemplates', { uriTemplate: 'a:{b}' }).items).toEqual([
    { uriTemplate: 'a:{b}', name: 'a:{b}' },
  ]);
});
