import { describe, expect, test } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { type Entry, type ProxyUnderTest, server, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';

/** Waits longer than any test does: an answer that comes at all has waited for nothing. */
const PATIENT: Entry = { expose: { listWaitMs: 120_000 } };

const namesOf = (names: readonly string[]): string[] =>
  [...new Set(names.map((name) => name.slice(0, name.indexOf('__'))))].sort();

/** Starts, greets and lists at once, as clients do. @returns the servers that the first list shows. */
async function firstList(
  servers: Readonly<Record<string, Entry>>,
  config: Entry = { expose: { listWaitMs: 600 } },
): Promise<{ proxy: ProxyUnderTest; listed: string[] }> {
  const proxy = await startProxy(servers, { unready: true, config });
  await proxy.greet();
  return { proxy, listed: namesOf(await proxy.toolNames()) };
}

describe("one server's trouble stays its own", () => {
  test.each<[string, Entry]>([
    ['whose command is missing', { command: 'no-such-command' }],
    ['that crashes at its start', server({ exitAtStart: { code: 1, say: 'no' } })],
    ['that never answers initialize', server({ never: true })],
    ['that takes its time to list', server({ listDelayMs: 2000 })],
    ['whose port nobody listens on', { type: 'tcp', host: '127.0.0.1', port: 9 }],
    ['whose address nobody answers', { url: 'http://127.0.0.1:9/mcp' }],
  ])('for a server %s: the others are listed and callable at once', async (_, bad) => {
    const { proxy } = await firstList({ a: server(), bad, b: server() });
    // On a machine that has more to do, one of the two may be too late for the very first list.
    await until('both', async () => namesOf(await proxy.toolNames()).join() === 'a,b');
    for (const name of ['a', 'b'])
      expect(textOf(await proxy.call(`${name}__echo`, { n: 1 }, 1000))).toBe('{"n":1}');
    expect((await proxy.status('a'))['state']).toBe('ready');
  });

  test('for a server with a banner on stdout: it is listed with the others', async () => {
    const { listed } = await firstList({
      a: server(),
      banner: server({ banner: 'Listening on stdio\n> ready\n\n' }),
    });
    expect(listed).toEqual(['a', 'banner']);
  });

  test('and one that comes late joins with list_changed', async () => {
    const { proxy, listed } = await firstList({ a: server(), late: server({ initDelayMs: 1500 }) });
    expect(listed).toEqual(['a']);
    await until(
      'list_changed',
      () => proxy.clientNotifications('notifications/tools/list_changed').length > 0,
    );
    expect(namesOf(await proxy.toolNames())).toEqual(['a', 'late']);
    expect(textOf(await proxy.call('late__echo', { n: 1 }))).toBe('{"n":1}');
    expect(proxy.clientNotifications('notifications/tools/list_changed')).toHaveLength(1);
  });

  test('and one that gives up in the end is told of and tried again', async () => {
    const never = server(
      { never: true },
      { connectTimeoutMs: 300, restart: { delayMs: 100, maxDelayMs: 200 } },
    );
    const { proxy } = await firstList({ a: server(), never });
    const failed = await proxy.logged(
      ({ msg, server: of }) => msg === 'downstream server failed' && of === 'never',
    );
    expect(failed['why']).toBe('"never" did not answer the handshake within 300 ms (connectTimeoutMs).');
    await until('another try', async () => Number((await proxy.status('never'))['restarts']) > 1);
    expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
  });
});

describe('the first list', () => {
  test('waits for a server that is a little slower than the others', async () => {
    const { listed } = await firstList({
      a: server(),
      b: server({ initDelayMs: 150 }),
      c: server({ listDelayMs: 150 }),
    });
    expect(listed).toEqual(['a', 'b', 'c']);
  });

  test('waits at most listWaitMs, however many servers keep coming', async () => {
    const slow = Object.fromEntries(
      [300, 600, 900, 1200, 1500].map((ms) => [`s${ms}`, server({ initDelayMs: ms })]),
    );
    const { listed } = await firstList({ a: server(), ...slow }, { expose: { listWaitMs: 700 } });
    expect(listed).toContain('a');
    expect(listed).not.toContain('s1500');
  });

  test('comes at once when all servers are up', async () => {
    const proxy = await startProxy({ a: server(), b: server() }, { config: PATIENT });
    expect(namesOf(await proxy.toolNames())).toEqual(['a', 'b']);
  });

  test('holds up no call on a server that is up', async () => {
    const proxy = await startProxy({ a: server(), slow: server({ initDelayMs: 1500 }) }, { unready: true });
    await proxy.greet();
    await proxy.logged(({ msg, server: of }) => msg === 'downstream server is ready' && of === 'a');
    const list = proxy.ask('tools/list');
    expect(textOf(await proxy.call('a__echo', { n: 1 }, 1000))).toBe('{"n":1}');
    await proxy.answer(list);
  });
});

describe('initialize', () => {
  test('waits for nothing when all servers are up', async () => {
    const quick = server({ instructions: 'Be quick.' });
    const proxy = await startProxy({ quick }, { http: true, config: PATIENT });
    await httpClient(proxy).greet();
  });
});
