import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { at, EMPTY_OBJECT, isObject, Json, quoted, stringAt } from '../../src/json/json.ts';
import { valueText } from '../fuzz/json-text.ts';

describe('a JSON value', () => {
  test('keeps the text it came in, looked at or not', () => {
    fc.assert(
      fc.property(valueText, (text) => {
        const json = Json.fromText(text);
        expect(isDeepStrictEqual(json.value, JSON.parse(text))).toBe(true);
        expect(json.text).toBe(text);
      }),
    );
  });

  test('is printed when it is our own', () => {
    expect(Json.of({ a: [1] }).text).toBe('{"a":[1]}');
    expect(Json.of(undefined).text).toBe('null');
    expect(EMPTY_OBJECT.text).toBe('{}');
  });

  test('is an object only where it is one', () => {
    expect(Json.fromText('{"a":1}').object).toEqual({ a: 1 });
    for (const text of ['[]', 'null', '1', '"{}"']) expect(Json.fromText(text).object).toBeUndefined();
    expect([{}, [], null, 'x'].map(isObject)).toEqual([true, false, false, false]);
  });
});

describe('C02 looking into a value', () => {
  test('finds its own properties and none that objects have by nature', () => {
    const value: unknown = JSON.parse('{"a":{"b":"x"},"__proto__":{"c":"y"}}');
    expect(at(value, 'a', 'b')).toBe('x');
    expect(stringAt(at(value, '__proto__'), 'c')).toBe('y');
    expect(at(value, 'c')).toBeUndefined();
    for (const key of ['__proto__', 'constructor', 'toString']) expect(at({}, key)).toBeUndefined();
    expect(at(value, 'a', 'b', 'length')).toBeUndefined();
  });

  test('gives strings where strings are asked for', () => {
    expect(stringAt({ a: 1 }, 'a')).toBeUndefined();
    expect(stringAt('text', 'length')).toBeUndefined();
  });
});

describe('a quoted string', () => {
  test('is what the printer makes of it, whatever is in it', () => {
    const strings = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
    const same = fc.property(strings, (text) => {
      expect(quoted(text)).toBe(JSON.stringify(text));
    });
    fc.assert(same);
    for (let code = 0; code < 0x1_00_00; code++) {
      const text = `a${String.fromCharCode(code)}`;
      if (quoted(text) !== JSON.stringify(text))
        expect([code, quoted(text)]).toEqual([code, JSON.stringify(text)]);
    }
  });
});
