import { describe, expect, test } from 'vitest';
import { templateFaults } from '../../src/routing/composed-templates.ts';
import { at, Json } from '../../src/json/json.ts';
import { mergeAnswers } from '../../src/routing/merge-answers.ts';
import { proxyWith, server } from './proxy-in-process.ts';

const TARGETS = [
  {
    tool: 'a__read',
    arguments: { query: '${{ input.q }}', page: '${{ input.page + 1 }}', fixed: 'for ${{ input.q }}' },
  },
  { tool: 'b__read', arguments: { text: '${{ input.q }}' } },
];

function composed(options: object = {}, ofServers: object = {}) {
  return (folder: string): object => ({
    mcpServers: {
      a: { ...server('a', folder), retry: { attempts: 1 }, timeoutMs: 300, ...ofServers },
      b: { ...server('b', folder), retry: { attempts: 1 }, ...ofServers },
    },
    tools: { search: { description: 'Searches', targets: TARGETS, ...options } },
  });
}

const ASKED = { q: 'tea', page: 1 };

describe('a composed tool that asks one after the other', () => {
  test('maps the arguments, and says who answered', async () => {
    const proxy = await proxyWith(composed());
    await proxy.ready('a', 'b');
    const { value } = await proxy.call('search', ASKED);
    expect(at(value, 'got', 'args')).toEqual({ query: 'tea', page: 2, fixed: 'for tea' });
    expect(at(value, '_meta', 'switchyard/answeredBy')).toBe('a__read');
  });

  test.each(['down', 'isError', 'invalid', 'hang'])(
    'goes on to the next where the first is or says: %s',
    async (how) => {
      const proxy = await proxyWith(composed());
      await proxy.ready('a', 'b');
      proxy.fault('a', how);
      if (how === 'down') await proxy.outcome('a__write', { fault: 'crash-before' });
      const { value } = await proxy.call('search', ASKED);
      expect(at(value, '_meta', 'switchyard/answeredBy')).toBe('b__read');
      expect(at(value, 'got', 'args')).toEqual({ text: 'tea' });
    },
  );

  test('does not go on when the first may have changed something', async () => {
    const targets = [{ tool: 'a__write' }, { tool: 'b__write' }];
    const proxy = await proxyWith(composed({ targets }));
    await proxy.ready('a', 'b');
    proxy.fault('a', 'crash');
    expect(await proxy.outcome('search')).toBe('OUTCOME_UNKNOWN');
    expect(proxy.ledger).toEqual(['- write a']);
  });

  test('a template that fails costs its own target only', async () => {
    const proxy = await proxyWith(composed());
    await proxy.ready('a', 'b');
    const { value } = await proxy.call('search', { q: 'tea', page: 'not a number' });
    expect(at(value, '_meta', 'switchyard/answeredBy')).toBe('b__read');
  });

  test('deadlineMs bounds all of it', async () => {
    const proxy = await proxyWith(composed({ deadlineMs: 60 }));
    await proxy.ready('a', 'b');
    proxy.fault('a', 'hang');
    await expect(proxy.call('search', ASKED)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('tells of every target where none gave an answer', async () => {
    const proxy = await proxyWith(composed());
    await proxy.ready('a', 'b');
    for (const name of ['a', 'b']) proxy.fault(name, 'invalid');
    await expect(proxy.call('search', ASKED)).rejects.toThrow(
      /None of the tools behind "search".*a__read.*b__read/,
    );
  });

  test('whose arguments fit no target was sent nowhere, and says so', async () => {
    const targets = [{ tool: 'a__write', arguments: { page: '${{ input.page + 1 }}' } }];
    const proxy = await proxyWith(composed({ targets }));
    await proxy.ready('a', 'b');
    await expect(proxy.call('search', { page: 'two' })).rejects.toMatchObject({ code: -32602 });
    expect(proxy.ledger).toEqual([]);
  });

  test('may stand on another composed tool', async () => {
    const proxy = await proxyWith((folder) => ({
      ...composed()(folder),
      tools: {
        search: { targets: TARGETS },
        outer: { targets: [{ tool: 'search', arguments: { q: 'x', page: 0 } }] },
      },
    }));
    await proxy.ready('a', 'b');
    expect(at((await proxy.call('outer')).value, 'got', 'args', 'query')).toBe('x');
  });
});

describe('a composed tool that merges', () => {
  test('asks all at once and labels a partial answer', async () => {
    const proxy = await proxyWith(composed({ strategy: 'merge', deadlineMs: 500 }, { timeoutMs: 5000 }));
    await proxy.ready('a', 'b');
    expect(at((await proxy.call('search', ASKED)).value, 'structuredContent', 'partial')).toBe(false);
    proxy.fault('a', 'hang');
    expect(at((await proxy.call('search', ASKED)).value, 'structuredContent')).toMatchObject({
      partial: true,
      sources: [
        { tool: 'a__read', error: 'did not answer in time' },
        { tool: 'b__read', count: 1 },
      ],
    });
  });

  const said = (tool: string, structuredContent: unknown): Parameters<typeof mergeAnswers>[0][number] => ({
    tool,
    result: Json.of({ structuredContent }),
    why: undefined,
  });
  const idsOf = (merged: Json): unknown =>
    (at(merged.value, 'structuredContent', 'results') as { id: string }[]).map(({ id }) => id);

  test('orders by score where all have one', () => {
    const one = said('a', {
      hits: [
        { id: 'x', score: 0.2 },
        { id: 'y', score: 0.9 },
      ],
    });
    const two = said('b', [
      { id: 'z', score: 0.5 },
      { id: 'x', score: 0.7 },
    ]);
    expect(idsOf(mergeAnswers([one, two]))).toEqual(['y', 'x', 'z']);
  });

  test('orders by rank otherwise: what both found comes first', () => {
    const one = said('a', [{ id: 'x' }, { id: 'y' }, { id: 'z' }]);
    const two = said('b', [{ id: 'q' }, { id: 'z' }]);
    expect(idsOf(mergeAnswers([one, two]))).toEqual(['z', 'x', 'q', 'y']);
  });

  test('is an error where nobody answered', () => {
    expect(at(mergeAnswers([{ tool: 'a', result: undefined, why: 'is down' }]).value, 'isError')).toBe(true);
  });
});

test('a template that cannot be compiled is told with its place', () => {
  expect(templateFaults({ q: ['${{ inptu.q }}'], r: '${{ input.' })).toMatchObject([
    { path: 'q[0]', message: expect.stringContaining('inptu') as string },
    { path: 'r' },
  ]);
});
