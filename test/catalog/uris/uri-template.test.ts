import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseUriTemplate } from '../../../src/catalog/uris/uri-template.ts';

const matches = (template: string, uri: string): boolean | undefined =>
  parseUriTemplate(template)?.matches(uri);

describe('a URI template', () => {
  test.each([
    ['a://b', 'a://b'],
    ['test://template/{id}/data', 'test://template/123/data'],
    ['a://{x}', 'a://b%2Fc:d'],
    ['a://{x}{y}', 'a://bc'],
    ['a://{x,y}', 'a://1,2'],
    ['a://{x:3}', 'a://abc'],
    ['file:///{+path}', 'file:///a/b/c.txt'],
    ['file:///{path*}', 'file:///a/b/c.txt'],
    ['a://x{#section}', 'a://x#top'],
    ['a://x{#section}', 'a://x'],
    ['a://x{/y,z}', 'a://x/1/2'],
    ['a://x{/y,z}', 'a://x/1'],
    ['a://x{/y*}/end', 'a://x/1/2/3/end'],
    ['a://x{.ext}', 'a://x.tar'],
    ['a://x{?q,page}', 'a://x'],
    ['a://x{?q,page}', 'a://x?page=2&q=a%20b'],
    ['a://x{?q*}', 'a://x?anything=1'],
    ['a://x?fixed=1{&q}', 'a://x?fixed=1&q=2'],
    ['a://{x}/{+rest}/c', 'a://1/c/c/c'],
    ['日本://{x}', '日本://語'],
  ])('%s matches %s', (template, uri) => {
    expect(matches(template, uri)).toBe(true);
  });

  test.each([
    ['a://b', 'a://bc'],
    ['a://{x}', 'a://'],
    ['a://{x}', 'a://b/c'],
    ['a://{x}', 'a://b?c=d'],
    ['a://x{/y,z}', 'a://x/1/2/3'],
    ['a://x{?q}', 'a://x?other=1'],
    ['a://x{?q}', 'a://x/q'],
    ['a://{x}/end', 'a://1/end/'],
    ['aXb', 'a.b'],
    ['a.b', 'aXb'],
  ])('%s does not match %s', (template, uri) => {
    expect(matches(template, uri)).toBe(false);
  });

  test.each([
    'a://{',
    'a://}',
    'a://{}',
    'a://{x',
    'a://{=x}',
    'a://{x y}',
    'a://{x,}',
    `a://${'{x}'.repeat(1000)}`,
  ])('%s is none', (template) => {
    expect(parseUriTemplate(template)).toBeUndefined();
  });

  test('matches what it expands to', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9_.~-]{1,8}$/);
    fc.assert(
      fc.property(value, value, value, (x, y, z) => {
        expect(matches('s://{x}/m/{+y}{?z}', `s://${x}/m/${y}/${y}?z=${z}`)).toBe(true);
      }),
    );
  });

  test('a hostile template takes no longer than its length times that of the URI', () => {
    const hostile = `a${'{+x}a'.repeat(400)}b`;
    expect(matches(hostile, 'a'.repeat(8000))).toBe(false);
    expect(matches('{+x}', 'a'.repeat(100_000))).toBe(false);
  });
});
