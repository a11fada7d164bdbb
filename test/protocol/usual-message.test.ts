import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Message, readMessage } from '../../src/protocol/message.ts';
import { readUsual } from '../../src/protocol/usual-message.ts';

const DEPTH = 20;

/** What a message comes to, as plain values. */
function plain(message: Message | undefined): unknown {
  if (!message || message.kind === 'invalid') return undefined;
  const json =
    message.kind === 'result' ? message.result : message.kind === 'error' ? message.error : message.params;
  return {
    ...message,
    result: undefined,
    params: undefined,
    error: undefined,
    json: [json.text, json.value],
  };
}

/** A leading blank is not usual, so this takes the thorough way, and must come to the same. */
const thorough = (text: string): unknown => plain(readMessage(` ${text}`, DEPTH));

describe('a message in the usual spelling', () => {
  test.each([
    '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"x":[1,"}"]}}}',
    '{"jsonrpc":"2.0","id":0,"result":{"content":[]}}',
    '{"result":{"content":[{"type":"text","text":",\\"jsonrpc\\":\\"2.0\\",\\"id\\":3}"}]},"jsonrpc":"2.0","id":12}',
    '{"method":"resources/read","params":{"uri":"a"},"jsonrpc":"2.0","id":3}',
  ])('is read at once, to the same as by the thorough way: %s', (text) => {
    expect(plain(readUsual(text, DEPTH))).toEqual(thorough(text));
    expect(readUsual(text, DEPTH)).toBeDefined();
  });

  test.each([
    ['a key that stands twice', '{"jsonrpc":"2.0","id":1,"method":"a","params":{},"params":{"x":1}}'],
    ['another member behind', '{"jsonrpc":"2.0","id":1,"result":{},"extra":{}}'],
    ['a second id behind', '{"jsonrpc":"2.0","id":1,"result":{},"id":{}}'],
    ['two results', '{"result":{},"result":{},"jsonrpc":"2.0","id":1}'],
    ['an id with a leading zero', '{"jsonrpc":"2.0","id":01,"result":{}}'],
    ['no id', '{"jsonrpc":"2.0","id":,"result":{}}'],
    ['no end', '{"jsonrpc":"2.0","id":1,"result":{}'],
    ['something behind its end', '{"jsonrpc":"2.0","id":1,"result":{}}}'],
    ['a method with an escape', '{"jsonrpc":"2.0","id":1,"method":"a\\u0062","params":{}}'],
    ['a line break', '{"jsonrpc":"2.0","id":1,"result":{"a":\n1}}'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":1,"result":[]}'],
    ['garbage for a result', '{"jsonrpc":"2.0","id":1,"result":{"a":}}'],
    ['too deep a result', `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(19)}${']'.repeat(19)}}}`],
  ])('is not supposed where there is %s', (_, text) => {
    expect(readUsual(text, DEPTH)).toBeUndefined();
  });

  test('may be as deep as in any other', () => {
    const text = `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(18)}${']'.repeat(18)}}}`;
    expect(readUsual(text, DEPTH)).toBeDefined();
    expect(thorough(text)).toBeDefined();
  });

  test('is never read otherwise than by the thorough way, however it is damaged', () => {
    const whole = fc.record({
      params: fc.jsonValue().map((value) => JSON.stringify({ name: 'a', _meta: value })),
      id: fc.nat().map(String),
      order: fc.constantFrom(0, 1, 2, 3),
    });
    const texts = whole.map(
      ({ params, id, order }) =>
        [
          `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`,
          `{"method":"tools/call","params":${params},"jsonrpc":"2.0","id":${id}}`,
          `{"jsonrpc":"2.0","id":${id},"result":${params}}`,
          `{"result":${params},"jsonrpc":"2.0","id":${id}}`,
        ].at(order) ?? '',
    );
    const pieces = fc.constantFrom('', '}', '{', '"', ',', '\\', ' ', ',"id":1', ',"params":{}', '0', '[');
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(4), pieces, (text, place, gone, piece) => {
        const at = place % text.length;
        const damaged = text.slice(0, at) + piece + text.slice(at + gone);
        const usual = plain(readUsual(damaged, DEPTH));
        if (usual !== undefined) expect(usual).toEqual(thorough(damaged));
      }),
      { numRuns: 2000 },
    );
  });
});
