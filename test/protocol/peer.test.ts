import type { Answer } from '../../src/core/answer.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError, RpcError } from '../../src/core/errors.ts';
import { Peer } from '../../src/protocol/peer.ts';
import { nested, objectWith, print, valueText } from '../fuzz/json-text.ts';

describe('an answer', () => {
  test('D01 goes to the request with its id, once; the rest is counted', async () => {
    const { peer, heard } = probe();
    const [first, second] = [ask(peer), ask(peer)];
    peer.receive('{"jsonrpc":"2.0","id":99,"result":{}}', 'a');
    peer.receive(`{"jsonrpc":"2.0","id":${second.id},"result":{"n":2}}`, 'a');
    peer.receive(`{"jsonrpc":"2.0","id":${second.id},"result":{"n":3}}`, 'a');
    peer.receive(`{"jsonrpc":"2.0","id":${first.id},"result":{"n":1.0}}`, 'a');
    expect([(await first.answer).text, (await second.answer).text]).toEqual(['{"n":1.0}', '{"n":2}']);
    expect(heard).toEqual(['stray', 'stray']);
    expect(peer.waiting).toBe(0);
  });

  test('D02 that spells the id as a string is the same answer', async () => {
    const { peer } = probe();
    const { id, answer } = ask(peer);
    peer.receive(`{"jsonrpc":"2.0","id":"${id}","result":{}}`, 'a');
    expect((await answer).text).toBe('{}');
  });

  test.each([
    ['in hexadecimal', (id: number) => `0x${id.toString(16)}`],
    ['in binary', (id: number) => `0b${id.toString(2)}`],
    ['with an exponent', (id: number) => `${id / 10}e1`],
    ['with a fraction of nothing', (id: number) => `${id}.0`],
    ['with a zero before it', (id: number) => `0${id}`],
    ['with a sign', (id: number) => `+${id}`],
    ['with a blank', (id: number) => ` ${id}`],
  ])('D02 whose id is a string that spells a number %s belongs to no request', (_, spelt) => {
    const { peer, heard } = probe();
    const asked = Array.from({ length: 16 }, () => ask(peer));
    for (const { id } of asked) {
      const text = JSON.stringify(spelt(id));
      peer.receive(`{"jsonrpc":"2.0","id":${text},"result":{"stolen":true}}`, 'a');
      peer.receive(`{"jsonrpc":"2.0","id":${text},"error":{"code":1,"message":"m"}}`, 'a');
      peer.receive(`{"jsonrpc":"2.0","id":${text},"result":7}`, 'a');
    }
    expect(peer.waiting).toBe(16);
    expect(heard.length).toBe(3 * 16);
  });

  test('that is an error keeps all it says', async () => {
    await fc.assert(
      fc.asyncProperty(objectWith([{ key: '"code"', value: '-32042' }]).map(print), async (error) => {
        const { peer } = probe();
        const { id, answer } = ask(peer);
        peer.receive(`{"jsonrpc":"2.0","id":${id},"error":${error}}`, 'a');
        const got: unknown = await failure(answer);
        expect(got).toBeInstanceOf(RpcError);
        expect((got as RpcError).json.text).toBe(error.replaceAll(/[\r\n]+/g, ' '));
      }),
    );
  });

  test.each([
    ['both', '"result":{},"error":{}'],
    ['neither', '"x":1'],
    ['broken', '"result":{"a":'],
    ['an error that is none', '"error":7'],
  ])('D03 that cannot be used fails its own call and no other: %s', async (_, members) => {
    const { peer } = probe();
    const [bad, good] = [ask(peer), ask(peer)];
    peer.receive(`{"jsonrpc":"2.0","id":${bad.id},${members}${members.endsWith(':') ? '' : '}'}`, 'a');
    expect(await failure(bad.answer)).toMatchObject({ code: 'PROTOCOL_ERROR', delivered: true });
    peer.receive(`{"jsonrpc":"2.0","id":${good.id},"result":{}}`, 'a');
    expect((await good.answer).text).toBe('{}');
  });

  test('C01 that nests too deep fails its call', async () => {
    const { peer } = probe();
    const { id, answer } = ask(peer);
    peer.receive(`{"jsonrpc":"2.0","id":${id},"result":${nested(1_000_000)}}`, 'a');
    expect(await failure(answer)).toMatchObject({ code: 'RESULT_TOO_LARGE' });
  });

  test('that nobody waits for any more is dropped', async () => {
    const { peer, heard } = probe();
    const { id, answer } = ask(peer);
    const failed = failure(answer);
    const error = new ProxyError('TIMEOUT', { message: 'late', delivered: 'unknown' });
    expect([peer.fail(id, error), peer.fail(id, error)]).toEqual([true, false]);
    peer.receive(`{"jsonrpc":"2.0","id":${id},"result":{}}`, 'a');
    expect(await failed).toBe(error);
    expect(heard).toEqual(['stray']);
  });

  test('to everything is the failure, when the other side is gone', async () => {
    const { peer } = probe();
    const all = [ask(peer), ask(peer)].map(({ answer }) => failure(answer));
    const error = new ProxyError('DOWNSTREAM_FAILED', { message: 'gone', delivered: 'unknown' });
    peer.failAll(error);
    expect(await Promise.all(all)).toEqual([error, error]);
  });
});

describe('progress', () => {
  test('goes to the request with its token, spelt as number or string', () => {
    const { peer, heard } = probe();
    const got: string[] = [];
    const id = peer.nextId();
    void peer.answerTo(id, { onProgress: (params) => got.push(params.text) });
    for (const token of [`${id}`, `"${id}"`, '99', 'null', '{}', '""'])
      peer.receive(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token}}}`,
        'a',
      );
    expect(got).toEqual([`{"progressToken":${id}}`, `{"progressToken":"${id}"}`]);
    expect(heard).toEqual(['stray', 'stray', 'stray', 'stray']);
  });

  test('whose token is another spelling of a number belongs to no request', () => {
    const { peer, heard } = probe();
    const got: string[] = [];
    const ids = Array.from({ length: 16 }, () => {
      const id = peer.nextId();
      void peer.answerTo(id, { onProgress: (params) => got.push(params.text) });
      return id;
    });
    for (const id of ids)
      for (const token of [`0x${id.toString(16)}`, `${id / 10}e1`, `${id}.0`, `0${id}`, ` ${id} `, `+${id}`])
        peer.receive(
          JSON.stringify({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { progressToken: token },
          }),
          'a',
        );
    expect(got).toEqual([]);
    expect(heard).toHaveLength(6 * 16);
  });
});

describe('whatever else comes', () => {
  test('is told with where it came from', () => {
    const { peer, heard } = probe();
    peer.receive('{"jsonrpc":"2.0","id":"7","method":"ping"}', 'here');
    peer.receive('{"jsonrpc":"2.0","method":"notifications/message"}', 'there');
    peer.receive('nonsense', 'elsewhere');
    expect(heard).toEqual([
      'request "7" ping here',
      'notification notifications/message there',
      'invalid elsewhere',
    ]);
  });

  test('K02 never throws', () => {
    const { peer } = probe();
    fc.assert(fc.property(fc.oneof(valueText, fc.string()), (text) => peer.receive(text, 'a')));
  });
});

function probe(): { peer: Peer<string>; heard: string[] } {
  const heard: string[] = [];
  const peer = new Peer<string>({
    name: 'the other',
    maxDepth: 256,
    events: {
      request: (id, method, _, origin) => heard.push(`request ${id} ${method} ${origin}`),
      notification: (method, _, origin) => heard.push(`notification ${method} ${origin}`),
      invalid: (_, origin) => heard.push(`invalid ${origin}`),
      stray: () => heard.push('stray'),
    },
  });
  return { peer, heard };
}

function ask(peer: Peer<string>): { id: number; answer: Answer } {
  const id = peer.nextId();
  return { id, answer: peer.answerTo(id) };
}

function failure(answer: Answer): Promise<unknown> {
  return answer.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}
