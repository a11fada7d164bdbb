/** Servers that go up to their limits, and beyond. */
import { describe, expect, test } from 'vitest';
import { failureOf, type ProxyUnderTest, server, startProxy, textOf } from './proxy-under-test.ts';

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

/** A machine that has more to do is slower than this by itself; a loop that a flood stops is far above it. */
const BUSY_MACHINE_MS = 200;

describe('one of ten servers at all of its limits', () => {
  test('C11 hardly delays the other nine', async () => {
    const healthy = Array.from({ length: 9 }, (_, i) => `h${i}`);
    const limits = { messageBytes: MIB, contentParts: 1000, stderrBytes: 4096 };
    const proxy = await startProxy({
      a: server({}, { limits, maxConcurrency: 4 }),
      ...Object.fromEntries(healthy.map((name) => [name, server()])),
    });
    await roundTrips(proxy, healthy, 10);
    const quietMs = await roundTrips(proxy, healthy, 20);
    let over = false;
    const floods = [
      ['a__large', { bytes: 1.4 * MIB, idFirst: true }],
      ['a__parts', { count: 1001 }],
      ['a__progressFlood', { count: 2000 }],
      ['a__stderr', { bytes: MIB }],
    ] as const;
    const flooding = Promise.all(
      floods.map(async ([name, args]) => {
        let calls = 0;
        for (; !over; calls++) await proxy.answer(proxy.askTool(name, args, NOTED), 15_000);
        return calls;
      }),
    );
    const noisyMs = await roundTrips(proxy, healthy, 20);
    over = true;
    for (const calls of await flooding) expect(calls).toBeGreaterThan(1);
    expect(noisyMs).toBeLessThan(Math.max(2 * quietMs, BUSY_MACHINE_MS));
    expect(await proxy.status('a')).toMatchObject({ restarts: 0 });
  }, 40_000);
});

const NOTED = { _meta: { progressToken: 'mine' } };

/** All servers in turn, so often. @returns the 99th percentile of the time of a call, milliseconds. */
async function roundTrips(proxy: ProxyUnderTest, names: readonly string[], times: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < times; i++)
    for (const name of names) {
      const since = performance.now();
      expect(textOf(await proxy.call(`${name}__echo`, { i }))).toBe(`{"i":${i}}`);
      took.push(performance.now() - since);
    }
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)] as number;
}
