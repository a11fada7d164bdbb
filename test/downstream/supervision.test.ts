import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRunning } from '../harness/processes.ts';
import { type Entry, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const LAZY = { start: 'lazy' };

function startsIn(journal: string): number {
  try {
    return readFileSync(journal, 'utf8').split('"started":true').length - 1;
  } catch {
    return 0;
  }
}

describe('a lazy server', () => {
  test('is started once to be listed, and from then on at its first call', async () => {
    const folder = temporaryFolder('case');
    const journal = join(folder, 'journal');
    const servers = { a: server({ names: ['pid'], journal }, LAZY), b: server() };
    const first = await startProxy(servers, { folder, mark: folder });
    expect(await first.toolNames()).toContain('a__pid');
    expect(await first.stop()).toBe(0);
    expect(startsIn(journal)).toBe(1);

    const proxy = await startProxy(servers, { folder, mark: folder, unready: true });
    // Not even for a client that takes its time.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('a__pid');
    await proxy.allReady(1);
    expect(await proxy.status('a')).toMatchObject({ state: 'stopped', fromSnapshot: true, tools: 1 });
    expect(startsIn(journal)).toBe(1);
    expect(Number(textOf(await proxy.call('a__pid')))).toBeGreaterThan(0);
    expect(startsIn(journal)).toBe(2);
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
    await proxy.allReady(2);
  });

  test('is stopped when nobody has called it for idleStopMs, and started again by the next call', async () => {
    const proxy = await startProxy({ a: server({}, { ...LAZY, idleStopMs: 300 }), b: server() });
    const pid = Number(textOf(await proxy.call('a__pid')));
    const before = proxy.clientNotifications('notifications/tools/list_changed').length;
    // A call under way is use.
    expect(textOf(await proxy.call('a__sleep', { ms: 700 }))).toBe('slept');
    expect(isRunning(pid)).toBe(true);
    await until('it to be stopped', async () => (await proxy.status('a'))['state'] === 'stopped');
    await until('its process to be gone', () => !isRunning(pid));
    expect(await proxy.toolNames()).toContain('a__pid');
    expect(Number(textOf(await proxy.call('a__pid')))).not.toBe(pid);
    expect((await proxy.status('a'))['lastFailure']).toBeUndefined();
    expect(proxy.clientNotifications('notifications/tools/list_changed')).toHaveLength(before);
  });
});

describe('a server that falls', () => {
  test('A12 again and again is critical; with "hide" its tools leave with one notice and stay away', async () => {
    const restart = { delayMs: 20, maxDelayMs: 100 };
    const fall = (entry: Entry): Entry => server({ exitAfterMs: 150 }, { restart, ...entry });
    const proxy = await startProxy(
      { hidden: fall({ outage: 'hide' }), kept: fall({}), good: server() },
      { unready: true },
    );
    await proxy.greet();
    const all = ['hidden__echo', 'kept__echo', 'good__echo'];
    await until('all tools', async () => {
      const names = await proxy.toolNames();
      return all.every((name) => names.includes(name));
    });
    const clientNotifications = (): number =>
      proxy.clientNotifications('notifications/tools/list_changed').length;
    const before = clientNotifications();
    const critical = async (name: string): Promise<boolean> =>
      (await proxy.status(name))['state'] === 'critical';
    await until(
      'the loop to be noticed',
      async () => (await critical('hidden')) && (await critical('kept')),
      15_000,
    );
    await until('the notice', () => clientNotifications() > before);
    const { restarts } = await proxy.status('hidden');
    // For ever, and not as fast as it falls.
    await until(
      'three more restarts',
      async () => Number((await proxy.status('hidden'))['restarts']) >= (restarts as number) + 3,
    );
    const names = await proxy.toolNames();
    expect(names).not.toContain('hidden__echo');
    expect(names).toContain('kept__echo');
    expect(clientNotifications() - before).toBe(1);
    expect(await proxy.status('kept')).toMatchObject({ state: 'critical', lastFailure: { stage: 'run' } });
    expect(textOf(await proxy.call('good__echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('A01 the next call answers within the time of its own start and 100 ms', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const { startMs } = await proxy.status('a');
    const took: number[] = [];
    for (let i = 0; i < 3; i++) {
      const pid = Number(textOf(await proxy.call('a__pid')));
      process.kill(pid, 'SIGKILL');
      await proxy.logged(
        ({ msg, why }) => msg === 'downstream server failed' && String(why).includes('SIGKILL'),
      );
      const since = performance.now();
      expect(Number(textOf(await proxy.call('a__pid')))).not.toBe(pid);
      took.push(performance.now() - since);
    }
    // Three times its own start, for a machine that does other things as well.
    expect(Math.min(...took)).toBeLessThan(3 * (startMs as number) + 100);
  });
});

describe('a server that lives and answers nothing', () => {
  const health = { intervalMs: 200, timeoutMs: 200 };

  test('is restarted', async () => {
    const proxy = await startProxy({
      a: server({}, { health, timeoutMs: 400, stopGraceMs: 100 }),
      b: server(),
    });
    const pid = Number(textOf(await proxy.call('a__pid')));
    await proxy.call('a__deaf');
    await until('it to be restarted', async () => (await proxy.status('a'))['restarts'] === 1, 8000);
    expect(await proxy.status('a')).toMatchObject({
      lastFailure: { stage: 'probe', what: 'it answered nothing for 2 probes of 200 ms' },
    });
    expect(Number(textOf(await proxy.call('a__pid')))).not.toBe(pid);
    await until('the old one to be gone', () => !isRunning(pid));
  });

  test('is left to work while a call is within its time', async () => {
    const proxy = await startProxy({ a: server({}, { health }), b: server() });
    expect(textOf(await proxy.call('a__block', { ms: 2500 }, 6000))).toBe('blocked');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  });
});

describe('health', () => {
  test('a probe that succeeds does not hide calls that time out', async () => {
    const health = { intervalMs: 100, timeoutMs: 500 };
    const circuitBreaker = { failureThreshold: 1000 };
    const proxy = await startProxy({
      a: server({}, { health, timeoutMs: 150, circuitBreaker }),
      b: server(),
    });
    for (let i = 0; i < 4; i++) await proxy.call('a__hang');
    const status = await proxy.status('a');
    expect(status).toMatchObject({ state: 'unhealthy', restarts: 0 });
    expect(status['health']).toMatchObject({
      level: 'unhealthy',
      reasons: ['4 of the last 4 calls failed'],
      calls: { timeouts: 4 },
      probes: { failedInARow: 0 },
    });
    expect((status['health'] as { probes: { lastMs: number } }).probes.lastMs).toBeLessThan(100);
    for (let i = 0; i < 25; i++) await proxy.call('a__echo');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready' });
  });
});
