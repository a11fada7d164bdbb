import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isPlainSchema } from '../../../src/catalog/schemas/plain-schema.ts';
import { createSchemaChecker, type SchemaChecker } from '../../../src/catalog/schemas/schema-checker.ts';
import { startSchemaWorker } from '../../../src/catalog/schemas/start-schema-worker.ts';
import { Json } from '../../../src/json/json.ts';
import type { Listing } from '../../../src/core/listing.ts';
import { build, entry, tool } from '../builders.ts';
import { UNUSABLE, USABLE } from './schemas.ts';

/** What an SDK client does with it: compiles it when it is listed, runs it when it is called. */
function sdkUses(schema: object): boolean {
  const warn = console.warn;
  console.warn = () => {};
  try {
    const validate = new AjvJsonSchemaValidator().getValidator(schema);
    validate({});
    validate({ s: {} });
    return true;
  } catch {
    return false;
  } finally {
    console.warn = warn;
  }
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

interface Checking {
  /** What it comes to in the end. */
  checked(listing: Listing, before: Listing | undefined): Promise<Listing>;
  /** How many threads there were. */
  readonly started: () => number;
}

function checking(bounds: { maxCompileMs?: number; maxListingMs?: number } = {}): Checking {
  let started = 0;
  const checker = createSchemaChecker({
    startWorker: () => {
      started++;
      return startSchemaWorker();
    },
    log: SILENT,
    ...bounds,
  });
  onTestFinished(() => checker.close());
  return { checked: (now, before) => inTheEnd(checker, now, before), started: () => started };
}

async function inTheEnd(checker: SchemaChecker, listing: Listing, before?: Listing): Promise<Listing> {
  const { now, later } = await checker.checked(listing, before);
  return later ?? now;
}

function listing(schemas: Readonly<Record<string, unknown>>): Listing {
  const tools = Object.entries(schemas).map(([name, outputSchema]) => tool(name, { outputSchema }));
  return entry('s', { tools }).listing;
}

/** The tools that are offered with an output schema. */
function kept(checked: Listing): unknown[] {
  const { lists } = build([{ ...entry('s'), listing: checked }], { prefix: false });
  const tools = JSON.parse(lists.tools.text) as { name: string; outputSchema?: object }[];
  return tools.flatMap(({ name, outputSchema }) => (outputSchema ? [name] : []));
}

describe('output schemas that clients cannot use', () => {
  test('are left out, and those that they can use are not: it is as an SDK client does', async () => {
    for (const schema of Object.values(UNUSABLE)) expect(sdkUses(schema), JSON.stringify(schema)).toBe(false);
    for (const schema of Object.values(USABLE)) expect(sdkUses(schema), JSON.stringify(schema)).toBe(true);
    const all = { ...UNUSABLE, ...USABLE };
    const before = listing(all);
    const checked = await checking().checked(before, undefined);
    expect(kept(checked)).toEqual(Object.keys(USABLE).map((name) => name.replaceAll(/[^\w-]/g, '_')));
    const { problems, lists } = build([{ ...entry('s'), listing: checked }]);
    expect(lists.tools.items).toHaveLength(Object.keys(all).length);
    expect(problems.map(({ item }) => item)).toEqual(Object.keys(UNUSABLE));
    for (const { what } of problems) expect(what).toMatch(/^has .*outputSchema.*; offered without it$/);
  }, 30_000);

  test('are told by a thread only where a look does not tell, and once', async () => {
    const { checked, started } = checking();
    await checked(listing({ plain: USABLE['is plain'], tree: USABLE['is a tree'] }), undefined);
    expect(started()).toBe(0);
    const odd = listing({ a: UNUSABLE['has an empty enum'], b: USABLE['has a good pattern'] });
    const first = await checked(odd, undefined);
    expect(kept(await checked(odd, undefined))).toEqual(['b']);
    expect(started()).toBe(1);

    const atNextStart = checking();
    expect(kept(await atNextStart.checked(odd, JSON.parse(JSON.stringify(first)) as Listing))).toEqual(['b']);
    expect(atNextStart.started()).toBe(0);
  });

  test('are waited for by nobody: until it is known, those in doubt are left out without a word', async () => {
    const checker = createSchemaChecker({ startWorker: startSchemaWorker, log: SILENT });
    onTestFinished(() => checker.close());
    const odd = listing({ plain: USABLE['is plain'], fit: USABLE['has a good pattern'] });
    const { now, later } = await checker.checked(odd, undefined);
    expect(kept(now)).toEqual(['plain']);
    expect(build([{ ...entry('s'), listing: now }])).toMatchObject({ problems: [] });
    expect(kept((await later) as Listing)).toEqual(['plain', 'fit']);
    expect((await checker.checked(odd, undefined)).later).toBeUndefined();
  });

  test('are still in doubt where the end comes first, and told at the next start', async () => {
    const checker = createSchemaChecker({ startWorker: startSchemaWorker, log: SILENT });
    const odd = listing({ a: USABLE['has a good pattern'], b: UNUSABLE['has an empty enum'] });
    const { later } = await checker.checked(odd, undefined);
    checker.close();
    const cutShort = (await later) as Listing;
    expect(kept(cutShort)).toEqual([]);
    expect(build([{ ...entry('s'), listing: cutShort }]).problems).toEqual([]);
    expect(kept(await checking().checked(odd, cutShort))).toEqual(['a']);
  });

  test('C05 are those that take too long to compile, and they hold nothing else up', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`p${i}`, { type: 'string', pattern: `^a{${i % 900}}$` }]),
    );
    const { checked, started } = checking({ maxCompileMs: 1 });
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const huge = await checked(listing({ huge: { type: 'object', properties } }), undefined);
    clearInterval(turning);
    expect(kept(huge)).toEqual([]);
    expect(turns).toBeGreaterThan(1);
    expect(started()).toBe(1);
  }, 30_000);

  test('are tried again by the next run where they took too long: the machine may have been busy', async () => {
    const odd = listing({ slow: USABLE['has a good pattern'] });
    const left = await checking({ maxCompileMs: 0 }).checked(odd, undefined);
    expect(kept(left)).toEqual([]);
    expect(kept(await checking().checked(odd, left))).toEqual(['slow']);
  });

  test('are all those in doubt where no thread can be had', async () => {
    const checker = createSchemaChecker({
      startWorker: () => {
        throw new Error('no threads here');
      },
      log: SILENT,
    });
    const odd = listing({ plain: USABLE['is plain'], b: USABLE['has a good pattern'] });
    const checked = await inTheEnd(checker, odd);
    expect(kept(checked)).toEqual(['plain']);
    // It was nothing about the schema: the next start tries again.
    expect(kept(await checking().checked(odd, checked))).toEqual(['plain', 'b']);
  });

  test('C05 are not tried any more once a server’s others took too long, and the next server’s are', async () => {
    const { checked } = checking({ maxListingMs: 1 });
    const pattern = (text: string): object => ({ type: 'object', patternProperties: { [text]: {} } });
    expect(kept(await checked(listing({ a: pattern('a'), b: pattern('b') }), undefined))).toEqual(['a']);
    expect(kept(await checked(listing({ c: pattern('c') }), undefined))).toEqual(['c']);
  }, 30_000);
});

test('a schema that is plain at a look is one that an SDK client can use', () => {
  const { schema } = fc.letrec<{ schema: object }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<object>(
        {},
        { type: 'string' },
        { $ref: '#/$defs/a' },
        { $ref: '#' },
        { $ref: '#/$defs/no' },
      ),
      fc.record(
        {
          type: fc.constantFrom('object', 'array', ['string', 'null'], 'any', null),
          properties: fc.dictionary(
            fc.constantFrom('a', '$ref', 'constructor', 'enum', '\ud83d'),
            tie('schema'),
            {
              maxKeys: 2,
            },
          ),
          items: fc.oneof(tie('schema'), fc.constantFrom(true, [], 'x')),
          anyOf: fc.array(tie('schema'), { maxLength: 2 }),
          allOf: fc.array(tie('schema'), { maxLength: 2 }),
          additionalProperties: fc.oneof(tie('schema'), fc.constantFrom(false, null)),
          $defs: fc.dictionary(fc.constantFrom('a', 'b'), tie('schema'), { maxKeys: 2 }),
          enum: fc.constantFrom([1], [], [null], ['a', 'a']),
          required: fc.constantFrom(['a'], 'a', [1]),
          minimum: fc.constantFrom(1, '1'),
          format: fc.constantFrom('date-time', 'nope', 1),
          default: fc.constantFrom(null, { $ref: 'x' }),
          pattern: fc.constantFrom('a', '('),
          $id: fc.constantFrom('a', 1),
          nullable: fc.constant(true),
        },
        { requiredKeys: [] },
      ),
    ),
  }));
  let plain = 0;
  fc.assert(
    fc.property(schema, (root) => {
      const text = JSON.stringify({ ...root, type: 'object' });
      const value = Json.fromText(text).object as object;
      if (!isPlainSchema(value as Record<string, unknown>)) return;
      plain++;
      expect(sdkUses(value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(plain).toBeGreaterThan(50);
});

describe('one $id for several schemas', () => {
  const same = { type: 'object', $id: 'https://example.invalid/r', properties: { a: { type: 'string' } } };
  const other = { ...same, required: ['b'] };
  const within = { type: 'object', properties: { a: { $id: 'https://example.invalid/r#' } } };
  const keptOf = (...schemas: object[]): unknown[] => {
    const entries = schemas.map((outputSchema, i) =>
      entry(`s${i}`, { tools: [tool('t', { outputSchema })] }),
    );
    const { lists, problems } = build(entries);
    const tools = JSON.parse(lists.tools.text) as { outputSchema?: object }[];
    expect(problems).toHaveLength(tools.filter(({ outputSchema }) => !outputSchema).length);
    return tools.map(({ outputSchema }) => outputSchema !== undefined);
  };

  test.each([
    ['two that differ', [same, other]],
    ['one, and one that stands within another', [same, within]],
    ['the same two the other way round', [within, same]],
  ])('%s: neither is listed, since a client would take one for the other', (_, schemas) => {
    expect(keptOf(...schemas)).toEqual([false, false]);
  });

  test('several that are the same to the letter stay, and so does who has none', () => {
    expect(keptOf(same, same, { type: 'object' })).toEqual([true, true, true]);
    expect(keptOf(within, { ...within, title: 'x' })).toEqual([true, true]);
  });
});
