import { describe, expect, test } from 'vitest';
import { diffCatalogs } from '../../src/catalog/catalog.ts';
import { matchesGlob } from '../../src/catalog/names/glob.ts';
import { mergeCapabilities } from '../../src/catalog/merge-capabilities.ts';
import { nearestNames } from '../../src/catalog/names/nearest-names.ts';
import { Json } from '../../src/json/json.ts';
import { build, entry, resource } from './builders.ts';

const merge = (...parts: Record<string, unknown>[]): object => mergeCapabilities(parts, { metaTools: false });

describe('capabilities', () => {
  test('are what any of the downstreams can; lists always announce their changes', () => {
    expect(
      merge(
        { tools: {}, resources: { listChanged: false, subscribe: false }, logging: {} },
        { resources: { subscribe: true }, completions: {}, unheardOf: {} },
      ),
    ).toEqual({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    });
    expect(merge({}, {})).toEqual({});
  });

  test('unite the kinds of requests that may become tasks', () => {
    const sampling = { requests: { sampling: { createMessage: {} } }, list: {} };
    expect(merge({ tasks: { requests: { tools: { call: {} } }, cancel: {} } }, { tasks: sampling })).toEqual({
      tasks: { requests: { tools: { call: {} }, sampling: { createMessage: {} } }, cancel: {}, list: {} },
    });
  });

  test('unite extensions deeply; where two differ the first holds', () => {
    expect(
      merge(
        { extensions: { ui: { mime: ['a'], deep: { x: 1 } } } },
        { extensions: { ui: { mime: ['b'], deep: { x: 2, y: 3 } }, skills: {} } },
      ),
    ).toEqual({ extensions: { ui: { mime: ['a'], deep: { x: 1, y: 3 } }, skills: {} } });
  });

  test('C02 an extension called "__proto__" pollutes nothing', () => {
    const hostile = JSON.parse('{"extensions":{"__proto__":{"polluted":true}}}') as Record<string, unknown>;
    const merged = merge(hostile, hostile) as { extensions: object };
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(merged.extensions)).toEqual(['__proto__']);
  });

  test('have tools wherever the proxy has tools of its own', () => {
    expect(build([], { metaTools: true }).capabilities).toEqual({ tools: { listChanged: true } });
  });
});

describe('instructions', () => {
  const one = entry('memory', { instructions: 'Remember.' });

  test('stand under the name of their server, below a line that names all', () => {
    expect(build([one, entry('b'), entry('c', { instructions: 'Call.' })]).instructions).toBe(
      'Tools of 3 servers: memory, b, c; names are server__tool.\n\n## memory\n\nRemember.\n\n## c\n\nCall.',
    );
  });

  test('stay as they are where one server is all there is', () => {
    const long = 'word '.repeat(1000);
    expect(build([entry('memory', { instructions: long })], { prefix: false }).instructions).toBe(long);
    expect(build([entry('b', { instructions: ' ' })], { prefix: false }).instructions).toBeUndefined();
  });

  test('F1 name the servers of the config before any of them is up', () => {
    const servers = ['github', 'trello', 'memory'];
    expect(build([], { servers }).instructions).toBe(
      'Tools of 3 servers: github, trello, memory; names are server__tool.',
    );
    expect(build([], { servers, prefix: false }).instructions).toBe(
      'Tools of 3 servers: github, trello, memory.',
    );
    expect(build([], { servers: [] }).instructions).toBeUndefined();
  });

  test.each([
    ['a hundred servers', Array.from({ length: 100 }, (_, i) => `server-${i}`)],
    ['names without end', ['x'.repeat(400), 'y'.repeat(400), 'z'.repeat(400), 'short', 'w'.repeat(400)]],
    ['names of several lines', ['a\nb', '# heading\n\n', 'c'.repeat(200)]],
  ])('F1 the first line of %s stays one line below 250 characters', (_, servers) => {
    const [first = ''] = build([], { servers }).instructions?.split('\n') ?? [];
    expect(first.length).toBeLessThan(250);
    expect(first).toContain(`${servers.length} servers`);
    expect(first).toMatch(/^Tools of .*; names are server__tool\.$/);
  });

  const told = (lengths: readonly number[]): string =>
    build(
      lengths.map((length, i) =>
        entry(`s${i}`, { instructions: `begin${i} ${'w '.repeat(length / 2)}end${i}` }),
      ),
    ).instructions ?? '';

  test('F6 the longest is cut first, short ones stay whole, and a line says whose was cut', () => {
    const text = told([100, 5000, 200, 3000]);
    expect(text.length).toBeLessThanOrEqual(2000);
    expect(text.length).toBeGreaterThan(1500);
    for (const whole of ['end0', 'end2', 'begin1', 'begin3']) expect(text).toContain(whole);
    for (const cut of ['end1', 'end3']) expect(text).not.toContain(cut);
    expect(text.split('\n\n')[1]).toBe(
      'Shortened here, since clients show no more: the instructions of s1, s3.',
    );
    const parts = text.split(/^## /m);
    expect(Math.abs((parts[2]?.length ?? 0) - (parts[4]?.length ?? 0))).toBeLessThan(20);
  });

  test.each([1, 2, 19, 60, 500])('F6 those of %i servers that talk without end are bounded', (count) => {
    const text = told(Array.from({ length: count }, () => 4000));
    expect(text.length).toBeLessThanOrEqual(2000);
    expect(text).toContain('Shortened here');
    expect(text).toContain('begin0');
  });

  test('F6 no character is cut in two', () => {
    const text = build([entry('a', { instructions: '😀'.repeat(3000) }), entry('b')]).instructions ?? '';
    expect(text).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
    expect(text.length).toBeLessThanOrEqual(2000);
  });
});

describe('caching hints', () => {
  test('are those of the strictest part', () => {
    const a = entry('a', { ttlMs: 5000, cacheScope: 'public' });
    expect(build([a])).toMatchObject({ ttlMs: 5000, cacheScope: 'public' });
    expect(build([a, entry('b', { ttlMs: 10 })])).toMatchObject({ ttlMs: 10, cacheScope: 'private' });
    const untrusted = { ...a, trusted: false };
    expect(build([untrusted]), 'F10').toMatchObject({ ttlMs: 5000, cacheScope: 'private' });
    expect(build([])).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  });
});

describe('the difference of two catalogs', () => {
  test('names the lists that clients must fetch anew, order included', () => {
    const before = build([entry('a', { tools: ['x', 'y'] })]);
    expect(diffCatalogs(before, build([entry('a', { tools: ['x', 'y'] })]))).toEqual([]);
    expect(diffCatalogs(before, build([entry('a', { tools: ['y', 'x'] })]))).toEqual(['tools']);
    const after = build([
      entry('a', { tools: ['x', 'y'], prompts: [Json.of({ name: 'p' })], resources: [resource('a:b')] }),
    ]);
    expect(diffCatalogs(before, after)).toEqual(['prompts', 'resources']);
  });
});

describe('the nearest names', () => {
  const names = ['github__search_issues', 'github__search_code', 'memory__read_graph', 'search_isues'];

  test('come nearest first', () => {
    expect(nearestNames('github__serch_issues', names, 3)).toEqual(['github__search_issues']);
    expect(nearestNames('search_issues', names, 3)).toEqual(['github__search_issues', 'search_isues']);
    expect(nearestNames('serch_issues', names, 1)).toEqual(['github__search_issues']);
    expect(nearestNames('READ_GRAPH', names, 3)).toEqual(['memory__read_graph']);
    expect(nearestNames('something else', names, 3)).toEqual([]);
    expect(nearestNames('', names, 3)).toEqual([]);
  });

  test('are no more than asked for', () => {
    expect(nearestNames('aaaa', ['aaab', 'aaac', 'aaad'], 2)).toEqual(['aaab', 'aaac']);
  });
});

describe('a glob', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['get_*', 'get_a', true],
    ['get_*', 'forget_a', false],
    ['*_a*b', 'x_a__ab', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['', '', true],
    ['', 'a', false],
    ['a**', 'a', true],
  ])('%s and %j: %s', (glob, name, expected) => {
    expect(matchesGlob(name, glob)).toBe(expected);
  });

  test('a hostile one ends soon', () => {
    expect(matchesGlob('a'.repeat(128), `${'a*'.repeat(2000)}b`)).toBe(false);
  });
});
