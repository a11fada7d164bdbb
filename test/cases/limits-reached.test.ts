/** Servers that go up to their limits, and beyond. */
import { describe, expect, test } from 'vitest';
import { watched } from './loop-watch.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';

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
    const limits = { messageBytes: MIB, stderrBytes: 4096 };
    const proxy = await startProxy({
      a: server({}, { limits, maxConcurrency: 4 }),
      ...Object.fromEntries(healthy.map((name) => [name, server()])),
    });
    let over = false;
    const floods = [
      ['a__large', { bytes: 1.4 * MIB, idFirst: true }],
      ['a__parts', { count: 10_001 }],
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

describe('a limit of a server', () => {
  test('messageBytes and depth each cost the call that exceeds it, and hold for their server', async () => {
    const cases = [
      ['messageBytes', 2048, 'large', { bytes: 4000 }],
      ['depth', 20, 'deep', { depth: 30 }],
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

  test('tools end a list, as a thousand pages do, and a problem says so', async () => {
    const list = { count: 12, pageSize: 2 };
    const proxy = await startProxy({
      usual: server(list),
      few: server(list, { limits: { tools: 5 } }),
      long: server({ count: 1002, pageSize: 1 }),
    });
    const counts = async (): Promise<number[]> => {
      const names = await proxy.toolNames();
      return ['usual', 'few', 'long'].map(
        (key) => names.filter((name) => name.startsWith(`${key}__`)).length,
      );
    };
    await until('the long list', async () => (await counts())[2] === 1000, 15_000);
    expect(await counts()).toEqual([12, 5, 1000]);
    expect(JSON.stringify(await proxy.status('few'))).toContain('limits.tools');
    expect(JSON.stringify(await proxy.status('long'))).toContain('over 1000 pages');
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

  test('of progress and notices in a second thins out what comes faster', async () => {
    const proxy = await startProxy({ a: server() });
    const heard = async (name: string, method: string, count: number): Promise<number> => {
      const before = proxy.clientNotifications(method).length;
      await proxy.answer(proxy.askTool(name, { count }, NOTED));
      return proxy.clientNotifications(method).length - before;
    };
    expect(await heard('progressFlood', 'notifications/progress', 60)).toBe(60);
    expect(await heard('progressFlood', 'notifications/progress', 20_000)).toBeLessThan(10_000);
    expect(await heard('logFlood', 'notifications/message', 100)).toBe(100);
    expect(await heard('logFlood', 'notifications/message', 20_000)).toBeLessThan(10_000);
  });

  test('of open questions is a thousand; one that was answered makes room', async () => {
    const question = (id: string): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'elicitation/create',
        params: { message: id, requestedSchema: { type: 'object', properties: {} } },
      });
    const proxy = await startProxy({ a: server() }, { capabilities: { elicitation: {} } });
    const asked = (): readonly string[] =>
      proxy.clientNotifications('elicitation/create').map(({ params }) => String(params?.['message']));
    const lines = Array.from({ length: 1002 }, (_, index) => question(String(index)));
    const hangs = proxy.askTool('raw', { lines });
    await until('a thousand questions', () => asked().length === 1000);
    const { skipped } = await proxy.status('a');
    expect(skipped).toMatchObject({ 'a question beyond 1000 open ones': 2 });
    const [first] = proxy.clientNotifications('elicitation/create');
    proxy.send(JSON.stringify({ jsonrpc: '2.0', id: first?.id, result: { action: 'decline' } }));
    const more = proxy.askTool('raw', { lines: [question('the next')] });
    await until('one more question', () => asked().length === 1001);
    expect(asked().at(-1)).toBe('[a] the next');
    for (const id of [hangs, more]) {
      proxy.ledger.excuse(id);
      proxy.notify('notifications/cancelled', { requestId: id });
    }
  });

  test('of lines of stderr in a second is how much of it is logged', async () => {
    const proxy = await startProxy({ a: server() }, { config: { log: { level: 'debug' } } });
    const ofStderr = ({ msg }: { readonly msg?: unknown }): boolean => msg === 'stderr';
    await proxy.call('stderr', { bytes: 2_000_000 });
    await proxy.logged(ofStderr);
    const shown = proxy.log.filter(ofStderr).length;
    expect(shown).toBeGreaterThan(40);
    expect(shown).toBeLessThan(1000);
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
