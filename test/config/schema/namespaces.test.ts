import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { assignNamespaces, isNamespace, namespaceOf } from '../../../src/config/schema/namespaces.ts';

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

  const shuffledKeys = fc
    .uniqueArray(
      fc.oneof(
        fc.string({ unit: fc.constantFrom('a', 'b', '_', ' ', '.') }),
        fc.constantFrom('my.files', 'my_files', 'my files', 'server', '日本', '中国'),
      ),
      { maxLength: 8 },
    )
    .chain((keys) =>
      fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys, { minLength: keys.length }), fc.subarray(keys)),
    );
  const assigned = (keys: readonly string[]): ReadonlyMap<string, string> =>
    assignNamespaces(keys.map((key) => ({ key }))).byKey;

  test('different keys get different namespaces, the same in every order of the config', () => {
    fc.assert(
      fc.property(shuffledKeys, ([keys, shuffled]) => {
        const namespaces = assigned(keys);
        expect(new Set(namespaces.values()).size).toBe(keys.length);
        expect([...namespaces.values()].every(isNamespace)).toBe(true);
        for (const [key, namespace] of assigned(shuffled)) expect(namespaces.get(key)).toBe(namespace);
      }),
    );
  });

  test('a key that is a namespace as it stands has itself, whoever else is configured', () => {
    fc.assert(
      fc.property(shuffledKeys, ([keys]) => {
        for (const [key, namespace] of assigned(keys))
          if (namespaceOf(key) === key) expect(namespace).toBe(key);
      }),
    );
  });

  test('between keys that have to be altered a namespace never passes when servers are added', () => {
    fc.assert(
      fc.property(shuffledKeys, ([keys, , some]) => {
        const all = new Map([...assigned(keys)].map(([key, namespace]) => [namespace, key]));
        for (const [key, namespace] of assigned(some)) {
          const owner = all.get(namespace);
          if (owner !== undefined && owner !== namespace) expect(owner).toBe(key);
        }
      }),
    );
  });

  test.each([[['my.files', 'my_files']], [['my_files', 'my.files']]])(
    'in the order %j my_files is my_files',
    (keys) => {
      const namespaces = assigned(keys);
      expect(namespaces.get('my_files')).toBe('my_files');
      expect(namespaces.get('my.files')).toMatch(/^my_files_[0-9a-f]{6}$/);
    },
  );

  test('a key that has to be altered and is alone in that keeps its words', () => {
    expect(assigned(['my.files', 'other']).get('my.files')).toBe('my_files');
  });

  test('of two keys that give the same and are not it, both get a hash', () => {
    const namespaces = assigned(['my.files', 'my files']);
    for (const namespace of namespaces.values()) expect(namespace).toMatch(/^my_files_[0-9a-f]{6}$/);
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
