import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { Json } from '../../src/core/json.ts';
import { idempotencyArgument, idempotencyKey } from '../../src/middleware/idempotency.ts';
import { answer, callOf } from './builders.ts';

async function passed(text: string, argument?: string): Promise<string> {
  let seen: Call | undefined;
  const handle = async (call: Call): Promise<Json> => {
    seen = call;
    return answer();
  };
  const inner = idempotencyArgument(() => argument)(handle);
  await idempotencyKey(() => 'k1')(inner)(callOf('t', { params: Json.fromText(text) }));
  const params = seen?.params;
  expect(params?.value).toEqual(JSON.parse(params?.text ?? ''));
  return params?.text ?? '';
}

describe('the idempotency key', () => {
  test.each([
    ['{"name":"t"}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1"}}'],
    ['{}', '{"_meta":{"switchyard/idempotencyKey":"k1"}}'],
    [
      '{"_meta": {}, "x": 9007199254740993}',
      '{"_meta": {"switchyard/idempotencyKey":"k1"}, "x": 9007199254740993}',
    ],
    ['{"name":"t","_meta":{"a":"}"}}', '{"name":"t","_meta":{"switchyard/idempotencyKey":"k1","a":"}"}}'],
  ])('goes into the _meta of %s, and nothing else changes', async (text, wanted) => {
    const passedText = await passed(text);
    if (!text.includes('900')) expect(passedText).toBe(wanted);
    else expect(passedText.replace(/\s/g, '')).toBe(wanted.replace(/\s/g, ''));
  });

  test("is the client's own where it has one", async () => {
    const own = '{"name":"t","_meta":{"switchyard/idempotencyKey":"mine"}}';
    expect(await passed(own)).toBe(own);
  });

  test('goes into the argument that the tool has for it, unless the client gave one', async () => {
    expect(await passed('{"name":"t","arguments":{"x":1}}', 'request_id')).toContain(
      '"arguments":{"x":1,"request_id":"k1"}',
    );
    expect(await passed('{"name":"t"}', 'request_id')).toContain('"arguments":{"request_id":"k1"}');
    expect(await passed('{"name":"t","arguments":{"request_id":"mine"}}', 'request_id')).toContain(
      '"request_id":"mine"',
    );
  });
});
