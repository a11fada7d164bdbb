import { asyncHandler } from '../../src/core/answer.ts';
import { describe, expect, test } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { Delivered, ErrorCode } from '../../src/core/errors.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { at, Json } from '../../src/json/json.ts';
import { compose } from '../../src/pipeline/compose.ts';
import { retry } from '../../src/middleware/retry.ts';
import { RetryBudget } from '../../src/middleware/retry-budget.ts';
import { Pool, type PoolOptions, type Spread, type LoadScore } from '../../src/routing/pool.ts';
import { answer, callOf, client, failure } from '../harness/builders.ts';
import { HandClock } from '../harness/clock.ts';
import { proxyWith, server } from './proxy-in-process.ts';

const FAST = { retry: { attempts: 1 }, restart: { delayMs: 20, maxDelayMs: 50 } };

function pooled(strategy: string, options: object = {}) {
  return (folder: string): object => ({
    mcpServers: {
      a: { ...server('a', folder), ...FAST, ...options },
      b: { ...server('b', folder), ...FAST, ...options },
    },
    pools: { p: { members: ['a', 'b'], strategy } },
  });
}

describe('failover', () => {
  test('asks the first member as long as it is well, and the second one while it is not', async () => {
    const proxy = await proxyWith(pooled('failover'));
    await proxy.ready('a', 'b');
    expect([await proxy.who('p__read'), await proxy.who('p__read')]).toEqual(['a', 'a']);
    proxy.fault('a', 'down');
    await proxy.outcome('p__write', { fault: 'crash' });
    await expect.poll(() => proxy.who('p__read')).toBe('b');
    proxy.fault('a', '');
    await expect.poll(() => proxy.who('p__read'), { timeout: 5000 }).toBe('a');
  });

  test('H08 a member that cannot be reached costs no more than one attempt, and the call runs exactly once', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { type: 'http', url: 'http://127.0.0.1:1/mcp', ...FAST },
        b: { ...server('b', folder), ...FAST },
      },
      pools: { p: { members: ['a', 'b'] } },
    }));
    for (let i = 0; i < 5; i++) expect(await proxy.who('p__write', { key: i })).toBe('b');
    expect(proxy.ledger).toEqual([0, 1, 2, 3, 4].map((i) => `${i} write b`));
  });

  test('H07 does not ask again when the first member may already have acted', async () => {
    const proxy = await proxyWith(pooled('failover'));
    await proxy.ready('a', 'b');
    expect(await proxy.outcome('p__write', { fault: 'crash', key: 1 })).toBe('OUTCOME_UNKNOWN');
    expect(proxy.ledger).toEqual(['1 write a']);
  });

  test('asks again when the tool is safe to repeat', async () => {
    const proxy = await proxyWith(pooled('failover', { tools: { safeToRepeat: ['read'] } }));
    await proxy.ready('a', 'b');
    proxy.fault('a', 'crash');
    expect(await proxy.who('p__read')).toBe('b');
  });

  test('H09 with all members down there is a clear error, few attempts, and service again when one is back', async () => {
    const proxy = await proxyWith(pooled('failover'));
    await proxy.ready('a', 'b');
    await proxy.call('p__read');
    for (const name of ['a', 'b']) proxy.fault(name, 'down');
    await proxy.outcome('p__write', { fault: 'crash' });
    await proxy.outcome('p__write', { fault: 'crash' });
    await expect
      .poll(() => proxy.outcome('p__read'), { timeout: 5000 })
      .toMatch(/DOWNSTREAM_UNAVAILABLE|CIRCUIT_OPEN/);
    proxy.fault('b', '');
    await expect.poll(() => proxy.outcome('p__read'), { timeout: 40_000, interval: 100 }).toBe('answered');
  }, 60_000);
});

describe('a pool', () => {
  test('has one set of names, the union of its members, and each tool goes to those who have it', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { ...server('a', folder, 'read'), ...FAST },
        b: { ...server('b', folder, 'read', 'who'), ...FAST },
      },
      pools: { p: { members: ['a', 'b'] } },
    }));
    await proxy.ready('a', 'b');
    expect([await proxy.who('p__read'), await proxy.who('p__who')]).toEqual(['a', 'b']);
    await expect(proxy.call('a__read')).rejects.toThrow(/Unknown tool: "a__read"/);
  });

  test('F11 a tool that a member leaves out is not asked of it', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), tools: { exclude: ['write'] } }, b: server('b', folder) },
      pools: { p: { members: ['a', 'b'] } },
    }));
    await proxy.ready('a', 'b');
    expect([await proxy.who('p__read'), await proxy.who('p__write')]).toEqual(['a', 'b']);
  });

  test('exposeMembers shows the members, too', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: server('a', folder), b: server('b', folder) },
      pools: { p: { members: ['a', 'b'], exposeMembers: true } },
    }));
    await proxy.ready('a', 'b');
    expect([await proxy.who('b__read'), await proxy.who('p__read')]).toEqual(['b', 'a']);
  });

  test('round-robin asks one after the other', async () => {
    const proxy = await proxyWith(pooled('round-robin'));
    await proxy.ready('a', 'b');
    const asked = [];
    for (let i = 0; i < 4; i++) asked.push(await proxy.who('p__read'));
    expect(asked.join('')).toMatch(/^(abab|baba)$/);
  });

  test('least-busy asks the one with the fewest calls under way', async () => {
    const proxy = await proxyWith(pooled('least-busy'));
    await proxy.ready('a', 'b');
    const asked = await Promise.all(Array.from({ length: 8 }, () => proxy.who('p__slow', { ms: 100 })));
    expect(asked.filter((one) => one === 'a').length).toBeGreaterThan(1);
    expect(asked.filter((one) => one === 'b').length).toBeGreaterThan(1);
  });

  test('replicas make a pool of equal processes of one server', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), replicas: 3 } },
    }));
    await proxy.ready('a#1', 'a#2', 'a#3');
    await Promise.all(Array.from({ length: 9 }, () => proxy.call('slow', { ms: 50 })));
    for (const one of ['a#1', 'a#2', 'a#3']) expect(at(await proxy.status(one), 'calls')).toBeGreaterThan(0);
  });
});

const READY: LoadScore = { tier: 0, busy: 0 };

function pool(options: Partial<PoolOptions> = {}): Pool {
  return new Pool({
    key: 'p',
    strategy: 'failover',
    isSafe: () => false,
    budget: new RetryBudget({ ratio: 0.2, min: 3 }),
    clock: new HandClock(),
    ...options,
  });
}

function spread(ask: Spread['ask'], more: Partial<Spread> = {}): Spread {
  return { members: ['a', 'b'], originalName: 'search', scoreOf: () => READY, ask, ...more };
}

describe('who is asked', () => {
  test('nobody is put aside for ever: where none is well, all are candidates', () => {
    expect(pool().order({ members: ['a', 'b'], scoreOf: () => ({ tier: 2, busy: 0 }) })).toEqual(['a', 'b']);
  });

  test('the healthy come before those that come up, and these before those that are down', () => {
    const tiers: Record<string, 0 | 1 | 2> = { a: 2, b: 1, c: 0 };
    const scoreOf = (member: string): LoadScore => ({ tier: tiers[member] ?? 0, busy: 0 });
    expect(pool().order({ members: ['a', 'b', 'c'], scoreOf })).toEqual(['c', 'b', 'a']);
  });

  test('least-busy weighs the calls under way by the recent latency', async () => {
    const clock = new HandClock();
    const one = pool({ strategy: 'least-busy', clock });
    const timed = spread(async (member) => {
      clock.jump(member === 'a' ? 100 : 10);
      return answer();
    });
    await one.send(callOf(), { ...timed, members: ['a'] });
    await one.send(callOf(), { ...timed, members: ['b'] });
    const busy: Record<string, number> = { a: 0, b: 5 };
    const scoreOf = (member: string): LoadScore => ({ tier: 0, busy: busy[member] ?? 0 });
    expect(one.order({ members: ['a', 'b'], scoreOf })).toEqual(['b', 'a']);
    busy['b'] = 20;
    expect(one.order({ members: ['a', 'b'], scoreOf })).toEqual(['a', 'b']);
  });

  test('the answer to a parked question goes to the member that asked, and to its client alone', async () => {
    const asked: string[] = [];
    const one = pool({ strategy: 'round-robin' });
    const question = spread(async (member) => {
      asked.push(member);
      return answer({ resultType: 'input_required', requestState: `state of ${member}` });
    });
    await one.send(callOf(), question);
    await one.send(callOf(), question);
    const params = Json.of({ name: 'search', inputResponses: {}, requestState: 'state of a' });
    for (let i = 0; i < 3; i++) await one.send(callOf('search', { params }), question);
    expect(asked).toEqual(['a', 'b', 'a', 'a', 'a']);
    await one.send(callOf('search', { params, client: client('ben') }), question);
    expect(asked.at(-1)).not.toBeUndefined();
  });

  test('a call that was cancelled does not go on to another member', async () => {
    const signal = new Cancellation();
    const asked: string[] = [];
    const sent = pool().send(
      callOf('search', { signal }),
      spread(async (member) => {
        asked.push(member);
        signal.cancel('enough');
        throw failure('DOWNSTREAM_UNAVAILABLE', false);
      }),
    );
    await expect(sent).rejects.toBeInstanceOf(ProxyError);
    expect(asked).toEqual(['a']);
  });
});

describe('what a client sees: {not delivered, delivered, unknown} × {safe, not safe} × {retry, failover}', () => {
  type Row = [Delivered, boolean, 'retry' | 'failover' | 'both', number, string];
  const table: Row[] = [
    [false, false, 'retry', 2, 'answered'],
    [false, true, 'retry', 2, 'answered'],
    [true, false, 'retry', 1, 'DOWNSTREAM_FAILED true'],
    [true, true, 'retry', 2, 'answered'],
    ['unknown', false, 'retry', 1, 'OUTCOME_UNKNOWN unknown'],
    ['unknown', true, 'retry', 2, 'answered'],
    [false, false, 'failover', 2, 'answered'],
    [false, true, 'failover', 2, 'answered'],
    [true, false, 'failover', 1, 'DOWNSTREAM_FAILED true'],
    [true, true, 'failover', 2, 'answered'],
    ['unknown', false, 'failover', 1, 'OUTCOME_UNKNOWN unknown'],
    ['unknown', true, 'failover', 2, 'answered'],
    ['unknown', false, 'both', 1, 'OUTCOME_UNKNOWN unknown'],
    [false, false, 'both', 2, 'answered'],
  ];

  test.each(table)(
    'delivered %s, safe %s, %s: %i attempts, %s',
    async (delivered, safe, how, attempts, seen) => {
      const clock = new HandClock();
      const budget = new RetryBudget({ ratio: 0.2, min: 3 });
      const asked: string[] = [];
      const ask = async (member: string): Promise<Json> => {
        asked.push(member);
        if (asked.length === 1) throw failure('DOWNSTREAM_FAILED', delivered);
        return answer();
      };
      const members = how === 'retry' ? ['a'] : ['a', 'b'];
      const one = pool({ isSafe: () => safe, budget, clock });
      const again = retry({
        policyOf: () => ({ attempts: how === 'failover' ? 1 : 3, delayMs: 10, maxDelayMs: 10 }),
        isSafe: () => safe,
        budget,
        clock,
        random: () => 0,
      });
      const outcome = compose(
        [again],
        asyncHandler((call) => one.send(call, spread(ask, { members }))),
      )(callOf()).then(
        () => 'answered',
        (error: unknown) =>
          error instanceof ProxyError ? `${error.code} ${error.delivered}` : String(error),
      );
      await clock.pass(1_000);
      expect(await outcome).toBe(seen);
      expect(asked).toHaveLength(attempts);
      if (how !== 'retry' && attempts === 2) expect(asked).toEqual(['a', 'b']);
    },
  );

  test('failover happens once, even if the call is retried', async () => {
    const clock = new HandClock();
    const budget = new RetryBudget({ ratio: 0.2, min: 3 });
    const asked: string[] = [];
    const one = pool({ budget, clock });
    const code: ErrorCode = 'DOWNSTREAM_UNAVAILABLE';
    const again = retry({
      policyOf: () => ({ attempts: 3, delayMs: 10, maxDelayMs: 10 }),
      isSafe: () => false,
      budget,
      clock,
      random: () => 0,
    });
    const down = async (member: string): Promise<Json> => {
      asked.push(member);
      throw failure(code, false, { message: `"${member}" is down.` });
    };
    const outcome = compose(
      [again],
      asyncHandler((call) => one.send(call, spread(down))),
    )(callOf()).then(undefined, (error: unknown) => error);
    await clock.pass(1_000);
    expect(asked).toEqual(['a', 'b', 'a', 'a']);
    expect(await outcome).toMatchObject({ code });
  });
});
