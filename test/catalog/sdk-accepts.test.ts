import {
  ListPromptsResultSchema,
  ListResourcesResultSchema,
  ListResourceTemplatesResultSchema,
  ListToolsResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Json } from '../../src/json/json.ts';
import { build, entry } from './builders.ts';

const JUNK = [null, true, 1, 'x', [], {}, ['a'], [1], { a: 1 }, { a: true }, { a: {} }];

/** A member that is mostly absent or one of these, and sometimes anything at all. */
function member(...values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.constantFrom(...JUNK) },
  );
}

const OBJECT = { type: 'object' };
const schema = member(
  OBJECT,
  { ...OBJECT, properties: { a: {} }, required: ['a'] },
  { ...OBJECT, properties: { a: true } },
  { ...OBJECT, properties: null },
  { ...OBJECT, required: [1] },
  { type: 'array' },
);
const common = {
  title: member('t'),
  description: member('d'),
  icons: member(
    [{ src: 'a', sizes: ['1x1'], theme: 'dark' }],
    [{ src: 'a', theme: 'x' }],
    [{}],
    [{ src: 'a', sizes: '1x1' }],
  ),
  _meta: member({ a: 1 }),
};
const resource = {
  name: fc.constantFrom<unknown>('n', '', 1, null),
  mimeType: member('m'),
  annotations: member(
    { audience: ['user'] },
    { audience: ['x'] },
    { priority: 1 },
    { priority: 2 },
    { lastModified: '2025-01-12T15:00:58Z' },
    { lastModified: '2025-13-12T15:00:58Z' },
    { lastModified: 'x' },
  ),
  ...common,
};

/** The same, saying nothing where it said `null`. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

describe('what is listed, an SDK client accepts, and what one accepts is listed as it came', () => {
  test.each([
    [
      'tools',
      ListToolsResultSchema,
      {
        name: fc.constant('n'),
        inputSchema: fc.oneof(fc.constant(OBJECT), schema),
        outputSchema: schema,
        annotations: member(
          { readOnlyHint: true },
          { readOnlyHint: 'x' },
          { title: 1 },
          { openWorldHint: null },
        ),
        execution: member({ taskSupport: 'optional' }, { taskSupport: 'x' }),
        ...common,
      },
    ],
    [
      'prompts',
      ListPromptsResultSchema,
      {
        name: fc.constant('n'),
        arguments: member(
          [{ name: 'a' }],
          [{ name: 'a', required: 'x' }],
          [{}],
          [{ name: 'a', description: 1 }],
        ),
        ...common,
      },
    ],
    ['resources', ListResourcesResultSchema, { uri: fc.constant('a:b'), size: member(1, 1.5), ...resource }],
    [
      'resourceTemplates',
      ListResourceTemplatesResultSchema,
      { uriTemplate: fc.constant('a:{b}'), ...resource },
    ],
  ] as const)('B11 %s', (kind, resultSchema, members: Record<string, fc.Arbitrary<unknown>>) => {
    fc.assert(
      fc.property(fc.record(members), (item) => {
        const json = Json.fromText(JSON.stringify(item));
        const { items, text } = build([entry('s', { [kind]: [json] })], { prefix: false }).lists[kind];
        const accepts = (...of: readonly unknown[]): boolean =>
          resultSchema.safeParse({ [kind]: of }).success;
        expect(accepts(...(JSON.parse(text) as unknown[]))).toBe(true);
        if (accepts(json.value)) expect(items).toEqual([json.text]);
        if (accepts(withoutNulls(json.value))) expect(items).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });
});
