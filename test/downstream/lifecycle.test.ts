import { describe, expect, test } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { Lifecycle, type LifecycleEvents } from '../../src/downstream/lifecycle.ts';
import { ReconnectLimiter } from '../../src/downstream/reconnect-limiter.ts';
import { HandClock } from '../harness/clock.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

class Connection implements LifecycleEvents {
  closed = false;
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

interface Setup {
  readonly connect?: () => Promise<Connection>;
  readonly restart?: { enabled: boolean; delayMs: number; maxDelayMs: number };
}

function lifeOf({ connect = () => Promise.resolve(new Connection()), restart }: Setup = {}) {
  const clock = new HandClock();
  const from = clock.now();
  const starts: number[] = [];
  const life = new Lifecycle<Connection>({
    server: 'a',
    connect: () => {
      starts.push(clock.now() - from);
      return connect();
    },
    up: () => {},
    changed: () => {},
    restart: restart ?? { enabled: true, delayMs: 500, maxDelayMs: 30_000 },
    reconnects: new ReconnectLimiter({ atOnce: 8, longestMs: 2000, clock }),
    clock,
    random: () => 0.5,
    log,
  });
  const fall = (): void => {
    const { connection } = life;
    if (connection)
      life.lost(
        connection,
        new ProxyError('DOWNSTREAM_FAILED', { message: 'it fell', delivered: 'unknown' }),
      );
  };
  return { clock, life, starts, fall };
}

const refused = (): Promise<Connection> => Promise.reject(new Error('refused'));

describe('the life of a server', () => {
  test('the first restart comes at once, later ones after pauses that grow to maxDelayMs, for ever', async () => {
    const { clock, life, starts } = lifeOf({ connect: refused });
    life.start();
    await clock.pass(3_600_000);
    const pauses = starts.slice(1).map((at, i) => at - (starts[i] as number));
    expect(pauses[0]).toBe(0);
    expect(pauses.slice(1, 4)).toEqual([500, 1000, 1750]);
    expect(Math.max(...pauses)).toBe(30_000);
    expect(pauses.at(-1)).toBe(30_000);
    expect(life.restarts).toBe(starts.length - 1);
  });

  test('a call joins the start under way, and 20 calls make one start', async () => {
    let open: (connection: Connection) => void = () => {};
    const { clock, life, starts } = lifeOf({ connect: () => new Promise((resolve) => (open = resolve)) });
    const calls = Array.from({ length: 20 }, () => life.ready(new Cancellation()));
    await clock.pass(10);
    open(new Connection());
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    expect(starts).toHaveLength(1);
  });

  test('a call brings a restart forward, but calls make no storm of starts', async () => {
    const { clock, life, starts } = lifeOf({ connect: refused });
    life.start();
    await clock.pass(1700);
    const before = starts.length;
    for (let i = 0; i < 100; i++) {
      life.ready(new Cancellation()).catch(() => {});
      await clock.pass(10);
    }
    expect(starts.length - before).toBeLessThanOrEqual(4);
    expect(starts.length - before).toBeGreaterThanOrEqual(1);
  });

  test('a call that gives up while it waits is told so, and the start goes on', async () => {
    let open: (connection: Connection) => void = () => {};
    const { clock, life } = lifeOf({ connect: () => new Promise((resolve) => (open = resolve)) });
    const signal = new Cancellation();
    const call = life.ready(signal);
    queueMicrotask(() => signal.cancel('no longer wanted'));
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED', delivered: false });
    open(new Connection());
    await clock.pass(0);
    expect(life.phase).toBe('up');
  });

  test('a server that falls soon after each start is critical until it has stayed up for 10 seconds', async () => {
    const { clock, life, fall } = lifeOf();
    life.start();
    for (let i = 0; i < 8 && !life.critical; i++) {
      await clock.pass(100);
      fall();
      await clock.pass(30_000 - 25_000 + i);
    }
    expect(life.critical).toBe(true);
    expect(life.phase).toBe('up');
    await clock.pass(11_000);
    expect(life.critical).toBe(false);
  });

  test('a server that could not be reached for an hour is well with the first connection', async () => {
    let there = false;
    const { clock, life } = lifeOf({
      connect: () => (there ? Promise.resolve(new Connection()) : refused()),
    });
    life.start();
    await clock.pass(3_600_000);
    expect(life.critical).toBe(true);
    there = true;
    await clock.pass(30_000);
    expect(life).toMatchObject({ phase: 'up', critical: false });
  });

  test('a falling server that has been up for long starts at once again', async () => {
    const { clock, life, starts, fall } = lifeOf();
    life.start();
    await clock.pass(60_000);
    fall();
    await clock.pass(0);
    expect(starts).toEqual([0, 60_000]);
  });

  test('without restarts it stays down, and a call says why', async () => {
    const { clock, life, starts } = lifeOf({
      connect: refused,
      restart: { enabled: false, delayMs: 1, maxDelayMs: 1 },
    });
    life.start();
    await clock.pass(100_000);
    expect(starts).toHaveLength(1);
    expect(life.critical).toBe(true);
    await expect(life.ready(new Cancellation())).rejects.toMatchObject({
      code: 'DOWNSTREAM_UNAVAILABLE',
      message: '"a" is not available: refused.',
    });
  });

  test('E10 a server that asks to wait is not asked before, not even for a call', async () => {
    const wait = { message: 'wait', delivered: false, retryAfterMs: 20_000 } as const;
    const { clock, life, starts } = lifeOf({
      connect: () => Promise.reject(new ProxyError('RATE_LIMITED', wait)),
    });
    life.start();
    await clock.pass(100);
    await expect(life.ready(new Cancellation())).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterMs: 19_900,
    });
    await clock.pass(19_800);
    expect(starts).toHaveLength(1);
    await clock.pass(200);
    expect(starts).toHaveLength(2);
  });

  test('closed, it leaves no timer behind and starts nothing more', async () => {
    const { clock, life, starts } = lifeOf({ connect: refused });
    life.start();
    await clock.pass(1000);
    const before = starts.length;
    await life.close();
    await clock.pass(100_000);
    expect(starts).toHaveLength(before);
    expect(clock.waiting).toBe(0);
    await expect(life.ready(new Cancellation())).rejects.toMatchObject({ delivered: false });
  });
});

describe('E11 50 servers that come back at once', () => {
  test('reconnect eight at a time', async () => {
    const clock = new HandClock();
    const turns = new ReconnectLimiter({ atOnce: 8, longestMs: 2000, clock });
    let now = 0;
    let most = 0;
    await Promise.all([
      ...Array.from({ length: 50 }, async () => {
        const giveUp = await turns.take();
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => clock.after(100, resolve));
        now--;
        giveUp();
        giveUp();
      }),
      clock.pass(10_000),
    ]);
    expect(most).toBe(8);
    expect(now).toBe(0);
  });

  test('one that hangs gives its turn up', async () => {
    const clock = new HandClock();
    const turns = new ReconnectLimiter({ atOnce: 1, longestMs: 2000, clock });
    await turns.take();
    let came = false;
    void turns.take().then(() => (came = true));
    await clock.pass(1999);
    expect(came).toBe(false);
    await clock.pass(2);
    expect(came).toBe(true);
  });
});
