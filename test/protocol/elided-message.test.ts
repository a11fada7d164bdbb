import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Elider } from '../../src/json/elide.ts';
import type { Elided } from '../../src/json/elided.ts';
import type { Era } from '../../src/core/call.ts';
import { Json } from '../../src/json/json.ts';
import { textOf } from '../../src/json/message-text.ts';
import { legacyResult, modernResult } from '../../src/server/answers.ts';
import {
  type Message,
  readMessage,
  requestText,
  encodeRequest,
  resultText,
  encodeResult,
} from '../../src/protocol/message.ts';
import { nameOf, paramsForHop, progressTokenOf } from '../../src/protocol/params.ts';
import { member, type Member, print, stringText, valueText } from '../fuzz/json-text.ts';
import { longString, withLongMembers } from '../fuzz/long-messages.ts';

const DEPTH = 100;

/** Leaves a case out that has no string that is long enough. */
function elided(text: string): Elided {
  const elider = new Elider();
  const found = elider.add(Buffer.from(text)) ? elider.take() : undefined;
  fc.pre(found !== undefined);
  return found;
}

function jsonOf(message: Message): Json | undefined {
  if (message.kind === 'invalid') return undefined;
  if (message.kind === 'result') return message.result;
  return message.kind === 'error' ? message.error : message.params;
}

/** What there is to a message. */
function plain(message: Message): unknown {
  const json = jsonOf(message);
  const rest = { ...message, params: undefined, result: undefined, error: undefined };
  return { ...rest, text: json?.text, value: json?.value };
}

function isSame(one: unknown, other: unknown): void {
  // Not by way of a diff: the texts are long.
  expect(JSON.stringify(one) === JSON.stringify(other)).toBe(true);
}

const token = fc.oneof(fc.constantFrom('"t"', '7', '1.0', '{}', '"é"'), longString);
const meta = fc
  .tuple(token, fc.boolean())
  .chain(([text, has]) => withLongMembers(has ? [member('progressToken', text)] : []))
  .map(print);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('"seen"', '"s\\u0065en"', '"séen"', '7') },
  longString,
);
const params = fc
  .record({ name, meta: fc.option(meta), more: fc.constantFrom('requestState', 'inputResponses', 'x') })
  .chain(({ name: text, meta: inner, more }) =>
    withLongMembers([
      member('name', text),
      ...(inner === null ? [] : [member('_meta', inner)]),
      member(more, text),
    ]),
  )
  .map(print);
const result = fc
  .tuple(fc.constantFrom('"complete"', '"input_required"', '1'), valueText, longString, fc.boolean())
  .chain(([type, structured, text, typed]) =>
    withLongMembers([
      ...(typed ? [member('resultType', type)] : []),
      member('structuredContent', structured),
      member('content', `[{"type":"text","text":${text}}]`),
      member('isError', 'true'),
    ]),
  )
  .map(print);

describe('a long message', () => {
  test('is read, without its long strings, as what it is with them', () => {
    const odd: fc.Arbitrary<Member[]> = fc
      .tuple(
        fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom('1', '"é"', '1.0', 'null') },
          stringText,
          longString,
        ),
        fc.oneof({ weight: 3, arbitrary: fc.constantFrom('"tools/call"', '"\\u0061é"', '7') }, longString),
        fc.oneof(params, result),
        fc.subarray(['id', 'method', 'params', 'result', 'error', 'params']),
      )
      .map(([id, method, body, keys]) => [
        member('jsonrpc', '"2.0"'),
        ...keys.map((key) => member(key, key === 'id' ? id : key === 'method' ? method : body)),
      ]);
    const messages = odd.chain(withLongMembers).map(print);
    fc.assert(
      fc.property(messages, (text) => {
        isSame(plain(readMessage(elided(text), DEPTH)), plain(readMessage(text, DEPTH)));
      }),
      { numRuns: 500 },
    );
  });

  test('in the usual spelling is read so as well', () => {
    fc.assert(
      fc.property(params, (body) => {
        for (const text of [
          `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${body}}`,
          `{"method":"tools/call","params":${body},"jsonrpc":"2.0","id":7}`,
          `{"jsonrpc":"2.0","method":"notifications/x","params":${body}}`,
          `{"result":${body},"jsonrpc":"2.0","id":7}`,
        ]) {
          isSame(plain(readMessage(elided(text), DEPTH)), plain(readMessage(text, DEPTH)));
        }
      }),
    );
  });

  test('goes on as its text would', () => {
    fc.assert(
      fc.property(params, result, (one, other) => {
        isSame(
          textOf(encodeRequest(7, 'tools/call', jsonFrom(one))),
          requestText(7, 'tools/call', Json.fromText(one)),
        );
        isSame(textOf(encodeResult('"é"', jsonFrom(other))), resultText('"é"', Json.fromText(other)));
      }),
    );
  });
});

/** As a message brings it. */
function jsonFrom(text: string): Json {
  return Json.elided(elided(text));
}

describe('what is asked of it', () => {
  test('is answered as the whole value and the whole text would', () => {
    const paths = [
      ['name'],
      ['long'],
      ['_meta', 'progressToken'],
      ['_meta', 'long'],
      ['_meta'],
      ['no', 'such'],
    ];
    fc.assert(
      fc.property(params, (text) => {
        const whole = Json.fromText(text);
        for (const path of paths) {
          isSame(jsonFrom(text).at(...path), whole.at(...path));
          isSame(jsonFrom(text).textAt(...path), whole.textAt(...path));
        }
        isSame(jsonFrom(text).stringAt('long'), whole.stringAt('long'));
        isSame(nameOf('tools/call', jsonFrom(text)), nameOf('tools/call', whole));
        isSame(progressTokenOf(jsonFrom(text)), progressTokenOf(whole));
        expect(jsonFrom(text).bytes.equals(whole.bytes)).toBe(true);
      }),
    );
  });

  test('does not mistake a short string for a long one', () => {
    const odd = ['"\\udc000"', '"𐀀0"', '"\\ud800\\udc000"'];
    for (const text of odd) {
      const whole = `{"a":${text},${text}:1,"long":"${'é'.repeat(1000)}"}`;
      expect(jsonFrom(whole).at('a')).toBe(JSON.parse(text));
      expect(jsonFrom(whole).text).toBe(whole);
      const edited = jsonFrom(whole).edit((before) => before.replace('{', `{"b":${text},`));
      expect(edited.text).toBe(whole.replace('{', `{"b":${text},`));
    }
  });
});

describe('what is changed in it', () => {
  const eras = fc.constantFrom<Era>('legacy', 'modern');

  test('on its way to a server is what would be changed in the text', () => {
    const loopDetection = fc.record({
      name: fc.constantFrom('seen', 'tüül', 'x'.repeat(2000)),
      era: eras,
      clientEra: eras,
      progressToken: fc.option(fc.constant(7), { nil: undefined }),
      idempotencyKey: fc.option(fc.constant('schlüssel'), { nil: undefined }),
    });
    fc.assert(
      fc.property(params, loopDetection, (text, { clientEra, ...rest }) => {
        const client = {
          id: 'c',
          view: 'c',
          era: clientEra,
          protocolVersion: '2025-11-25',
          info: { name: 'größer' },
          capabilities: {},
          logLevel: undefined,
        };
        const hop = { method: 'tools/call', client, ...rest };
        isSame(paramsForHop(jsonFrom(text), hop).text, paramsForHop(Json.fromText(text), hop).text);
      }),
      { numRuns: 500 },
    );
  });

  test('on its way to a client is what would be changed in the text', () => {
    fc.assert(
      fc.property(result, (text) => {
        isSame(legacyResult(jsonFrom(text)).text, legacyResult(Json.fromText(text)).text);
        for (const method of ['tools/call', 'resources/read'])
          isSame(modernResult(method, jsonFrom(text)).text, modernResult(method, Json.fromText(text)).text);
      }),
    );
  });

  test.each(['5', '[{"a":1}]', '"a{b"', 'null', ' [{}]'])(
    'that is no object stays what it is: %s',
    (text) => {
      expect(modernResult('tools/call', Json.fromText(text)).text).toBe(text);
    },
  );

  test.each([
    ['{}', '{"resultType":"complete"}'],
    [' { } ', '{"resultType":"complete" } '],
    ['{"a":1}', '{"resultType":"complete","a":1}'],
  ])('that is the object %s gets the type that it must have', (text, typed) => {
    expect(modernResult('tools/call', Json.fromText(text)).text).toBe(typed);
  });
});
