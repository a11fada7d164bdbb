import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCompile } from '../../src/expression/compile.ts';
import { HeldResults } from '../../src/results/held-results.ts';
import { takeApart } from '../../src/results/long-result.ts';
import { readResult, type ReadAnswer, type ReadRequest } from '../../src/results/read-result.ts';
import { estimateTokens as estimate } from '../../src/search/token-estimate.ts';
import { HandClock } from '../harness/clock.ts';

const compile = createCompile();

interface Kept {
  readonly handle: string;
  readonly read: (request?: Partial<ReadRequest>) => Promise<ReadAnswer>;
}

async function kept(
  text: string,
  { kind = 'json', maxTokens = 2000 }: { kind?: 'json' | 'text'; maxTokens?: number } = {},
): Promise<Kept> {
  const held = new HeldResults({
    folder: undefined,
    memoryBytes: 1e9,
    totalBytes: 1e9,
    ttlMs: 1e6,
    clock: new HandClock(),
  });
  const handle = (await held.keep('me', [{ kind, label: 'text', bytes: Buffer.from(text) }])) ?? '';
  return {
    handle,
    read: (request = {}) =>
      readResult('me', { result: handle, ...request }, { held, compile, estimate, maxTokens }),
  };
}

async function pages({ read }: Kept, request: Partial<ReadRequest> = {}): Promise<string[]> {
  const found: string[] = [];
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const answer = await read({ ...request, offset });
    expect(answer.isError).toBe(false);
    found.push(answer.text);
    const next: string | undefined = /To go on: (\{.*\})$/.exec(answer.note)?.[1];
    offset = next === undefined ? undefined : (JSON.parse(next) as { offset: number }).offset;
  }
  return found;
}

const rows = (count: number): object[] =>
  Array.from({ length: count }, (_, id) => ({
    id,
    name: `Name of ${id}, "quoted" \\ and [bracketed]`,
    tags: ['a', `t${id % 7}`],
    at: { x: id / 3, y: null },
  }));

describe('pages', () => {
  test('of JSON end between two items, as far out as may be', async () => {
    const found = await pages(await kept(JSON.stringify(rows(500))));
    expect(found.length).toBeGreaterThan(3);
    for (const page of found.slice(0, -1)) expect(page).toMatch(/\},$/);
    expect(found.join('')).toBe(JSON.stringify(rows(500)));
  });

  test('of a text end with a line', async () => {
    const text = Array.from({ length: 5000 }, (_, line) => `line ${line}: something happened`).join('\n');
    const found = await pages(await kept(text, { kind: 'text' }));
    for (const page of found.slice(0, -1)) expect(page).toMatch(/happened\n$/);
    expect(found.join('')).toBe(text);
  });

  test('joined are the bytes that were kept, whatever they are', async () => {
    const value = fc.oneof(
      fc
        .jsonValue({ maxDepth: 5 })
        .map((json) => ({ kind: 'json' as const, text: JSON.stringify([json, json, json], null, 1) })),
      fc
        .array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 60 })
        .map((lines) => ({ kind: 'text' as const, text: lines.join('\n') })),
      fc
        .array(fc.string({ unit: 'binary-ascii', maxLength: 400 }), { maxLength: 30 })
        .map((json) => ({ kind: 'json' as const, text: JSON.stringify(json) })),
    );
    await fc.assert(
      fc.asyncProperty(value, fc.integer({ min: 1, max: 300 }), async ({ kind, text }, limit) => {
        expect((await pages(await kept(text, { kind }), { limit })).join('')).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['a string without an end', JSON.stringify([`${'\\"'.repeat(60_000)}ü漢😀`.repeat(2)])],
    [
      'one key after the other',
      JSON.stringify(Object.fromEntries(rows(3000).map((row, index) => [`key ${index}`, row]))),
    ],
    ['lists in lists', `${'['.repeat(300)}${JSON.stringify(rows(900))}${']'.repeat(300)}`],
    ['spaces', JSON.stringify(rows(600), null, 8)],
  ])('joined are the bytes where checkpoints fall into %s', async (_what, text) => {
    expect((await pages(await kept(text))).join('')).toBe(text);
  });

  test.each([
    ['JSON', 'json', JSON.stringify(rows(4000))],
    ['numbers', 'json', JSON.stringify(Array.from({ length: 60_000 }, (_, n) => (n * 7919) % 1_000_003))],
    ['Chinese', 'text', '看板列表需要登录\n'.repeat(8000)],
    [
      'base64',
      'text',
      Buffer.from(Array.from({ length: 90_000 }, (_, n) => (n * n * 31 + n * 17) % 251)).toString('base64'),
    ],
  ] as const)('stay within their tokens: %s', async (_what, kind, text) => {
    const [first = '', second = ''] = await pages(await kept(text, { kind, maxTokens: 2000 }), {});
    expect(countTokens(first)).toBeLessThanOrEqual(2500);
    expect(countTokens(second)).toBeLessThanOrEqual(2500);
    expect(first.length).toBeGreaterThan(1000);
  });

  test('by a pointer are those of the part alone', async () => {
    const value = { meta: { 'a/b': { '~x': [1, 2] } }, items: rows(300) };
    const one = await kept(JSON.stringify(value, null, 2));
    expect(JSON.parse((await one.read({ pointer: '/meta/a~1b/~0x/1' })).text)).toBe(2);
    expect(JSON.parse((await pages(one, { pointer: '/items' })).join(''))).toEqual(value.items);
    expect(JSON.parse((await one.read({ pointer: '/items/299' })).text)).toEqual(value.items[299]);
    expect(JSON.parse((await pages(one, { pointer: '' })).join(''))).toEqual(value);
  });

  test('by a pointer that leads nowhere say how far it leads', async () => {
    const one = await kept(JSON.stringify({ items: [1, 2, 3], meta: { a: 1, b: 2 } }));
    expect((await one.read({ pointer: '/items/7' })).note).toContain('at "/items" is a list of 3');
    expect((await one.read({ pointer: '/meta/c' })).note).toContain('at "/meta" is an object with "a", "b"');
    expect((await one.read({ pointer: 'items' })).note).toContain('has to be a JSON pointer');
  });

  test('beyond the end are refused', async () => {
    const one = await kept('[1]');
    for (const offset of [-1, 4, 1.5, NaN]) expect((await one.read({ offset })).isError).toBe(true);
  });
});

describe('looking into a kept result', () => {
  test('finds the places of a text, and where they are', async () => {
    const text = Array.from({ length: 3000 }, (_, line) =>
      line % 500 === 3 ? `Größe: ERROR in ${line}` : 'fine',
    ).join('\n');
    const one = await kept(text, { kind: 'text' });
    const { text: found, note } = await one.read({ find: 'error IN' });
    expect(note).toMatch(/^6 places/);
    const [offset = '', line] = (found.split('\n')[1] ?? '').split(': ', 2);
    expect(line).toBe('Größe');
    expect((await one.read({ offset: Number(offset) })).text).toMatch(/^ERROR in 503\n/);
    expect((await one.read({ find: 'nothing' })).isError).toBe(true);
  });

  test('takes what is looked for as it stands, no pattern', async () => {
    const one = await kept(JSON.stringify(['a.b', 'axb', '(a+)+$']));
    expect((await one.read({ find: 'a.b' })).note).toMatch(/^1 places/);
    expect((await one.read({ find: '(a+)+$' })).note).toMatch(/^1 places/);
  });

  test('answers an expression, with a pointer of the part alone', async () => {
    const one = await kept(JSON.stringify({ items: rows(100) }));
    const answer = await one.read({ cel: 'value.items.filter(i, i.id > 97).map(i, i.id)' });
    expect(JSON.parse(answer.text)).toEqual([98, 99]);
    expect(JSON.parse((await one.read({ pointer: '/items/3', cel: 'value.tags[1]' })).text)).toBe('t3');
  });

  test('refuses an expression that is wrong, takes too long or gives too much, and says why', async () => {
    const one = await kept(JSON.stringify({ items: rows(3000) }));
    expect((await one.read({ cel: 'value.itms' })).note).toContain('Did you mean "items"?');
    expect((await one.read({ cel: 'value.' })).isError).toBe(true);
    expect((await one.read({ cel: 'other' })).isError).toBe(true);
    expect((await one.read({ cel: 'value.items' })).note).toContain('too long');
    const endless = 'value.items.all(a, value.items.all(b, value.items.all(c, a.id + b.id + c.id >= 0)))';
    expect((await one.read({ cel: endless })).isError).toBe(true);
  });

  test('says which result it is that is not there', async () => {
    const one = await kept('[1]');
    expect((await one.read({ result: 'no such' })).note).toContain('There is no result "no such"');
    expect((await one.read({ result: `${one.handle}.2` })).note).toContain('has 1 parts, no part 2');
    expect((await (await kept('text', { kind: 'text' })).read({ pointer: '/a' })).note).toContain('no JSON');
  });
});

describe('a long result', () => {
  const options = { maxTokens: 8000, estimate, isStructureShown: false };
  const tokens = (result: unknown): number => countTokens(JSON.stringify(result));
  const big = rows(80_000);

  test('becomes its shape and its first items', () => {
    const text = JSON.stringify({ total: big.length, items: big });
    const taken = takeApart({ content: [{ type: 'text', text }] }, options);
    const result = taken?.shortened('HANDLE') as { content: { text: string }[] };
    expect(tokens(result)).toBeLessThanOrEqual(2500);
    expect(result.content[0]?.text).toContain('80,000 × { id: int, name: str, tags: 2 × str, at: { x: num');
    expect(result.content[0]?.text).toContain('"result": "HANDLE"');
    const first = /items of \/items:\n(.*)\n/.exec(result.content[0]?.text ?? '')?.[1] ?? '';
    expect(JSON.parse(first)).toEqual(big[0]);
    expect(taken?.parts.map(({ bytes }) => bytes.toString())).toEqual([text]);
  });

  test('of 50,000 lines becomes its head and tail', () => {
    const text = Array.from({ length: 50_000 }, (_, line) => `${line} happened`).join('\n');
    const result = takeApart({ content: [{ type: 'text', text }] }, options)?.shortened('H') as {
      content: { text: string }[];
    };
    expect(tokens(result)).toBeLessThanOrEqual(2500);
    expect(result.content[0]?.text).toMatch(/50,000 lines\. Its beginning:\n0 happened\n1 happened/);
    expect(result.content[0]?.text).toMatch(/\n49999 happened$/);
  });

  test('of mixed blocks keeps what is no text, and all of the text', () => {
    const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
    const link = { type: 'resource_link', uri: 'file:///x', name: 'x' };
    const long = 'words and more words\n'.repeat(9000);
    const result = {
      content: [
        { type: 'text', text: 'short' },
        image,
        { type: 'text', text: long },
        { type: 'resource', resource: { uri: 'a:b', text: long } },
        link,
      ],
      structuredContent: { items: big.slice(0, 9000) },
      _meta: { a: 1 },
    };
    const taken = takeApart(result, options);
    const short = taken?.shortened('H') as {
      content: unknown[];
      structuredContent?: unknown;
      _meta?: unknown;
    };
    expect(short.content).toEqual(expect.arrayContaining([image, link]));
    expect(short.content).toHaveLength(4);
    expect(short.structuredContent).toBeUndefined();
    expect(short._meta).toEqual({ a: 1 });
    expect(tokens(short)).toBeLessThanOrEqual(2500);
    expect(taken?.parts.map(({ bytes }) => bytes.toString())).toEqual([
      ['short', long, long].join('\n'),
      JSON.stringify(result.structuredContent),
    ]);
  });

  test('that says the same twice is kept once', () => {
    const value = { items: big.slice(0, 9000) };
    const taken = takeApart(
      { content: [{ type: 'text', text: JSON.stringify(value, null, 2) }], structuredContent: value },
      options,
    );
    expect(taken?.parts).toHaveLength(1);
  });

  test('stays as it is where it is short, an error, or of a form that the client was shown', () => {
    const long = [{ type: 'text', text: JSON.stringify(big.slice(0, 9000)) }];
    expect(takeApart({ content: [{ type: 'text', text: 'short' }] }, options)).toBeUndefined();
    expect(takeApart({ content: long, isError: true }, options)).toBeUndefined();
    expect(
      takeApart({ content: long, structuredContent: {} }, { ...options, isStructureShown: true }),
    ).toBeUndefined();
    expect(takeApart({ content: [{ type: 'image', data: 'A'.repeat(1e6) }] }, options)).toBeUndefined();
  });

  test.each([
    ['one endless string', JSON.stringify({ a: 'x'.repeat(1e6) })],
    [
      'ten thousand keys',
      JSON.stringify(
        Object.fromEntries(big.slice(0, 10_000).map((row, index) => [`key number ${index}`, row])),
      ),
    ],
    ['one endless line', 'word '.repeat(200_000)],
    ['no spaces', '漢'.repeat(100_000)],
    ['items that are long', JSON.stringify([rows(2000), rows(2000)])],
    ['items of many kinds', JSON.stringify([1, 'a', null, ...rows(3000), [[]]])],
  ])('has a preview in its budget: %s', (_what, text) => {
    expect(
      tokens(takeApart({ content: [{ type: 'text', text }] }, options)?.shortened('H')),
    ).toBeLessThanOrEqual(2500);
  });
});
