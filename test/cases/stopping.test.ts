import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { isRunning } from '../harness/processes.ts';
import { failureOf, type Entry, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

/** Nobody waits for servers, neither with the greeting nor with a list. */
const UNWAITED = { expose: { listWaitMs: 0 } };

const stubborn = (more: Entry = {}): Entry =>
  server({ ignoreEof: true, ignoreTerm: true, ...more }, { stopGraceMs: 200 });

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('A13 over stdio: what ends soon is answered, what does not is failed, all groups are ended, exit code 0', async () => {
    const proxy = await startProxy({ a: server({ grandchild: true }), b: server(), stubborn: stubborn() });
    const short = proxy.askTool('a__sleep', { ms: 300 });
    const long = proxy.askTool('b__hang');
    const silent = proxy.askTool('stubborn__hang');
    await until('the calls', async () => (await proxy.status('stubborn'))['inFlight'] === 1);
    proxy.child.kill(signal);
    expect(textOf(await proxy.answer(short))).toBe('slept');
    for (const id of [long, silent]) expect(failureOf(await proxy.answer(id))?.['code']).toBe('CANCELLED');
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test('A13 over HTTP: likewise, for legacy and modern clients', async () => {
    const proxy = await startProxy({ a: server(), b: server({ grandchild: true }) }, { http: true });
    const legacy = await httpClient(proxy).greet();
    const modern = httpClient(proxy, { modern: true });
    const short = [legacy, modern].map((client) => client.call('a__sleep', { ms: 300 }));
    const long = [legacy, modern].map((client) => client.call('b__hang'));
    await until('the calls', async () => (await legacy.status('b'))['inFlight'] === 2);
    const since = performance.now();
    proxy.child.kill(signal);
    for (const answer of await Promise.all(short)) expect(textOf(answer)).toBe('slept');
    for (const answer of await Promise.all(long)) expect(failureOf(answer)?.['code']).toBe('CANCELLED');
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(performance.now() - since).toBeGreaterThan(300);
  });
});

describe('a stream that is open when the proxy stops', () => {
  test('I05 is ended in good order, in bounded time', async () => {
    const proxy = await startProxy({ a: server() }, { http: true });
    const { session } = await httpClient(proxy).greet();
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session ?? '' };
    const stream = await fetch(proxy.url, { headers });
    expect(stream.status).toBe(200);
    proxy.child.kill('SIGTERM');
    // A connection that is cut would make this fail.
    await stream.text();
    expect(await proxy.exitedWithin(5000)).toBe(0);
  });
});

describe('signals', () => {
  test('that come twice do not cut the clean end short', async () => {
    const proxy = await startProxy({ stubborn: stubborn() });
    proxy.child.kill('SIGTERM');
    await proxy.logged(({ msg }) => msg === 'stopping');
    proxy.child.kill('SIGTERM');
    proxy.child.kill('SIGINT');
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test('while servers are still starting end those too', async () => {
    const proxy = await startProxy(
      { never: server({ never: true }), slow: stubborn({ initDelayMs: 60_000 }) },
      { unready: true, config: UNWAITED },
    );
    await proxy.greet();
    await until('the children', () => proxy.descendants.length === 2);
    proxy.child.kill('SIGTERM');
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test('leave no call hanging that waits for its server to start', async () => {
    const proxy = await startProxy(
      { a: server(), slow: server({ initDelayMs: 60_000 }) },
      { unready: true, http: true },
    );
    const client = await httpClient(proxy).greet();
    const answers = [client.request('tools/list'), client.call('a__hang')];
    await until('the call', async () => (await client.status('a'))['inFlight'] === 1);
    proxy.child.kill('SIGTERM');
    for (const { result, error } of await Promise.all(answers)) expect(result ?? error).toBeDefined();
    expect(await proxy.exitedWithin(3000)).toBe(0);
  });
});

describe('a client that leaves', () => {
  test('A15 by closing our input: exit within 2 s, nobody left, not even who ignores everything', async () => {
    const proxy = await startProxy({
      a: server({ grandchild: true }),
      stubborn: server({ ignoreEof: true, ignoreTerm: true }),
    });
    proxy.askTool('a__hang');
    proxy.ledger.excuseOpen();
    expect(await proxy.stop(2000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test.each(['before it said a word', 'while servers start'])('A15 %s: likewise', async (when) => {
    const servers = {
      slow: server({ initDelayMs: 60_000, ignoreEof: true }),
      loop: server({ exitAfterMs: 50 }),
      missing: { command: 'no-such-command' },
    };
    const proxy = await startProxy(servers, { unready: true, config: UNWAITED });
    if (when === 'while servers start') await proxy.greet();
    await until('the children', () => proxy.descendants.length > 0);
    expect(await proxy.stop(2000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test('A16 by closing our output while answers are pending: a clean end', async () => {
    const proxy = await startProxy({ a: server({ grandchild: true }) });
    for (let i = 0; i < 20; i++) proxy.askTool('sleep', { ms: 100 });
    proxy.ledger.excuseOpen();
    proxy.child.stdout?.destroy();
    expect(await proxy.exitedWithin(3000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });
});

describe('a client that does not care for our log', () => {
  test('and closes stderr is served on, and the end is clean', async () => {
    const proxy = await startProxy({ a: server() }, { config: { log: { level: 'debug' } } });
    proxy.child.stderr?.destroy();
    for (let n = 0; n < 20; n++) expect(textOf(await proxy.call('echo', { n }))).toBe(`{"n":${n}}`);
    await proxy.call('kill');
    expect(textOf(await proxy.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(await proxy.stop(2000)).toBe(0);
  });

  test.each(['SIGTERM', 'the end of our input'])(
    'and never reads stderr is served on, and %s ends us in time',
    async (how) => {
      const proxy = await startProxy({ a: server() }, { config: { log: { level: 'debug' } } });
      proxy.child.stderr?.pause();
      await Promise.all(Array.from({ length: 5000 }, (_, n) => proxy.call('echo', { n }, 15_000)));
      const exit = proxy.exitedWithin(2000);
      if (how === 'SIGTERM') proxy.child.kill('SIGTERM');
      else proxy.child.stdin?.end();
      expect(await exit).toBe(0);
      proxy.child.stderr?.resume();
    },
    20_000,
  );
});

test('a client that reads nothing at all, and leaves, is not waited for', async () => {
  const proxy = await startProxy({ a: server() });
  proxy.child.stdout?.pause();
  for (let i = 0; i < 5; i++) proxy.askTool('large', { bytes: 3_000_000, idFirst: true });
  proxy.ledger.excuseOpen();
  await proxy.logged(({ msg }) => msg === 'downstream server is ready');
  proxy.child.stdin?.end();
  expect(await proxy.exitedWithin(2500)).toBe(0);
  proxy.child.stdout?.destroy();
});

describe('a proxy that is killed', () => {
  test('A14 leaves nobody behind that sees the end of its input', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    proxy.child.kill('SIGKILL');
    await proxy.exited;
    await until('the children to be gone', () => proxy.descendants.length === 0, 1000);
  });

  test('A14 is swept up after at the next start, and a living proxy with the same state is not touched', async () => {
    // The state is shared and the config is not: a change of it would be taken over.
    const stateDir = temporaryFolder('case');
    const config = { stateDir };
    const killed = await startProxy({ a: stubborn({ grandchild: true }) }, { config });
    const living = await startProxy({ a: stubborn({ grandchild: true }) }, { config });
    await until('the grandchildren', () => killed.descendants.length + living.descendants.length === 4);
    const records = (): number =>
      readdirSync(join(stateDir, 'processes')).filter((name) => name.endsWith('.json')).length;
    await until('the records', () => records() === 2);
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect(killed.descendants.filter(isRunning)).toHaveLength(2);
    const next = await startProxy({ b: server() }, { config });
    await until('the sweep', () => killed.descendants.length === 0);
    expect(living.descendants).toHaveLength(2);
    expect(textOf(await living.call('echo', { n: 1 }))).toBe('{"n":1}');
    expect(next.log.some(({ msg }) => msg === 'ended a process that an earlier run had left behind')).toBe(
      true,
    );
  });
});
