import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { assignNamespaces, isNamespace, namespaceOf } from '../../src/config/namespaces.ts';

describe('namespaces', () => {
  test.each([
    ['github', 'github'],
    ['my server', 'my_server'],
    ['a.b.c', 'a_b_c'],
    ['a__b', 'a_b'],
    ['_private_', 'private'],
    ['Web-Search', 'Web-Search'],
  ])('the key %s gives %s', (key, expected) => expect(namespaceOf(key)).toBe(expected));

  test('a key without a usable character gives a hash of itself', () => {
    expect(namespaceOf('日本')).toMatch(/^server_[0-9a-f]{6}$/);
    expect(namespaceOf('日本')).not.toBe(namespaceOf('中国'));
  });

  test.each(['a__b', 'a_', '', 'a b', 'a.b', '_'])('%j is no namespace', (text) =>
    expect(isNamespace(text)).toBe(false),
  );

  test('every key gives a valid namespace', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (key) => isNamespace(namespaceOf(key))));
  });

  test('different keys get different namespaces, and none depends on what comes later', () => {
    const keys = fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', '_', ' ', '.') }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(keys, (names) => {
        const all = assignNamespaces(names.map((key) => ({ key }))).byKey;
        expect(new Set(all.values()).size).toBe(names.length);
        const fewer = assignNamespaces(names.slice(0, -1).map((key) => ({ key }))).byKey;
        for (const [key, namespace] of fewer) expect(all.get(key)).toBe(namespace);
      }),
    );
  });

  test('the later of two keys that collide gets a hash of its key', () => {
    const { byKey } = assignNamespaces([{ key: 'a b' }, { key: 'a_b' }, { key: 'a__b' }]);
    expect(byKey.get('a b')).toBe('a_b');
    expect(byKey.get('a_b')).toMatch(/^a_b_[0-9a-f]{6}$/);
    expect(byKey.get('a__b')).toMatch(/^a_b_[0-9a-f]{6}$/);
    expect(byKey.get('a__b')).not.toBe(byKey.get('a_b'));
  });

  test('an explicit namespace keeps its name even if an earlier key would give the same', () => {
    const { byKey, conflicts } = assignNamespaces([{ key: 'gh' }, { key: 'github', namespace: 'gh' }]);
    expect(byKey.get('github')).toBe('gh');
    expect(byKey.get('gh')).toMatch(/^gh_[0-9a-f]{6}$/);
    expect(conflicts.size).toBe(0);
  });

  test('an explicit namespace given twice is a conflict with the first owner', () => {
    const claims = [
      { key: 'one', namespace: 'x' },
      { key: 'two', namespace: 'x' },
    ];
    expect([...assignNamespaces(claims).conflicts]).toEqual([['two', 'one']]);
  });
});
