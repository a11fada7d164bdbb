import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  editAt,
  editElements,
  editFirst,
  editObject,
  elementsOf,
  elementTexts,
  objectMembers,
  memberText,
  type JsonPath,
  textAt,
} from '../../src/json/edit.ts';
import { keyText, nested, objectWith, print, printArray, space, valueText } from '../fuzz/json-text.ts';

const anyObject = fc
  .tuple(objectWith([]), space, space)
  .map(([parts, before, after]) => before + print(parts) + after);
const anyArray = fc
  .tuple(fc.array(valueText), fc.array(space, { minLength: 1 }))
  .map(([all, between]) => printArray(all, between));

describe('editElements', () => {
  test('replaces what it is told to, and leaves the rest to the letter', () => {
    fc.assert(
      fc.property(anyArray, fc.array(fc.nat(5)), (text, indexes) => {
        const edits = new Map(indexes.map((index) => [index, () => '"new"']));
        const edited = editElements(text, edits);
        const expected = (parse(text) as unknown[]).map((one, i) => (edits.has(i) ? 'new' : one));
        expect(isDeepStrictEqual(parse(edited), expected)).toBe(true);
        expect(editElements(text, new Map(indexes.map((index) => [index, (found) => found])))).toBe(text);
      }),
    );
  });
});

describe('editFirst', () => {
  test.each([
    ['{"name":"a","b":1}', '{"name":"new","b":1}'],
    ['{"name":"a"}', '{"name":"new"}'],
    ['{"name":"a","name":"a"}', '{"name":"new"}'],
    ['{"name":"a","n\\u0061me":"a"}', '{"name":"new"}'],
    ['{"b":{"name":"x"},"name":"a"}', '{"b":{"name":"x"},"name":"new"}'],
    ['{"name":"a","b":{"name":"a"}}', '{"name":"new","b":{"name":"a"}}'],
    ['{ "name": "a" }', '{ "name": "new"}'],
    ['{"name":"ab"}', '{"name":"new"}'],
  ])('of %s makes %s', (text, edited) => {
    expect(editFirst(text, 'name', '"a"', '"new"')).toBe(edited);
  });

  test('does what editObject does', () => {
    fc.assert(
      fc.property(objectWith([]), space, (parts, between) => {
        const rest = print(parts).trim().slice(1);
        const text = `{"a":1${rest.trim() === '}' ? '' : ','}${between}${rest}`;
        expect(parse(editFirst(text, 'a', '1', '2'))).toEqual(parse(editObject(text, { a: '2' })));
      }),
    );
  });
});

describe('membersOf', () => {
  test('finds the members that JSON.parse finds, the last one of a doubled key', () => {
    fc.assert(
      fc.property(anyObject, (text) => {
        const found = (objectMembers(text) ?? []).map(
          ({ key, start, end }) => [key, parse(text.slice(start, end))] as const,
        );
        expect(isDeepStrictEqual(Object.fromEntries(found), parse(text))).toBe(true);
      }),
    );
  });

  test('gives each value without the white space around it', () => {
    fc.assert(
      fc.property(objectWith([]), (parts) => {
        const text = print(parts);
        expect((objectMembers(text) ?? []).map(({ start, end }) => text.slice(start, end))).toEqual(
          parts.members.map(({ value }) => value),
        );
      }),
    );
  });

  test('finds nothing in what is no object', () => {
    fc.assert(
      fc.property(fc.oneof(anyArray, fc.constantFrom('1', '"{}"', 'null', '')), (text) => {
        expect(objectMembers(text)).toBeUndefined();
      }),
    );
  });

  test('C01 says no to what is deeper than allowed, and only to that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (levels, allowed) => {
        const text = `{"x":${nested(levels - 1)}}`;
        expect(objectMembers(text, allowed) !== undefined).toBe(levels <= allowed);
      }),
    );
  });

  test('C01 does not run out of stack at a depth of a million', () => {
    const text = `{"x":${nested(1_000_000)}}`;
    expect(objectMembers(text, 256)).toBeUndefined();
    expect(objectMembers(text)).toHaveLength(1);
  });

  test('comes to an end on text that is no JSON', () => {
    const garbage = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', 'a', '1', ' ', '{"a":'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          garbage.map((all) => all.join('')),
          fc.string(),
        ),
        (text) => {
          for (const span of [...(objectMembers(text) ?? []), ...(elementsOf(text) ?? [])]) {
            expect(span.start).toBeLessThanOrEqual(span.end);
            expect(span.end).toBeLessThanOrEqual(text.length);
          }
        },
      ),
    );
  });

  test('takes no longer than the text is long', () => {
    const hostile = [
      `{"a":"${'\\\\'.repeat(2_000_000)}"}`,
      `{"a":"${'\\"'.repeat(2_000_000)}"}`,
      '{"a":"'.repeat(500_000),
    ];
    const from = performance.now();
    for (const text of hostile) objectMembers(text);
    expect(performance.now() - from).toBeLessThan(2000);
  });
});

describe('elementsOf', () => {
  test('finds the elements that JSON.parse finds, as they are spelt', () => {
    fc.assert(
      fc.property(fc.array(valueText), fc.array(space, { minLength: 1 }), (elements, between) => {
        expect(elementTexts(printArray(elements, between))).toEqual(elements);
      }),
    );
  });

  test('finds nothing in what is no array', () => {
    expect(elementsOf('{"a":[1]}')).toBeUndefined();
    expect(elementTexts('1')).toEqual([]);
  });
});

describe('memberText', () => {
  test('takes the last one of a doubled key, as JSON.parse does', () => {
    expect(memberText('{"a":1,"b":2,"\\u0061":1.0}', 'a')).toBe('1.0');
  });

  test('C02 finds no members that objects have by nature', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) expect(memberText('{}', key)).toBeUndefined();
    expect(memberText('{"__proto__":{"a":1}}', '__proto__')).toBe('{"a":1}');
  });
});

describe('editObject', () => {
  const edits = fc.dictionary(
    fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('__proto__', 'a', '1', 'constructor')),
    fc.option(valueText, { nil: undefined }),
    { noNullPrototype: true },
  );

  test('does to the text what assigning and deleting do to the value', () => {
    fc.assert(
      fc.property(anyObject, edits, (text, wanted) => {
        const expected = new Map(Object.entries(parse(text) as object));
        for (const [key, value] of Object.entries(wanted))
          if (value === undefined) expected.delete(key);
          else expected.set(key, parse(value));
        const edited = editObject(text, wanted);
        expect(isDeepStrictEqual(parse(edited), Object.fromEntries(expected))).toBe(true);
      }),
    );
  });

  test('leaves every other member as it is spelt, in its order', () => {
    fc.assert(
      fc.property(objectWith([]), edits, (parts, wanted) => {
        const edited = editObject(print(parts), wanted);
        const untouched = ({ key }: { key: string }): boolean => !Object.hasOwn(wanted, key);
        const left = (objectMembers(edited) ?? [])
          .filter(untouched)
          .map(({ start, end }) => edited.slice(start, end));
        const before = parts.members.filter(({ key }) => untouched({ key: parse(key) as string }));
        expect(left).toEqual(before.map(({ value }) => value));
      }),
    );
  });

  test('puts a new value where the old one stood', () => {
    expect(editObject('{ "b" : 1 , "\\u0061" : 2 , "c":3}', { a: '[]' })).toBe(
      '{ "b" : 1, "\\u0061" : [], "c":3}',
    );
  });

  test('replaces a doubled key once', () => {
    expect(editObject('{"a":1,"b":2,"a":3}', { a: '9' })).toBe('{"a":9,"b":2}');
  });

  test('fills and empties an object', () => {
    expect(editObject(' { } ', { a: '1', b: undefined })).toBe('{"a":1}');
    expect(editObject('{"a":1 , "b":2}', { a: undefined, b: undefined })).toBe('{}');
  });
});

describe('editAt', () => {
  test('changes the one value and no other character', () => {
    fc.assert(
      fc.property(path(), valueText, valueText, ([steps, around], before, after) => {
        const edited = editAt(around(before), steps, (found) => {
          expect(found).toBe(before);
          return after;
        });
        expect(edited).toBe(around(after));
      }),
    );
  });

  test('changes nothing where the path leads nowhere', () => {
    const text = '{"a":[1,{"b":2}],"__proto__":null}';
    for (const steps of [['x'], ['a', 2], ['a', 'b'], ['a', 1, 'c'], ['a', 0, 'b'], ['constructor'], [0]])
      expect(editAt(text, steps, () => '"changed"')).toBe(text);
  });

  test('changes the one of a doubled key that counts', () => {
    expect(editAt('{"a":1,"a":{"b":2}}', ['a', 'b'], () => '3')).toBe('{"a":1,"a":{"b":3}}');
  });

  test('is what textAt finds', () => {
    fc.assert(
      fc.property(path(), valueText, ([steps, around], value) => {
        expect(textAt(around(value), steps)).toBe(value);
      }),
    );
    for (const steps of [['x'], ['a', 1], ['a', 'b'], ['toString']])
      expect(textAt('{"a":[1],"b":"c"}', steps)).toBeUndefined();
  });

  /** A path, and the text that has a given value at its end. */
  function path(): fc.Arbitrary<[JsonPath, (inner: string) => string]> {
    const inObject = fc.tuple(keyText, objectWith([])).map(([key, { members, spaces }]) => {
      const step = parse(key) as string;
      const others = members.filter((one) => parse(one.key) !== step);
      return [
        step,
        (inner: string) => print({ members: [...others, { key, value: inner }], spaces }),
      ] as const;
    });
    const inArray = fc
      .tuple(fc.array(valueText, { maxLength: 3 }), fc.array(space, { minLength: 1 }))
      .map(
        ([before, between]) =>
          [before.length, (inner: string) => printArray([...before, inner, '0'], between)] as const,
      );
    return fc
      .array(fc.oneof(inObject, inArray), { maxLength: 4 })
      .map((levels) => [
        levels.map(([step]) => step),
        (inner) => levels.reduceRight((text, [, around]) => around(text), inner),
      ]);
  }
});

function parse(text: string): unknown {
  return JSON.parse(text);
}
