import { describe, expect, test } from 'vitest';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';

const MIB = 1024 * 1024;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('too deep messages', () => {
  test.each([
    [10_000, 'nested deeper than 256 levels'],
    [1_000_000, 'more than 500000 values'],
  ])('C01 of a server, %i levels, fail that call alone', async (depth, says) => {
    const proxy = await startProxy({ a: server(), b: server() });
    const answer = await proxy.call('a__deep', { depth });
    expect(failureOf(answer)).toMatchObject({ code: 'RESULT_TOO_LARGE', server: 'a', delivered: true });
    expect(textOf(answer)).toContain(says);
    expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
    const fits = await proxy.call('a__deep', { depth: 200 });
    expect(fits.result).toHaveProperty('deep');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  test.each([10_000, 1_000_000])('C01 of a client, %i levels, are refused with their id', async (depth) => {
    const proxy = await startProxy({ a: server() });
    proxy.ledger.asked('deep');
    proxy.send(
      `{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":{"name":"echo","arguments":{"x":${nested(depth)}}}}`,
    );
    expect((await proxy.answer('deep')).error).toMatchObject({ code: -32600 });
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
  });
});

describe('names that reach for prototypes', () => {
  test('C02 pass as data in results, arguments, tools and _meta, and change nothing', async () => {
    const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const evilTool = `{"name":"evil","inputSchema":{"type":"object","properties":{"__proto__":{"type":"string"}}},"_meta":${evil},"__proto__":{"polluted":1}}`;
    const proxy = await startProxy({ a: server({ toolTexts: [evilTool] }) });
    const raw = `{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":${evil},"_meta":${evil},"__proto__":{"polluted":1}}}`;
    const answer = await proxy.call('raw', { lines: [raw] });
    expect(JSON.stringify(answer)).toBe(raw.replace('$ID', String(answer.id)));
    const { result } = await proxy.request('tools/list');
    expect((result?.['tools'] as unknown[]).map((tool) => JSON.stringify(tool))).toContain(evilTool);
    proxy.ledger.asked('evil');
    proxy.send(
      `{"jsonrpc":"2.0","id":"evil","method":"tools/call","params":{"name":"echo","arguments":${evil},"__proto__":{"x":1}}}`,
    );
    expect(textOf(await proxy.answer('evil'))).toBe(evil);
    // Had a prototype been touched, everything of the proxy's own would carry it.
    expect(JSON.stringify(await proxy.status('a'))).not.toContain('polluted');
    expect(await proxy.toolNames()).toContain('evil');
  });

  test('C02 in the config are unknown keys or plain names', async () => {
    const env = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    const refused = await startProxy(
      { a: server() },
      { unready: true, config: JSON.parse('{"__proto__":{"polluted":1}}') as {} },
    );
    refused.excuse(/./);
    expect(await refused.exitedWithin(5000)).toBe(2);
    expect(refused.stderr).toContain('__proto__');
    const proxy = await startProxy({ constructor: server({}, { env }), toString: server() });
    expect(textOf(await proxy.call('constructor__echo', { n: 1 }))).toBe('{"n":1}');
    expect(textOf(await proxy.call('toString__echo', { n: 2 }))).toBe('{"n":2}');
  });
});

describe('messages that are none', () => {
  test('of a client are answered with the right code, and the connection lives', async () => {
    const proxy = await startProxy({ a: server() });
    const sent: [string, number][] = [
      ['{"jsonrpc":"2.0","id":1,', -32700],
      ['not json', -32700],
      ['[]', -32600],
      ['[{"jsonrpc":"2.0","id":7,"method":"ping"}]', -32600],
      ['"text"', -32600],
      ['{"id":90,"method":"ping"}', -32600],
      ['{"jsonrpc":"2.0","id":91,"method":7}', -32600],
      ['{"jsonrpc":"2.0","id":92,"method":"tools/call","params":[1]}', -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ];
    for (const [text, code] of sent) {
      const before = proxy.messages.length;
      proxy.send(text);
      await proxy.call('echo');
      const [answer] = proxy.messages.slice(before);
      expect([text, answer?.error?.code]).toEqual([text, code]);
    }
    const quiet = [
      '',
      '\r',
      '{"jsonrpc":"2.0","id":4711,"result":{}}',
      '{"jsonrpc":"2.0","method":"notifications/odd"}',
    ];
    const before = proxy.messages.length;
    for (const text of quiet) proxy.send(text);
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(proxy.messages.length).toBe(before + 1);
    expect((await proxy.request('no/such/method')).error).toMatchObject({ code: -32601 });
    expect((await proxy.request('tools/call', {})).error).toMatchObject({ code: -32602 });
  });

  test('of a server are skipped and counted, and its connection lives', async () => {
    const proxy = await startProxy({ a: server() });
    const odd = [
      '{"jsonrpc":"2.0","id":',
      '{}',
      '[1,2]',
      '{"jsonrpc":"2.0","method":5}',
      '\u0000\u0001',
      '{"jsonrpc":"1.0","method":"x"}',
    ];
    const good = '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"fine"}]}}';
    expect(textOf(await proxy.call('raw', { lines: [...odd, good] }))).toBe('fine');
    const skipped = (await proxy.status('a'))['skipped'] as Record<string, number>;
    expect(Object.values(skipped).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(odd.length);
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  test('but are too large, of a client, fail alone', async () => {
    const proxy = await startProxy({ a: server() }, { config: { limits: { requestBytes: MIB } } });
    const large = proxy.askTool('echo', { text: 'x'.repeat(2 * MIB) });
    const neighbour = proxy.askTool('echo', { n: 1 });
    expect((await proxy.answer(large)).error).toMatchObject({
      code: -32600,
      message: expect.stringContaining('limits.requestBytes') as string,
    });
    expect(textOf(await proxy.answer(neighbour))).toBe('{"n":1}');
  });

  test('for an unknown tool name the nearest ones', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    for (const wrong of ['a_echo', 'ecko']) {
      const { error } = await proxy.call(wrong);
      expect(error?.code).toBe(-32602);
      expect(error?.message).toMatch(/^Unknown tool: "\w+"\. Did you mean .*"a__echo"/);
    }
  });
});
