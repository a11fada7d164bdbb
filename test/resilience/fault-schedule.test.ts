import { expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { proxyWith, server } from './proxy-in-process.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
const POOLS = ['p', 'q', 'r', 's', 't'];
const FAULTS = [
  '',
  '',
  '',
  'crash',
  'crash-before',
  'hang',
  'hang-before',
  'isError',
  'invalid',
  'down',
  'slow:40',
];
const ROUNDS = 12;
const CALLS_A_ROUND = 60;

/** The same faults in the same order for one seed; what meets what is up to the machine. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

test('K03 a random fault schedule over ten servers loses no call and runs none twice', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
  const roll = dice(seed);
  const options = {
    timeoutMs: 150,
    maxTimeoutMs: 2_000,
    restart: { delayMs: 20, maxDelayMs: 100 },
    retry: { attempts: 3, delayMs: 10, maxDelayMs: 100 },
    circuitBreaker: { recoveryTimeoutMs: 100 },
    maxConcurrency: 4,
    maxQueue: 8,
    tools: { safeToRepeat: ['read'] },
  };
  const proxy = await proxyWith((folder) => ({
    defaults: options,
    mcpServers: Object.fromEntries(NAMES.map((name) => [name, server(name, folder)])),
    pools: Object.fromEntries(
      POOLS.map((pool, i) => [
        pool,
        {
          members: NAMES.slice(2 * i, 2 * i + 2),
          strategy: ['failover', 'round-robin', 'least-busy'][i % 3],
        },
      ]),
    ),
  }));
  await proxy.ready(...NAMES);
  const outcomes = new Map<string, ProxyError | 'answered' | 'refused'>();
  const calls: Promise<void>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of NAMES) proxy.fault(name, FAULTS[roll(FAULTS.length)] as string);
    for (let i = 0; i < CALLS_A_ROUND; i++) {
      const tool = roll(3) === 0 ? 'read' : 'write';
      const key = `${tool}-${round}-${i}`;
      const called = proxy.call(`${POOLS[roll(POOLS.length)]}__${tool}`, { key }).then(
        () => void outcomes.set(key, 'answered'),
        (error: unknown) => void outcomes.set(key, error instanceof ProxyError ? error : 'refused'),
      );
      calls.push(called);
    }
    await new Promise((done) => setTimeout(done, 60 + roll(120)));
  }
  for (const name of NAMES) proxy.fault(name, '');
  await Promise.all(calls);
  expect(outcomes.size, `seed ${seed}`).toBe(ROUNDS * CALLS_A_ROUND);

  const runs = new Map<string, number>();
  for (const line of proxy.ledger)
    runs.set(line.split(' ')[0] as string, (runs.get(line.split(' ')[0] as string) ?? 0) + 1);
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  for (const [key, outcome] of outcomes) {
    const count = runs.get(key) ?? 0;
    const what = outcome instanceof ProxyError ? `${outcome.code} ${outcome.delivered}` : outcome;
    seen.set(what, (seen.get(what) ?? 0) + 1);
    const mayRepeat = key.startsWith('read');
    const fits =
      outcome instanceof ProxyError
        ? outcome.delivered === false
          ? count === 0
          : mayRepeat || count <= 1
        : mayRepeat
          ? count >= 1
          : count === 1;
    if (!fits) wrong.push(`${key}: ${what}, ran ${count} times`);
  }
  expect(wrong, `seed ${seed}`).toEqual([]);
  // A schedule in which nothing fails, or nothing works, would prove nothing.
  expect(seen.get('answered'), `seed ${seed}: ${JSON.stringify([...seen])}`).toBeGreaterThan(100);
  expect(seen.size, `seed ${seed}`).toBeGreaterThan(3);

  for (const pool of POOLS)
    await expect
      .poll(() => proxy.outcome(`${pool}__read`), { timeout: 20_000, interval: 100 })
      .toBe('answered');
}, 60_000);
