import { afterEach, describe, expect, test } from 'vitest';
import { failureOf, startProxy, textOf } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { type LegacySessions, legacySessions } from '../fixtures/http/legacy-sessions.ts';

let remote: LegacySessions | undefined;

afterEach(async () => {
  await remote?.close();
});

const entry = (url: string): Record<string, unknown> => ({ type: 'http', url, protocol: '2025-11-25' });

function methodsOf({ seen }: LegacySessions, method: string): number {
  return seen.filter((one) => one.method === method).length;
}

describe('a remote server', () => {
  test('E09 that has lost the session gets one new one, and calls that it did not take are made once more', async () => {
    remote = await legacySessions();
    const proxy = await startProxy({ a: entry(remote.url('a')), b: entry(remote.url('b')) });
    expect(textOf(await proxy.call('a__write'))).toBe('written');
    remote.forget();
    remote.seen.length = 0;
    const answers = await Promise.all(Array.from({ length: 10 }, () => proxy.call('a__write')));
    expect(answers.map(textOf)).toEqual(Array.from({ length: 10 }, () => 'written'));
    expect(remote.seen.filter(({ path, method }) => path === 'a' && method === 'initialize')).toHaveLength(1);
    // Each twice at most: refused once, taken once.
    expect(methodsOf(remote, 'tools/call')).toBeLessThanOrEqual(20);
  });

  test('E10 that asks to wait is left alone until then; the others are not', async () => {
    remote = await legacySessions();
    const limited = await legacySessions();
    try {
      const retry = { attempts: 1 };
      const proxy = await startProxy({ a: { ...entry(limited.url('a')), retry }, b: entry(remote.url('b')) });
      expect(textOf(await proxy.call('a__write'))).toBe('written');
      limited.refuse({ status: 429, headers: { 'retry-after': '1' } });
      limited.seen.length = 0;
      const first = await proxy.call('a__write');
      expect(failureOf(first)).toMatchObject({ code: 'RATE_LIMITED', delivered: false, retryAfterMs: 1000 });
      for (let i = 0; i < 20; i++)
        expect(failureOf(await proxy.call('a__write'))?.['code']).toBe('RATE_LIMITED');
      expect(methodsOf(limited, 'tools/call')).toBe(1);
      expect(textOf(await proxy.call('b__write'))).toBe('written');
      limited.refuse(undefined);
      await until(
        'it to be asked again',
        async () => textOf(await proxy.call('a__write')) === 'written',
        3000,
      );
      expect(methodsOf(limited, 'tools/call')).toBe(2);
    } finally {
      await limited.close();
    }
  });

  test('E10 that refuses every login is asked with growing pauses, and calls say what is missing', async () => {
    remote = await legacySessions();
    remote.refuse({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    const proxy = await startProxy(
      {
        a: { ...entry(remote.url('a')), headers: { Authorization: 'Bearer old' } },
        b: entry(remote.url('b')),
      },
      { unready: true },
    );
    await proxy.greet();
    const pauses = (): number[] =>
      proxy.log.flatMap(({ server, restartInMs }) => (server === 'a' ? [Number(restartInMs ?? 0)] : []));
    await until('the third try', () => pauses().length >= 3, 10_000);
    const [first, second, third] = pauses();
    expect([first, second]).toEqual([0, 500]);
    expect(third).toBeGreaterThan(500);
    expect((await proxy.status('a'))['lastFailure']).toMatchObject({
      stage: 'start',
      what: expect.stringContaining('wants a login') as string,
    });
    // Without credentials from the config it takes somebody to log in.
    expect(remote.seen.filter(({ path }) => path === 'b').length).toBe(1);
    expect((await proxy.status('b'))['lastFailure']).toMatchObject({
      what: expect.stringContaining('switchyard login b') as string,
    });
  });

  test('E11 50 of them that come back at once are greeted a few at a time', async () => {
    remote = await legacySessions();
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    const proxy = await startProxy(
      Object.fromEntries(names.map((name) => [name, entry(remote?.url(name) ?? '')])),
    );
    await until('all lists', async () => (await proxy.toolNames()).length === 50);
    remote.forget();
    remote.greetingMs = 30;
    remote.mostGreetings = 0;
    const answers = await Promise.all(names.map((name) => proxy.call(`${name}__write`, {}, 10_000)));
    expect(answers.map(textOf)).toEqual(names.map(() => 'written'));
    expect(remote.mostGreetings).toBeLessThanOrEqual(8);
    expect(methodsOf(remote, 'initialize')).toBe(100);
  });
});
