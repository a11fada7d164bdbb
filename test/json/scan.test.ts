import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Json } from '../../src/json/json.ts';
import { objectMembers, type Span } from '../../src/json/edit.ts';
import { type MemberOffsets, scanObject } from '../../src/json/scan.ts';
import { objectWith, print } from '../fuzz/json-text.ts';

const DEPTH = 12;

const scan = (text: string, depth = DEPTH): MemberOffsets | undefined =>
  scanObject(text, 0, text.length, depth);

/** Key and value of each member, as texts. */
function membersAt(text: string, places: MemberOffsets): [string, string][] {
  return Array.from({ length: places.length / 4 }, (_, i) => {
    const [key, keyEnd, value, valueEnd] = places.slice(4 * i);
    return [text.slice(key, keyEnd), text.slice(value, valueEnd)];
  });
}

/** What the scanner has to say of a text, by way of the parser, and of the reader that is not strict. */
function isScanned(text: string, depth: number): boolean {
  if (!text.startsWith('{') || !text.endsWith('}') || /[\n\r]/.test(text)) return false;
  try {
    JSON.parse(text);
  } catch {
    return false;
  }
  const members = objectMembers(text, depth);
  return members !== undefined && hasPlainKeys(text, members);
}

/** Whether no key of the object itself is spelt with an escape: between two values stands nothing else that could be. */
function hasPlainKeys(text: string, members: readonly Span[]): boolean {
  return members.every(({ start }, i) => !text.slice(members[i - 1]?.end ?? 0, start).includes('\\'));
}

const asPrinted = objectWith([], []).map((parts) => print(parts).trim());
/** A line break in valid JSON is white space. */
const onOneLine = asPrinted.map((text) => text.replaceAll('\n', ' ').replaceAll('\r', '\t'));
const objects = fc.oneof({ arbitrary: asPrinted, weight: 1 }, { arbitrary: onOneLine, weight: 7 });

describe('reading over an object', () => {
  test('finds every member where it stands, and no other', () => {
    fc.assert(
      fc.property(objects, fc.string(), (text, before) => {
        const places = scanObject(
          before + text + before,
          before.length,
          before.length + text.length,
          Infinity,
        );
        expect(places !== undefined).toBe(isScanned(text, Infinity));
        if (places === undefined) return;
        const found = membersAt(text, places);
        const value = Object.fromEntries(
          found.map(([k, v]): [string, unknown] => [JSON.parse(k) as string, JSON.parse(v)]),
        );
        expect(isDeepStrictEqual(value, { ...(JSON.parse(text) as object) })).toBe(true);
      }),
    );
  });

  test('takes what the parser takes and nothing else, however a text is damaged', () => {
    const piece = fc.constantFrom(
      ...['', '}', '{', '"', ',', ':', '\\', '\\u', '\\u12', '\\x', ' ', '\u0000', '\n', '\u001f', '\u0080'],
      ...['0', '-', '.', 'e', '1.', '01', '+', 'tru', 'true', 'nul', '[', ']', '[[[[[[[[[[[', 'x'.repeat(40)],
    );
    let taken = 0;
    fc.assert(
      fc.property(objects, fc.nat(), fc.nat(3), piece, (text, place, gone, added) => {
        const at = place % (text.length + 1);
        const damaged = text.slice(0, at) + added + text.slice(at + gone);
        const expected = isScanned(damaged, DEPTH);
        if (expected) taken++;
        expect([damaged, scan(damaged) !== undefined]).toEqual([damaged, expected]);
        if (!expected && scan(damaged, Infinity)) expect(() => void JSON.parse(damaged)).not.toThrow();
      }),
      { numRuns: 4000 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  test.each([
    ['{"a":"' + 'x'.repeat(100) + '"}', true],
    ['{"a":"' + 'x'.repeat(100) + '\\n' + 'y'.repeat(100) + '\\u00e9"}', true],
    ['{"a":"' + 'x'.repeat(100) + '\n"}', false],
    ['{"a":"' + 'x'.repeat(100) + '\\q"}', false],
    ['{"a":"' + 'x'.repeat(100), false],
    ['{"a":"' + 'x'.repeat(31) + '\u0001"}', false],
    ['{"a":"' + 'x'.repeat(32) + '\u0001"}', false],
    ['{"a":"' + 'x'.repeat(33) + '\u0001"}', false],
  ])('reads long strings as strictly as short ones: %s', (text, isJson) => {
    expect(scan(text) !== undefined).toBe(isJson);
  });

  test('goes as deep as it may, itself included', () => {
    expect(scan('{"a":[[]]}', 3)).toBeDefined();
    expect(scan('{"a":[[]]}', 2)).toBeUndefined();
    expect(scan('{"a":[{}]}', 3)).toBeDefined();
    expect(scan('{"a":[{}]}', 2)).toBeUndefined();
    expect(scan('{}', 1)).toBeDefined();
    expect(scan('{}', 0)).toBeUndefined();
  });

  test('reads what is nested deeper than a stack may be', () => {
    const deep = (levels: number, end = ''): string =>
      `{"a":${'[{"b":'.repeat(levels)}1${end}${'}]'.repeat(levels)}}`;
    for (const levels of [14, 15, 16, 29, 30, 31, 60, 61, 1_000_000]) {
      expect(scan(deep(levels), Infinity)).toBeDefined();
      expect(scan(deep(levels), 2 * levels + 1)).toBeDefined();
      expect(scan(deep(levels), 2 * levels)).toBeUndefined();
      expect(scan(deep(levels, ']'), Infinity)).toBeUndefined();
    }
  });

  test('leaves an object to others that spells a key of its own with an escape', () => {
    expect(scan('{"\\u0061":1}')).toBeUndefined();
    expect(scan('{"a":{"\\u0061":"\\u0062"}}')).toBeDefined();
  });
});

describe('a JSON value that was read over', () => {
  test('has the members that the parser finds, looked at or not', () => {
    fc.assert(
      fc.property(objects, fc.constantFrom('a', '__proto__', '10', '', 'x/y'), (text, inner) => {
        const places = scan(text, Infinity);
        if (places === undefined) return;
        const keys = [...Object.keys(JSON.parse(text) as object), 'not there', 'toString'];
        for (const key of keys)
          for (const path of [[key], [key, inner], [key, inner, 'a']]) {
            const found = Json.scanned(text, places).at(...path);
            expect(isDeepStrictEqual(found, Json.fromText(text).at(...path))).toBe(true);
          }
        expect(isDeepStrictEqual(Json.scanned(text, places).value, JSON.parse(text))).toBe(true);
      }),
    );
  });

  test('has the last of two members of the same name', () => {
    const text = '{"a":"first","b":1,"a":"last"}';
    expect(Json.scanned(text, scan(text) ?? []).at('a')).toBe('last');
  });
});
