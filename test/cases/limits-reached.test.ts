/** Servers that go up to their limits, and beyond. */
import { describe, expect, test } from 'vitest';
import { watched } from './loop-watch.ts';
import { failureOf, server, startProxy, textOf } from './proxy-under-test.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;

describe('an image', () => {
  test('C10 of 20 MB passes to the letter; one beyond the limit costs its call alone', async () => {
    const proxy = await startProxy({
      a: server(),
      b: server({}, { limits: { messageBytes: 4 * MIB } }),
    });
    const image = { text: 'iVBO', times: 5_000_000, before: '"', after: '"' };
    const { result } = await proxy.call('a__repeated', image, 15_000);
    expect(result?.['data'] === 'iVBO'.repeat(5_000_000)).toBe(true);
    expect(failureOf(await proxy.call('b__repeated', image, 15_000))).toEqual({
      code: 'RESULT_TOO_LARGE',
      server: 'b',
      delivered: true,
    });
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
  });
});

describe('one of ten servers at all of its limits', () => {
  test('C11 keeps none of the other nine from answering', async () => {
    const healthy = Array.from({ length: 9 }, (_, i) => `h${i}`);
    const limits = { messageBytes: MIB, contentParts: 1000, stderrBytes: 4096 };
    const proxy = await startProxy({
      a: server({}, { limits, maxConcurrency: 4 }),
      ...Object.fromEntries(healthy.map((name) => [name, server()])),
    });
    let over = false;
    const floods = [
      ['a__large', { bytes: 1.4 * MIB, idFirst: true }],
      ['a__parts', { count: 1001 }],
      ['a__progressFlood', { count: 2000 }],
      ['a__stderr', { bytes: MIB }],
    ] as const;
    const flooding = floods.map(async ([name, args]) => {
      let calls = 0;
      for (; !over; calls++) await proxy.answer(proxy.askTool(name, args, NOTED), 15_000);
      return calls;
    });
    const rounds = 5;
    for (let i = 0; i < rounds; i++) {
      const answers = await Promise.all(healthy.map((name) => proxy.call(`${name}__echo`, { i }, 15_000)));
      expect(answers.map(textOf)).toEqual(healthy.map(() => `{"i":${i}}`));
    }
    over = true;
    for (const calls of await Promise.all(flooding)) expect(calls).toBeGreaterThan(0);
    expect(await proxy.status('a')).toMatchObject({ restarts: 0 });
  }, 40_000);
});

const NOTED = { _meta: { progressToken: 'mine' } };

/** Two servers that differ in this limit alone. */
function pair(limits: Readonly<Record<string, number>>): Parameters<typeof startProxy>[0] {
  return { usual: server(), tight: server({}, { limits }) };
}

describe('a limit of a server', () => {
  test('messageBytes, depth, values and contentParts each cost the call that exceeds it, and hold for their server', async () => {
    const cases = [
      ['messageBytes', 2048, 'large', { bytes: 4000 }],
      ['depth', 20, 'deep', { depth: 30 }],
      ['values', 100, 'repeated', { text: '{},', times: 200, before: '[', after: '0]' }],
      ['contentParts', 10, 'parts', { count: 20 }],
    ] as const;
    const proxy = await startProxy({
      usual: server(),
      ...Object.fromEntries(
        cases.map(([limit, value]) => [limit, server({}, { limits: { [limit]: value } })]),
      ),
    });
    for (const [limit, , tool, args] of cases) {
      expect(failureOf(await proxy.call(`usual__${tool}`, args)), limit).toBeUndefined();
      expect(failureOf(await proxy.call(`${limit}__${tool}`, args)), limit).toEqual({
        code: 'RESULT_TOO_LARGE',
        server: limit,
        delivered: true,
      });
      expect(textOf(await proxy.call(`${limit}__echo`, { n: 1 }))).toBe('{"n":1}');
    }
  });

  test('tools, pages and listBytes end a list, and a problem says so', async () => {
    const list = { count: 12, pageSize: 2 };
    const proxy = await startProxy({
      usual: server(list),
      few: server(list, { limits: { tools: 5 } }),
      short: server(list, { limits: { pages: 2 } }),
      small: server({ ...list, wide: 30 }, { limits: { listBytes: 1024 } }),
    });
    const names = await proxy.toolNames();
    const of = (key: string): number => names.filter((name) => name.startsWith(`${key}__`)).length;
    expect([of('usual'), of('few'), of('short'), of('small')]).toEqual([12, 5, 4, 12]);
    expect(JSON.stringify(await proxy.status('few'))).toContain('limits.tools');
    expect(JSON.stringify(await proxy.status('short'))).toContain('over 2 pages (limits.pages)');
    expect(JSON.stringify(await proxy.status('small'))).toContain('limits.listBytes');
  });

  test('queueBytes is what may wait for a server that does not read: the rest is BUSY', async () => {
    const entry = { timeoutMs: 500, maxConcurrency: 100, circuitBreaker: { failureThreshold: 1000 } };
    const proxy = await startProxy({
      usual: server({}, entry),
      tight: server({}, { ...entry, limits: { queueBytes: 200_000 } }),
    });
    for (const key of ['usual', 'tight']) await proxy.call(`${key}__deaf`);
    const payload = 'x'.repeat(50_000);
    const refused = async (key: string): Promise<number> => {
      const calls = Array.from({ length: 40 }, () => proxy.call(`${key}__echo`, { payload }));
      const codes = (await Promise.all(calls)).map((answer) => failureOf(answer)?.['code']);
      return codes.filter((code) => code === 'BUSY').length;
    };
    expect(await refused('usual')).toBe(0);
    expect(await refused('tight')).toBeGreaterThan(25);
  });

  test('progressPerSecond and noticesPerSecond thin out what comes faster', async () => {
    const proxy = await startProxy(pair({ progressPerSecond: 5, noticesPerSecond: 3 }));
    const heard = async (name: string, method: string, count: number): Promise<number> => {
      const before = proxy.clientNotifications(method).length;
      await proxy.answer(proxy.askTool(name, { count }, NOTED));
      return proxy.clientNotifications(method).length - before;
    };
    expect(await heard('usual__progressFlood', 'notifications/progress', 60)).toBe(60);
    expect(await heard('tight__progressFlood', 'notifications/progress', 60)).toBeLessThan(20);
    expect(await heard('usual__logFlood', 'notifications/message', 100)).toBe(100);
    expect(await heard('tight__logFlood', 'notifications/message', 100)).toBeLessThan(20);
  });

  test('questions is how many of them may be open; one that was answered makes room', async () => {
    const question = (id: string): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'elicitation/create',
        params: { message: id, requestedSchema: { type: 'object', properties: {} } },
      });
    const proxy = await startProxy(
      { a: server({}, { limits: { questions: 2 } }) },
      { capabilities: { elicitation: {} } },
    );
    const asked = (): readonly string[] =>
      proxy.clientNotifications('elicitation/create').map(({ params }) => String(params?.['message']));
    const lines = ['one', 'two', 'three', 'four'].map(question);
    const hangs = proxy.askTool('raw', { lines });
    await until('two questions', () => asked().length === 2);
    const { skipped } = await proxy.status('a');
    expect(skipped).toMatchObject({ 'a question beyond 2 open ones (limits.questions)': 2 });
    const [first] = proxy.clientNotifications('elicitation/create');
    proxy.send(JSON.stringify({ jsonrpc: '2.0', id: first?.id, result: { action: 'decline' } }));
    const more = proxy.askTool('raw', { lines: [question('five')] });
    await until('a third question', () => asked().length === 3);
    expect(asked()).toEqual(['[a] one', '[a] two', '[a] five']);
    for (const id of [hangs, more]) {
      proxy.ledger.excuse(id);
      proxy.notify('notifications/cancelled', { requestId: id });
    }
  });

  test('stderrLinesPerSecond is how much of it is logged', async () => {
    const proxy = await startProxy(pair({ stderrLinesPerSecond: 3 }), {
      config: { log: { level: 'debug' } },
    });
    const shown = async (key: string): Promise<number> => {
      await proxy.call(`${key}__stderr`, { bytes: 100_000 });
      await proxy.logged((record) => record['server'] === key && record['msg'] === 'stderr');
      return proxy.log.filter((record) => record['server'] === key && record['msg'] === 'stderr').length;
    };
    expect(await shown('tight')).toBeLessThan(15);
    expect(await shown('usual')).toBeGreaterThan(40);
  });

  test('stderrBytes is what is kept of the last words', async () => {
    const say = `the beginning ${'x'.repeat(3000)} the end`;
    const bad = (limits = {}) => server({ exitAtStart: { code: 1, say } }, { limits });
    const proxy = await startProxy({ usual: bad(), tight: bad({ stderrBytes: 100 }) }, { unready: true });
    await proxy.greet();
    const words = async (key: string): Promise<string> => {
      const failed = await proxy.logged(({ server: name, why }) => name === key && why !== undefined);
      return String(failed['why']);
    };
    expect((await words('usual')).length - (await words('tight')).length).toBeGreaterThan(100);
  });
});

describe('a line of 64 MiB', () => {
  test('A09 through the pipe of one server keeps nobody else waiting', async () => {
    const { proxy, start, longestMs } = await watched({ a: server(), b: server() });
    await start();
    const large = proxy.askTool('a__large', { bytes: 64 * MIB, idFirst: true });
    let calls = 0;
    for (; proxy.ledger.answerTo(large) === undefined; calls++)
      expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
    expect(failureOf(await proxy.answer(large, 15_000))?.['code']).toBe('RESULT_TOO_LARGE');
    expect(calls).toBeGreaterThan(0);
    expect(longestMs()).toBeLessThan(100);
  });
});

describe('a message of millions of tiny values', () => {
  test('is refused before it is parsed: half a second is the most that any message takes', async () => {
    const { proxy, start, longestMs } = await watched({ a: server(), b: server() });
    await start();
    const tiny = { text: '[],', times: 9_000_000, before: '[', after: '0]' };
    const answer = await proxy.call('a__repeated', tiny, 15_000);
    expect(failureOf(answer)).toEqual({ code: 'RESULT_TOO_LARGE', server: 'a', delivered: true });
    expect(textOf(answer)).toContain('more than 500000 values');
    expect(textOf(await proxy.call('b__echo', { n: 1 }))).toBe('{"n":1}');
    expect(longestMs()).toBeLessThan(500);
  });

  test('of a client likewise, alone or in a batch', async () => {
    const proxy = await startProxy({ a: server() });
    const values = `[${'[],'.repeat(600_000)}0]`;
    const id = 9000;
    proxy.ledger.asked(id);
    const params = `{"name":"echo","arguments":{"values":${values}}}`;
    proxy.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`);
    expect((await proxy.answer(id)).error).toMatchObject({
      code: -32600,
      message: expect.stringContaining('more than 500000 values') as string,
    });
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
  });
});
