import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Client, Era } from '../../src/core/call.ts';
import { Json } from '../../src/json/json.ts';
import { scanObject } from '../../src/json/scan.ts';
import { cancelledId, nameOf, paramsForHop, progressTokenOf } from '../../src/protocol/params.ts';
import { member, minify, objectWith, print, stringText } from '../fuzz/json-text.ts';

const ENVELOPE =
  '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"sampling":{}}';

/** As it is in a message that came in. */
function asRead(text: string): Json {
  const places = scanObject(text, 0, text.length, Infinity);
  return places ? Json.scanned(text, places) : Json.fromText(text);
}

describe('paramsForHop', () => {
  test('leaves params alone that need no change', () => {
    fc.assert(
      fc.property(objectWith([member('name', '"t"')], ['_meta']).map(print), (text) => {
        for (const params of [asRead(text), Json.fromText(text)])
          expect(hop(params, 'legacy', 'legacy')).toBe(params);
      }),
    );
  });

  test('changes the name and nothing else', () => {
    fc.assert(
      fc.property(objectWith([member('name', '"seen"')], ['_meta']), (parts) => {
        const renamed = parts.members.map(({ key, value }) => ({
          key,
          value: key === '"name"' ? '"t"' : value,
        }));
        const expected = print({ ...parts, members: renamed });
        for (const params of [asRead(print(parts)), Json.fromText(print(parts))])
          expect(minify(hop(params, 'legacy', 'legacy').text)).toBe(minify(expected));
      }),
    );
  });

  test('gives the receiver our own progress token, or none', () => {
    const params = Json.fromText('{"name":"t","_meta":{"a":1.0,"progressToken":"theirs","b":2}}');
    expect(hop(params, 'legacy', 'legacy', 7).text).toBe(
      '{"name":"t","_meta":{"a":1.0,"progressToken":7,"b":2}}',
    );
    expect(hop(params, 'legacy', 'legacy').text).toBe('{"name":"t","_meta":{"a":1.0,"b":2}}');
    const alone = Json.fromText('{"name":"t","_meta":{"progressToken":"theirs"}}');
    expect(hop(alone, 'legacy', 'legacy').text).toBe('{"name":"t"}');
  });

  test.each([
    ['{"name":"t"}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1"}}'],
    [
      '{"name":"seen","arguments":{"x":"}"}}',
      '{"name":"t","arguments":{"x":"}"},"_meta":{"switchyard/idempotencyKey":"k1"}}',
    ],
    ['{}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1"}}'],
    [
      '{"_meta": {}, "name":"t", "x": 9007199254740993}',
      '{"_meta": {"switchyard/idempotencyKey":"k1"}, "name":"t", "x": 9007199254740993}',
    ],
    ['{"name":"t","_meta":{ }}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1"}}'],
    ['{"name":"t","_meta":{"a":"}"}}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1","a":"}"}}'],
    [
      '{"name":"t","arguments":{"_meta":{}},"_meta": {}}',
      '{"name":"t","arguments":{"_meta":{}},"_meta": {"switchyard/idempotencyKey":"k1"}}',
    ],
  ])('puts the idempotency key into the _meta of %s, and changes nothing else', (text, wanted) => {
    const made = paramsForHop(asRead(text), { ...toTool('legacy', 'legacy'), idempotencyKey: 'k1' });
    expect(minify(made.text)).toBe(minify(wanted));
    const other = paramsForHop(Json.fromText(text), { ...toTool('legacy', 'legacy'), idempotencyKey: 'k1' });
    expect(JSON.parse(other.text)).toEqual(JSON.parse(wanted));
  });

  test('puts the idempotency key in the place of something under its name that is none', () => {
    const text = '{"name":"t","_meta":{"switchyard/idempotencyKey":5,"a":1}}';
    for (const params of [asRead(text), Json.fromText(text)]) {
      const made = paramsForHop(params, { ...toTool('legacy', 'legacy'), idempotencyKey: 'k1' });
      expect(made.text).toBe('{"name":"t","_meta":{"switchyard/idempotencyKey":"k1","a":1}}');
    }
  });

  test.each(['{"name":"a","name":"t"}', '{"name":"a","n\\u0061me":"t","x":1}'])(
    'writes a name that stands twice once: %s',
    (text) => {
      for (const params of [asRead(text), Json.fromText(text)]) {
        const made = hop(params, 'legacy', 'legacy').text;
        expect(made).not.toContain('"a"');
        expect(JSON.parse(made)).toMatchObject({ name: 't' });
      }
    },
  );

  test('puts the idempotency key into whatever params, so that the server reads it', () => {
    const metas = fc.constantFrom(
      undefined,
      '{}',
      '{ }',
      '{"a":"_meta"}',
      '{"_meta":{"b":1}}',
      '{"a":[{"_meta":{}}]}',
    );
    fc.assert(
      fc.property(
        objectWith([member('name', '"seen"')], ['_meta']),
        metas,
        fc.boolean(),
        (parts, meta, first) => {
          const own = meta === undefined ? [] : [{ key: '"_meta"', value: meta }];
          const members = first ? [...own, ...parts.members] : [...parts.members, ...own];
          const text = print({ ...parts, members });
          const hopping = { ...toTool('legacy', 'legacy'), idempotencyKey: '"k' };
          const made = [asRead(text), Json.fromText(text)].map(
            (params) => JSON.parse(paramsForHop(params, hopping).text) as object,
          );
          const wanted = { ...(JSON.parse(meta ?? '{}') as object), 'switchyard/idempotencyKey': '"k' };
          const all = { ...(JSON.parse(text) as object), name: 't', _meta: wanted };
          expect(made).toEqual([all, all]);
        },
      ),
    );
  });

  test('takes the envelope off for a legacy server, and puts one on for a modern one', () => {
    const modern = Json.fromText(`{"name":"t","_meta":{${ENVELOPE},"own":1e400}}`);
    expect(hop(modern, 'modern', 'legacy').text).toBe('{"name":"t","_meta":{"own":1e400}}');
    expect(hop(Json.fromText(`{"name":"t","_meta":{${ENVELOPE}}}`), 'modern', 'legacy').text).toBe(
      '{"name":"t"}',
    );
    expect(hop(Json.fromText('{"name":"t"}'), 'legacy', 'modern').text).toBe(
      `{"name":"t","_meta":{${ENVELOPE}}}`,
    );
    expect(hop(modern, 'modern', 'modern')).toBe(modern);
  });

  test('tells a modern server neither of core tasks nor of roots notifications', () => {
    const capabilities = { tasks: { list: {} }, roots: { listChanged: true }, elicitation: {} };
    const client = { ...clientOf('legacy'), capabilities };
    const made = paramsForHop(Json.fromText('{}'), {
      method: 'ping',
      name: '',
      client,
      era: 'modern',
      progressToken: undefined,
    });
    expect(made.text).toContain('"io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"roots":{}}');
  });

  test('finds the name of what is completed in its reference', () => {
    const params = Json.fromText('{"ref":{ "type":"ref/prompt","name":"seen","x":-0 },"argument":{}}');
    const made = paramsForHop(params, { ...toTool('legacy', 'legacy'), method: 'completion/complete' });
    expect(made.text).toBe('{"ref":{ "type":"ref/prompt","name":"t","x":-0 },"argument":{}}');
  });
});

describe('nameOf', () => {
  test('finds strings only, and none that objects have by nature', () => {
    expect(nameOf('tools/call', Json.fromText('{"name":"a"}'))).toBe('a');
    expect(nameOf('resources/read', Json.fromText('{"uri":"u","name":"a"}'))).toBe('u');
    for (const text of ['{"name":7}', '{}', '{"__proto__":{"name":"a"}}'])
      expect(nameOf('tools/call', Json.fromText(text))).toBeUndefined();
    expect(nameOf('ping', Json.fromText('{"name":"a"}'))).toBeUndefined();
  });
});

describe('a token or an id that is echoed', () => {
  test('is spelt as it came', () => {
    const spelt = fc.oneof(stringText, fc.constantFrom('1.0', '12345678901234567890', '-0', '1e400'));
    fc.assert(
      fc.property(spelt, (token) => {
        expect(progressTokenOf(Json.fromText(`{"_meta":{ "progressToken" : ${token} }}`))).toBe(token);
        expect(cancelledId(Json.fromText(`{"requestId":${token} }`))).toBe(token);
      }),
    );
  });

  test('is none where it is neither string nor number', () => {
    for (const text of ['{}', '{"_meta":{}}', '{"_meta":{"progressToken":null}}', '{"_meta":[7]}'])
      expect(progressTokenOf(Json.fromText(text))).toBeUndefined();
  });
});

function hop(params: Json, client: Era, server: Era, progressToken?: number): Json {
  return paramsForHop(params, { ...toTool(client, server), progressToken });
}

function toTool(client: Era, era: Era): Parameters<typeof paramsForHop>[1] {
  return { method: 'tools/call', name: 't', client: clientOf(client), era, progressToken: undefined };
}

function clientOf(era: Era): Client {
  const capabilities = { sampling: {} };
  return {
    id: 'c',
    view: 'c',
    era,
    protocolVersion: 'x',
    info: undefined,
    capabilities,
    logLevel: undefined,
  };
}
