import { Answer } from '../../src/core/answer.ts';
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { Json } from '../../src/json/json.ts';
import { idempotencyArgument, idempotencyKey } from '../../src/middleware/idempotency.ts';
import { answer, callOf } from '../harness/builders.ts';

async function passed(text: string, argument?: string): Promise<Call> {
  let seen: Call | undefined;
  const handle = (call: Call): Answer => {
    seen = call;
    return Answer.of(answer());
  };
  const inner = idempotencyArgument(() => argument)(handle);
  await idempotencyKey(() => 'k1')(inner)(callOf('t', { params: Json.fromText(text) }));
  return seen as Call;
}

async function textOf(params: string): Promise<string> {
  return (await passed(params, 'request_id')).params.text;
}

describe('the idempotency key', () => {
  test('is not given to a call that is made once at most', async () => {
    const calls: Call[] = [];
    const handle = (call: Call): Answer => {
      calls.push(call);
      return Answer.of(answer());
    };
    const once = idempotencyKey(
      () => 'k1',
      ({ name }) => name === 'safe',
    )(handle);
    for (const name of ['safe', 'write']) await once(callOf(name));
    expect(calls.map(({ idempotencyKey: key }) => key)).toEqual(['k1', undefined]);
  });

  test('is given to a call that has none', async () => {
    expect(await passed('{"name":"t","_meta":{"a":1}}')).toMatchObject({ idempotencyKey: 'k1' });
  });

  test("is the client's own where it has one", async () => {
    const own = '{"name":"t","_meta":{"switchyard/idempotencyKey":"mine"}}';
    const { idempotencyKey: key, params } = await passed(own, 'request_id');
    expect(key).toBeUndefined();
    expect(params.value).toMatchObject({ arguments: { request_id: 'mine' } });
  });

  test('goes into the argument that the tool has for it, unless the client gave one', async () => {
    expect(await textOf('{"name":"t","arguments":{"x":1}}')).toContain(
      '"arguments":{"x":1,"request_id":"k1"}',
    );
    expect(await textOf('{"name":"t"}')).toContain('"arguments":{"request_id":"k1"}');
    expect(await textOf('{"name":"t","arguments":{"request_id":"mine"}}')).toContain('"request_id":"mine"');
  });
});
