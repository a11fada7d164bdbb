import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INVALID_REQUEST, PARSE_ERROR } from '../../src/core/errors.ts';
import { Json } from '../../src/json/json.ts';
import {
  batchTexts,
  encodeErrorText,
  notificationText,
  readMessage,
  requestText,
  resultText,
} from '../../src/protocol/message.ts';
import { member, minify, nested, objectWith, print, stringText, valueText } from '../fuzz/json-text.ts';

const DEPTH = 256;
const NAMES = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const idText = fc.oneof(stringText, fc.constantFrom('0', '-1', '7', '1.0', '12345678901234567890', '1e400'));
const objectText = objectWith([]).map(print);

describe('readMessage', () => {
  test('K02 never throws, whatever comes', () => {
    const scraps = fc.array(
      fc.oneof(
        fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '"id":', '"method":"x"', '"jsonrpc":"2.0"'),
        valueText,
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes)),
          scraps.map((all) => all.join('')),
          valueText,
        ),
        (text) => {
          readMessage(text, DEPTH);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('K02 takes any mixture of the known keys for a message or refuses it with a reason', () => {
    const part = fc.record({
      key: fc.constantFrom(...NAMES).map((name) => `"${name}"`),
      value: fc.oneof(valueText, fc.constant('"2.0"')),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (members) => {
        const message = readMessage(print({ members, spaces: [''] }), DEPTH);
        const kinds = members.map(({ key }) => key);
        if (message.kind !== 'invalid') expect(new Set(kinds).size).toBe(kinds.length);
        else expect(message.reason).not.toBe('');
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps id and params to the letter, whatever stands around them', () => {
    fc.assert(
      fc.property(
        messageWith({ id: idText, params: objectText, method: stringText }),
        ([text, { id, params, method }]) => {
          const message = readMessage(text, DEPTH);
          if (message.kind !== 'request') throw new Error(message.kind);
          expect([message.id, minify(message.params.text)]).toEqual([id, minify(params)]);
          expect(message.method).toBe(JSON.parse(method));
        },
      ),
    );
  });

  test('keeps results and errors to the letter', () => {
    fc.assert(
      fc.property(messageWith({ id: idText, result: valueText }), ([text, { id, result }]) => {
        const message = readMessage(text, DEPTH);
        if (message.kind !== 'result') throw new Error(message.kind);
        expect([message.id, minify(message.result.text)]).toEqual([id, minify(result)]);
      }),
    );
    fc.assert(
      fc.property(messageWith({ id: idText, error: objectText }), ([text, { id, error }]) => {
        const message = readMessage(text, DEPTH);
        if (message.kind !== 'error') throw new Error(message.kind);
        expect([message.id, minify(message.error.text)]).toEqual([id, minify(error)]);
      }),
    );
  });

  test('writes what it reads back', () => {
    fc.assert(
      fc.property(idText, objectText, (id, object) => {
        const params = Json.fromText(object);
        expect(readMessage(requestText(id, 'a/"b"', params), DEPTH)).toMatchObject({
          kind: 'request',
          id,
          method: 'a/"b"',
        });
        expect(readMessage(notificationText('n', params), DEPTH)).toMatchObject({
          kind: 'notification',
          method: 'n',
        });
        expect(readMessage(resultText(id, params), DEPTH)).toMatchObject({ kind: 'result', id });
        expect(readMessage(encodeErrorText(id, params), DEPTH)).toMatchObject({ kind: 'error', id });
      }),
    );
  });

  test.each(NAMES)('D03 refuses "%s" twice, in any spelling', (name) => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"ping","${escaped(name)}":1,"${name}":2}`;
    expect(readMessage(text, DEPTH)).toMatchObject({ kind: 'invalid', code: INVALID_REQUEST });
  });

  test('D03 tells whose answer it is that cannot be used', () => {
    const answers = {
      both: '{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}',
      'no version': '{"id":7,"result":{}}',
      'wrong version': '{"jsonrpc":"1.0","id":7,"result":{}}',
      'result twice': '{"jsonrpc":"2.0","id":7,"result":1,"result":2}',
      'error is no object': '{"jsonrpc":"2.0","id":7,"error":"bad"}',
      'cut short': '{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"te',
      garbled: '{"jsonrpc":"2.0","id":7,"result":{"a":nil}}',
      'too deep': `{"jsonrpc":"2.0","id":7,"result":${nested(300)}}`,
    };
    for (const [what, text] of Object.entries(answers))
      expect(readMessage(text, DEPTH), what).toMatchObject({
        kind: 'invalid',
        id: '7',
        answer: true,
        hasMethod: false,
      });
  });

  test('does not guess an id where two stand, or where the text has a method', () => {
    for (const text of [
      '{"jsonrpc":"2.0","id":7,"id":8,"result":{}}',
      '{"jsonrpc":"2.0","id":7,"id":8,"result":{',
      '{"jsonrpc":"2.0","id":7,"method":"x","result":{',
      `{"jsonrpc":"2.0","id":7,"id":8,"result":${nested(300)}}`,
    ])
      expect(readMessage(text, DEPTH)).toMatchObject({ kind: 'invalid', id: undefined });
  });

  test('C01 refuses what nests deeper than allowed, a million levels too', () => {
    const around = (levels: number): string =>
      `{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":${nested(levels - 2)}}}`;
    expect(readMessage(around(DEPTH), DEPTH).kind).toBe('request');
    for (const levels of [DEPTH + 1, 10_000, 1_000_000])
      expect(readMessage(around(levels), DEPTH)).toMatchObject({
        kind: 'invalid',
        tooLarge: true,
        id: '7',
        hasMethod: true,
      });
    expect(readMessage('['.repeat(100_000), DEPTH)).toMatchObject({ kind: 'invalid', code: PARSE_ERROR });
  });

  test('refuses more values than allowed, and counts what JSON.parse would make', () => {
    const small = fc.json({ maxDepth: 3 });
    fc.assert(
      fc.property(small, (params) => {
        const text = `{"jsonrpc":"2.0","id":7,"result":{"a":${params}}}`;
        const count = valuesIn(JSON.parse(text));
        expect(readMessage(text, DEPTH, count).kind).toBe('result');
        expect(readMessage(text, DEPTH, count - 1)).toMatchObject({
          kind: 'invalid',
          id: '7',
          tooLarge: true,
          answer: true,
        });
      }),
    );
  });

  test('puts what came on several lines on one', () => {
    const message = readMessage('{"jsonrpc":"2.0",\r\n"method":"x",\n"params":{\r"a":\n\n1}}', DEPTH);
    expect(message).toMatchObject({ kind: 'notification', method: 'x' });
    expect(message.kind === 'notification' && message.params.text).toBe('{ "a": 1}');
  });

  test('does not take a line break within a string for JSON', () => {
    expect(readMessage('{"jsonrpc":"2.0","method":"x","params":{"a":"1\n2"}}', DEPTH)).toMatchObject({
      code: PARSE_ERROR,
    });
  });

  test.each([
    ['"id":1,"result":{"a":1},"error":null', 'result'],
    ['"id":1,"result":null,"error":{"code":1,"message":"m"}', 'error'],
    ['"id":1,"result":null,"error":null', 'result'],
    ['"id":1,"result":null', 'result'],
    ['"id":1,"error":null', 'invalid'],
    ['"id":1,"method":"ping","params":null,"result":null,"error":null', 'request'],
    ['"method":"notifications/initialized","params":null', 'notification'],
  ])('takes null for nothing in {%s}: it is of kind "%s"', (members, kind) => {
    expect(readMessage(`{"jsonrpc":"2.0",${members}}`, DEPTH).kind).toBe(kind);
  });

  test.each(['', ' ', 'null', '7', '"text"', '[]', '[{}]', '\ufeff{}', '{}x'])('refuses %j', (text) => {
    expect(readMessage(text, DEPTH).kind).toBe('invalid');
  });
});

describe('batchTexts', () => {
  test('gives the messages of a batch as they are spelt', () => {
    expect(batchTexts(' [ {"id":1.0} ,[2], 3]')).toEqual(['{"id":1.0}', '[2]', '3']);
  });

  test('gives nothing for anything else, or for a batch without measure', () => {
    for (const text of ['{}', '[]', '[1', '[1,]', 'x', '', `[${'1,'.repeat(1000)}1]`])
      expect(batchTexts(text)).toBeUndefined();
  });

  test('C11 does not go through millions of elements to say so', () => {
    const from = performance.now();
    expect(batchTexts(`[{},${'0,'.repeat(10_000_000)}0]`)).toBeUndefined();
    expect(performance.now() - from).toBeLessThan(2000);
  });
});

function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + valuesIn(inner), 1);
}

/** A message with these members, in any order, among others. */
function messageWith<T extends Record<string, string>>(parts: {
  readonly [K in keyof T]: fc.Arbitrary<T[K]>;
}): fc.Arbitrary<[string, T]> {
  return fc.record(parts).chain((chosen) => {
    const known = Object.entries<string>({ jsonrpc: '"2.0"', ...chosen }).map(([key, text]) =>
      member(key, text),
    );
    return objectWith(known, NAMES).map((object) => [print(object), chosen as T] as [string, T]);
  });
}

function escaped(name: string): string {
  return `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
}
