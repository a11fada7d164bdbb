import { describe, expect, test } from 'vitest';
import type { Cancellation } from '../../../src/core/cancellation.ts';
import { Health } from '../../../src/downstream/health/health.ts';
import { type Probed, HealthChecker } from '../../../src/downstream/health/health-check.ts';
import { HandClock } from '../../harness/clock.ts';

const MINUTE = 60_000;

function healthOf(): { clock: HandClock; health: Health } {
  const clock = new HandClock();
  return { clock, health: new Health(clock) };
}

describe('the health of a server', () => {
  test('is good with nothing known, and with calls that succeed', () => {
    const { clock, health } = healthOf();
    expect(health.level).toBe('healthy');
    for (let i = 0; i < 500; i++) health.call('ok', 5, clock.now());
    expect(health.report).toMatchObject({ level: 'healthy', reasons: [], calls: { count: 100, errors: 0 } });
  });

  test.each([
    [1, 0, 'healthy'],
    [2, 0, 'degraded'],
    [3, 0, 'unhealthy'],
    [10, 0, 'critical'],
    [10, 3, 'unhealthy'],
    [10, 5, 'degraded'],
    [10, 20, 'healthy'],
  ] as const)('after %i failures and %i successes is %s', (failures, successes, level) => {
    const { clock, health } = healthOf();
    for (let i = 0; i < failures; i++) health.call(i % 2 ? 'error' : 'timeout', 100, clock.now());
    for (let i = 0; i < successes; i++) health.call('ok', 5, clock.now());
    expect(health.level).toBe(level);
  });

  test('forgets what is older than two minutes', async () => {
    const { clock, health } = healthOf();
    for (let i = 0; i < 10; i++) health.call('timeout', 100, clock.now());
    await clock.pass(2 * MINUTE + 1);
    expect(health.report).toMatchObject({ level: 'healthy', calls: { count: 0 } });
  });

  test('is the worse of what calls and probes say', () => {
    const { clock, health } = healthOf();
    for (let i = 0; i < 4; i++) health.call('error', 100, clock.now());
    for (let i = 0; i < 10; i++) health.probe(1);
    expect(health.level).toBe('unhealthy');
    const { clock: otherClock, health: other } = healthOf();
    for (let i = 0; i < 50; i++) other.call('ok', 1, otherClock.now());
    other.probe(undefined);
    expect(other.level).toBe('degraded');
    other.probe(undefined);
    other.probe(undefined);
    expect(other.report).toMatchObject({ level: 'critical', reasons: ['did not answer the last 3 probes'] });
  });

  test('suffers when it is much slower than is usual for it, not when it always was', async () => {
    const { clock, health } = healthOf();
    for (let minute = 0; minute < 20; minute++) {
      for (let i = 0; i < 30; i++) health.call('ok', 400, clock.now());
      await clock.pass(MINUTE);
    }
    expect(health.level).toBe('healthy');
    expect(health.report.calls.usualP95Ms).toBeGreaterThan(350);
    for (let i = 0; i < 100; i++) health.call('ok', 3000, clock.now());
    expect(health.level).toBe('degraded');
    expect(health.report.reasons[0]).toMatch(/^slow: 95 % of the calls within 3000 ms, usually \d+ ms$/);
  });

  test('says for how long it has been slowing', async () => {
    const { clock, health } = healthOf();
    for (let minute = 0; minute < 50; minute++) {
      const slower = Math.max(0, minute - 29);
      for (let i = 0; i < 10; i++) health.call('ok', 100 + slower * 10, clock.now());
      await clock.pass(MINUTE);
    }
    expect(health.report.reasons).toEqual([expect.stringMatching(/^has been slowing for (19|20) minutes$/)]);
    for (let minute = 0; minute < 3; minute++) {
      for (let i = 0; i < 10; i++) health.call('ok', 100, clock.now());
      await clock.pass(MINUTE);
    }
    expect(health.level).toBe('healthy');
  });

  test('a trend of noise is none', async () => {
    const { clock, health } = healthOf();
    for (let minute = 0; minute < 60; minute++) {
      for (let i = 0; i < 10; i++) health.call('ok', 100 + ((minute * 37) % 40), clock.now());
      await clock.pass(MINUTE);
    }
    expect(health.report.slowingForMs).toBeUndefined();
  });
});

describe('probing', () => {
  interface Server {
    answers: boolean;
    busy: boolean;
    heard: number;
    /** Whether it answers what it has answered before; absent: it has answered nothing. */
    lists?: boolean;
  }

  function proberOf(server: Server) {
    const clock = new HandClock();
    const from = clock.now();
    const results: (number | undefined)[] = [];
    const deaths: string[] = [];
    const asked: number[] = [];
    const lists: number[] = [];
    const unknowing: number[] = [];
    const silence = (signal: Cancellation): Promise<never> =>
      new Promise((_, reject) => signal.onCancel((why) => reject(new Error(why))));
    const prober = new HealthChecker({
      intervalMs: 30_000,
      timeoutMs: 5000,
      clock,
      random: () => 0.5,
      result: (ms) => results.push(ms),
      dead: (what) => deaths.push(what),
      unknowing: () => unknowing.push(clock.now() - from),
    });
    const probed: Probed = {
      probe: (signal) => {
        asked.push(clock.now() - from);
        return server.answers ? Promise.resolve() : silence(signal);
      },
      otherwise: (signal) => {
        if (server.lists === undefined) return undefined;
        lists.push(clock.now() - from);
        return server.lists ? Promise.resolve() : silence(signal);
      },
      heard: () => server.heard,
      busy: () => server.busy,
    };
    prober.start(probed);
    return { clock, prober, probed, results, deaths, asked, lists, unknowing };
  }

  test('happens every 30 seconds', async () => {
    const { clock, asked, results } = proberOf({ answers: true, busy: false, heard: 0 });
    await clock.pass(100_000);
    expect(asked).toEqual([30_000, 60_000, 90_000]);
    expect(results).toEqual([0, 0, 0]);
  });

  test('takes a server that answers nothing for dead after two probes', async () => {
    const { clock, deaths, results } = proberOf({ answers: false, busy: false, heard: 0 });
    await clock.pass(39_999);
    expect(deaths).toEqual([]);
    await clock.pass(1);
    expect(deaths).toEqual(['it answered nothing for 2 probes of 5000 ms']);
    expect(results).toEqual([undefined]);
  });

  test('asks a server that has never answered one for what it has answered before, and says so once', async () => {
    const { clock, prober, probed, deaths, results, asked, lists, unknowing } = proberOf({
      answers: false,
      busy: false,
      heard: 0,
      lists: true,
    });
    await clock.pass(100_000);
    expect(deaths).toEqual([]);
    expect(asked).toEqual([30_000]);
    expect(lists).toEqual([35_000, 65_000, 95_000]);
    expect(results).toEqual([0, 0, 0]);
    // Another life may know them.
    prober.start(probed);
    await clock.pass(36_000);
    expect(asked).toHaveLength(2);
    expect(unknowing).toEqual([35_000]);
  });

  test('takes one for dead that answers neither, as soon as any other', async () => {
    const { clock, deaths, lists } = proberOf({ answers: false, busy: false, heard: 0, lists: false });
    await clock.pass(39_999);
    expect([deaths, lists]).toEqual([[], [35_000]]);
    await clock.pass(1);
    expect(deaths).toHaveLength(1);
  });

  test('takes one for dead that has answered before and no longer does', async () => {
    const server = { answers: true, busy: false, heard: 0, lists: true };
    const { clock, deaths, lists, results } = proberOf(server);
    await clock.pass(31_000);
    server.answers = false;
    await clock.pass(39_000);
    expect(deaths).toHaveLength(1);
    expect([lists, results]).toEqual([[], [0, undefined, undefined]]);
  });

  test('leaves a server alone that has a call to work on, or that says something', async () => {
    const server = { answers: false, busy: true, heard: 0 };
    const { clock, deaths, results } = proberOf(server);
    await clock.pass(200_000);
    server.busy = false;
    for (let i = 0; i < 100; i++) {
      server.heard++;
      await clock.pass(1000);
    }
    expect([deaths, results]).toEqual([[], []]);
  });

  test('stopped, it leaves no timer behind', async () => {
    const { clock, prober } = proberOf({ answers: false, busy: false, heard: 0 });
    await clock.pass(31_000);
    prober.stop();
    await clock.pass(100_000);
    expect(clock.waiting).toBe(0);
  });
});
