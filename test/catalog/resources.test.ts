import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UriMemory } from '../../src/catalog/uris/uri-memory.ts';
import { Elider } from '../../src/json/elide.ts';
import type { Elided } from '../../src/json/elided.ts';
import { Json } from '../../src/json/json.ts';
import { build, entry, listed, resource, template } from './builders.ts';

describe('resource URIs', () => {
  test('stay as they are where only one server claims them', () => {
    const catalog = build([
      entry('a', { resources: [resource('file:///a')] }),
      entry('b', { resources: [resource('file:///b')] }),
    ]);
    expect(listed(catalog, 'resources', 'uri')).toEqual(['file:///a', 'file:///b']);
    expect(catalog.prefixedUris.size).toBe(0);
  });

  test('get a prefix where a server before claims the same', () => {
    const resources = [resource('memo://x'), resource('ui://x/y')];
    const catalog = build([
      entry('a', { resources }),
      entry('key', { namespace: 'b', resources }),
      entry('c', { resources }),
    ]);
    expect(listed(catalog, 'resources', 'uri')).toEqual([
      'memo://x',
      'ui://x/y',
      'switchyard:b:memo://x',
      'ui://b/x/y',
      'switchyard:c:memo://x',
      'ui://c/x/y',
    ]);
    expect(catalog.resources.get('switchyard:b:memo://x')?.targets).toEqual([
      { server: 'key', originalName: 'memo://x' },
    ]);
    expect(catalog.prefixedUris.get('key')?.get('memo://x')).toBe('switchyard:b:memo://x');
    expect(catalog.prefixedUris.has('a')).toBe(false);
  });

  test('nobody loses a URI to the prefixed one of another', () => {
    const catalog = build([
      entry('a', { resources: [resource('ui://x')] }),
      entry('b', { resources: [resource('ui://x')] }),
      entry('c', { resources: [resource('ui://b/x')] }),
    ]);
    expect(catalog.resources.get('ui://b/x')?.targets[0]?.server).toBe('c');
    expect(catalog.resources.get('ui://b/b/x')?.targets).toEqual([{ server: 'b', originalName: 'ui://x' }]);
  });

  test('every claim gets a URI of its own that leads back to it', () => {
    const uris = fc.uniqueArray(
      fc.constantFrom('m:x', 'ui://x', 'ui://b/x', 'switchyard:b:m:x', 'ui://a/b/x'),
    );
    fc.assert(
      fc.property(uris, uris, uris, (...all) => {
        const entries = all.map((some, i) => entry('abc'[i] ?? '', { resources: some.map(resource) }));
        const catalog = build(entries);
        const seen = listed(catalog, 'resources', 'uri') as string[];
        const claims = entries.flatMap(({ server }, i) =>
          (all[i] ?? []).map((originalName) => ({ server, originalName })),
        );
        expect(new Set(seen).size).toBe(claims.length);
        expect(seen.map((uri) => catalog.resources.get(uri)?.targets[0])).toEqual(claims);
      }),
    );
  });
});

describe('resource templates', () => {
  test('route a URI that nobody lists to the first server in config order with one that matches', () => {
    const catalog = build([
      entry('a', { resourceTemplates: [template('db://{table}')] }),
      entry('b', { resourceTemplates: [template('db://{+any}'), template('log://{day}')] }),
    ]);
    expect(catalog.templateFor('db://users')?.targets).toEqual([{ server: 'a', originalName: 'db://users' }]);
    expect(catalog.templateFor('db://users/1')?.targets[0]?.server).toBe('b');
    expect(catalog.templateFor('log://today')?.name).toBe('log://today');
    expect(catalog.templateFor('other://x')).toBeUndefined();
  });

  test('get a prefix where a server before has the same, and it is taken off on the way', () => {
    const resourceTemplates = [template('db://{table}'), template('ui://{page}'), template('{scheme}://x')];
    const catalog = build([entry('a', { resourceTemplates }), entry('b', { resourceTemplates })]);
    expect(listed(catalog, 'resourceTemplates', 'uriTemplate').slice(3)).toEqual([
      'switchyard:b:db://{table}',
      'ui://b/{page}',
      'switchyard:b:{scheme}://x',
    ]);
    expect(catalog.templateFor('switchyard:b:db://t')?.targets).toEqual([
      { server: 'b', originalName: 'db://t' },
    ]);
    expect(catalog.templateFor('ui://b/main')?.targets).toEqual([{ server: 'b', originalName: 'ui://main' }]);
    expect(catalog.templateFor('ui://main')?.targets[0]?.server).toBe('a');
    expect(catalog.resourceTemplates.get('ui://b/{page}')?.targets).toEqual([
      { server: 'b', originalName: 'ui://{page}' },
    ]);
  });
});

describe('the URIs of a result without its long strings', () => {
  test('are those of the whole: prefixed where another server claims them, and remembered', () => {
    const long = `x:${'é'.repeat(1000)}`;
    const catalog = build([entry('a', { resources: [resource(long)] }), entry('b', {})]);
    const contents = [
      { uri: long, blob: 'A'.repeat(3000) },
      { uri: `${long}/b`, text: 'x' },
    ];
    const elider = new Elider();
    elider.add(Buffer.from(JSON.stringify({ contents })));
    const result = Json.elided(elider.take() as Elided);
    const uris = new UriMemory((server) => server);
    const expected = [{ ...contents[0], uri: `switchyard:b:${long}` }, contents[1]];
    expect(uris.seen(result, 'b', catalog).value).toEqual({ contents: expected });
    expect(uris.find(`${long}/b`, catalog)).toEqual({ server: 'b', originalName: `${long}/b` });
  });
});

describe('the URIs of a result', () => {
  test.each([
    ['a link', '{"content":[{"type":"resource_link","uri":"x:1"}]}'],
    ['a link, however it is spelt', '{"content":[{"type":"\\u0072esource_link","uri":"x:1"}]}'],
    ['a resource', '{"content":[{"type":"resource","resource":{"uri":"x:1"}}]}'],
    ['what was read', '{"contents":[{"uri":"x:1"}]}'],
    ['what was read, however it is spelt', '{"content\\u0073":[{"uri":"x:1"}]}'],
  ])('are seen to in %s', (_, text) => {
    const catalog = build([
      entry('a', { resources: [resource('x:1')] }),
      entry('b', { resources: [resource('x:1')] }),
    ]);
    const seen = new UriMemory((server) => server).seen(Json.fromText(text), 'b', catalog);
    expect(seen.text).toContain('"switchyard:b:x:1"');
  });
});

describe('what a hostile server lists and answers costs no more than a moment', () => {
  const uris = new UriMemory((server) => server);

  test('C11 tens of thousands of links under a URI that another server claims', () => {
    const catalog = build([
      entry('a', { resources: [resource('x:1')] }),
      entry('b', { resources: [resource('x:1')] }),
    ]);
    const content = Array.from({ length: 20_000 }, () => ({ type: 'resource_link', uri: 'x:1', name: 'n' }));
    const from = performance.now();
    const seen = uris.seen(Json.of({ content }), 'b', catalog).value as { content: { uri: string }[] };
    expect(performance.now() - from).toBeLessThan(5000);
    expect(new Set(seen.content.map(({ uri }) => uri))).toEqual(new Set(['switchyard:b:x:1']));
  });

  test('C11 templates that take long to tell that they do not match', () => {
    const resourceTemplates = Array.from({ length: 1000 }, (_, i) => template(`${'{a}'.repeat(600)}${i}{b}`));
    const catalog = build([
      entry('a', { resourceTemplates }),
      entry('b', { resourceTemplates: [template('x{+b}')] }),
    ]);
    const from = performance.now();
    expect(catalog.templateFor(`x/${'/'.repeat(8000)}`)?.targets[0]?.server).toBe('b');
    expect(performance.now() - from).toBeLessThan(3000);
  });
});
