/** D03, C01, G03: what cannot be used ends the one call it belongs to, at once and with a reason, on every transport. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nested } from './json-text.ts';
import { post } from './raw-client.ts';
import { resultOf } from './raw-downstream.ts';
import { CARRIERS, openRawWorld, type RawWorld, SERVERS, type ServerName } from './raw-world.ts';

const LONG = 60_000;
const TOOL = '{"name":"fuzz","inputSchema":{"type":"object"}}';
const DONE = '{"content":[]}';
let world: RawWorld;

beforeAll(async () => {
  world = await openRawWorld(() => ({ tools: [TOOL], prompts: [], resources: [], resourceTemplates: [] }));
}, LONG);

afterAll(async () => {
  expect(world.proxy.mistakes).toEqual([]);
  await world.close();
});

/** By what is wrong with it: the answer to a request of this id. */
const UNUSABLE: Readonly<Record<string, (id: string) => string>> = {
  'a result and an error': (id) =>
    `{"jsonrpc":"2.0","id":${id},"result":{},"error":{"code":1,"message":"x"}}`,
  'neither of both': (id) => `{"jsonrpc":"2.0","id":${id}}`,
  'another version': (id) => `{"jsonrpc":"1.0","id":${id},"result":{}}`,
  'two results': (id) => `{"jsonrpc":"2.0","id":${id},"result":{},"result":{}}`,
  'cut short': (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","te`,
  garbled: (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":nil}}`,
};

describe.each(SERVERS)('from a server on %s', (name) => {
  test.each(Object.entries(UNUSABLE))('D03 an answer fails its call: %s', async (_, answerTo) => {
    world.downstreams[name].onCall = ({ id, end }) => end(answerTo(id));
    const answer = await callTool(name);
    expect(answer).toContain('"code":"PROTOCOL_ERROR"');
    expect(answer).toContain(`"server":"${name}"`);
  });

  test('C01 an answer ten thousand or a million levels deep fails its call', { timeout: LONG }, async () => {
    for (const levels of [10_000, 1_000_000]) {
      world.downstreams[name].onCall = ({ id, end }) =>
        end(resultOf(id, `{"content":[],"x":${nested(levels)}}`));
      expect(await callTool(name)).toContain('"code":"RESULT_TOO_LARGE"');
    }
    world.downstreams[name].onCall = ({ id, end }) => end(resultOf(id, DONE));
    expect(await callTool(name)).toContain(DONE.slice(1, -1));
  });
});

test.each(onCarrier('http'))(
  'D03 what has no id fails the call on whose own stream it came: %s',
  async (name) => {
    for (const text of ['{"result":{"content":[', '{"jsonrpc":"2.0","id":"', 'null']) {
      world.downstreams[name].onCall = ({ send, end }) => {
        send(text);
        end('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}');
      };
      expect(await callTool(name)).toContain('"code":"PROTOCOL_ERROR"');
    }
  },
);

test.each(SERVERS.filter((name) => CARRIERS[name][1] === 'legacy'))(
  'D03 an answer in a batch is an answer: %s',
  async (name) => {
    world.downstreams[name].onCall = ({ id, end }) =>
      end(
        `[{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error"}},${resultOf(id, DONE)}]`,
      );
    expect(await callTool(name)).toContain(DONE.slice(1, -1));
  },
);

describe('from a client', () => {
  const CASES: readonly (readonly [what: string, text: string, code: number])[] = [
    ['what is no JSON', '{"jsonrpc":"2.0","id":1,', -32700],
    ['an array that is no JSON', '[{"jsonrpc":"2.0","id":1,', -32700],
    ['a line break within a string', '{"jsonrpc":"2.0","id":1,"method":"a\nb"}', -32700],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ['an empty batch', '[]', -32600],
    ['a value', '7', -32600],
    [
      'C01 ten thousand levels',
      `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${nested(10_000)}}}`,
      -32600,
    ],
    [
      'C01 a million levels',
      `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${nested(1_000_000)}}}`,
      -32600,
    ],
    ['C01 a million arrays', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, -32600],
  ];

  test.each(CASES)('G03 over HTTP %s is refused', async (_, text, code) => {
    for (const headers of [{}, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'ping' }]) {
      const response = await post(world.proxy.url, text, headers);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code } });
    }
  });

  test.each(CASES.filter(([, text]) => !text.includes('\n')))(
    'over stdio %s is refused',
    async (_, text, code) => {
      const answer = new Promise<string>((resolve) => {
        const off = world.proxy.onLine((line) => {
          if (!line.includes('"error":')) return;
          off();
          resolve(line);
        });
      });
      world.proxy.write(text);
      expect(await answer).toContain(`"error":{"code":${code},`);
    },
  );
});

function onCarrier(kind: string): ServerName[] {
  return SERVERS.filter((name) => CARRIERS[name][0] === kind);
}

function callTool(name: ServerName): Promise<string> {
  return world.clients.http.call({
    id: '1',
    method: 'tools/call',
    name: '',
    params: `{"name":"${name}__fuzz"}`,
  });
}
