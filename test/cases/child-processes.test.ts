import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRunning } from '../harness/processes.ts';
import { failureOf, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const MIB = 1024 * 1024;
/** What a call is told that may or may not have taken effect: plainly, or in answer to whether it may go again. */
const FAILED: unknown = expect.stringMatching(/^(?:DOWNSTREAM_FAILED|OUTCOME_UNKNOWN)$/);

describe('a child process that dies', () => {
  test('A01 fails all 20 calls in flight at once, and the next call works', async () => {
    const proxy = await startProxy({ a: server({}, { maxConcurrency: 32 }), b: server() });
    const pid = Number(textOf(await proxy.call('a__pid')));
    const calls = Array.from({ length: 20 }, () => proxy.askTool('a__hang'));
    await until('the calls to be in flight', async () => (await proxy.status('a'))['inFlight'] === 20);
    process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(calls.map((id) => proxy.answer(id, 1000)));
    for (const answer of answers) {
      expect(answer.result?.['isError']).toBe(true);
      expect(textOf(answer)).toContain('"a" was ended by SIGKILL.');
      expect(failureOf(answer)).toEqual({ code: FAILED, server: 'a', delivered: 'unknown' });
    }
    const again = Number(textOf(await proxy.call('a__pid')));
    expect(again).toBeGreaterThan(0);
    expect(again).not.toBe(pid);
    expect(textOf(await proxy.call('b__echo', { still: 'here' }))).toBe('{"still":"here"}');
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 1 });
  });

  test('A03 is found dead while its grandchild holds the pipe; the grandchild is ended and the server restarted', async () => {
    const proxy = await startProxy({ a: server({ grandchild: true }), b: server() });
    await until('the grandchild', () => proxy.descendants.length === 3);
    const before = proxy.descendants;
    const hanging = proxy.askTool('a__hang');
    const killing = proxy.askTool('a__kill');
    for (const id of [hanging, killing])
      expect(failureOf(await proxy.answer(id, 1000))?.['code']).toEqual(FAILED);
    expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
    await until('the old group to be gone', () => before.filter(isRunning).length === 1);
    expect(proxy.descendants).toHaveLength(3);
  });

  test('A05 in startup is told of with its last words, without secrets', async () => {
    const say = 'Reading settings\nError: token ghp_abcdefghijklmnop1234 was refused, also hunter2secret';
    const bad = server({ exitAtStart: { code: 1, say } }, { env: { PASSWORD: 'hunter2secret' } });
    const proxy = await startProxy({ good: server(), bad }, { unready: true });
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('good__echo');
    const { lastFailure, state } = await proxy.status('bad');
    expect(['starting', 'unhealthy', 'critical']).toContain(state);
    expect(lastFailure).toMatchObject({
      what: expect.stringContaining('ended with exit code 1. It said: ') as string,
    });
    const refusal = await proxy.call('bad__echo');
    expect(refusal.result).toMatchObject({ isError: true });
    expect(textOf(refusal)).toContain('ended with exit code 1. It said: ');
    expect(JSON.stringify(proxy.messages) + proxy.stderr).not.toMatch(/hunter2|ghp_/);
  });

  test('A06 before it lived, not found or not executable, costs the others nothing and no storm of starts', async () => {
    const plain = join(temporaryFolder('case'), 'plain-file');
    writeFileSync(plain, '#!/bin/sh\n');
    chmodSync(plain, 0o644);
    const restart = { delayMs: 100, maxDelayMs: 400 };
    const proxy = await startProxy(
      {
        good: server(),
        missing: { command: 'no-such-command-anywhere', restart },
        plain: { command: plain, restart },
      },
      { unready: true },
    );
    await proxy.greet();
    expect(await proxy.toolNames()).toContain('good__echo');
    const failures = (): number =>
      proxy.log.filter(({ msg, server: of }) => msg === 'downstream server failed' && of === 'missing')
        .length;
    await until('it to be critical', async () => (await proxy.status('missing'))['state'] === 'critical');
    expect((await proxy.status('missing'))['lastFailure']).toMatchObject({
      what: '"missing" did not start: the command "no-such-command-anywhere" was not found. Is it on the PATH of this process?',
    });
    expect((await proxy.status('plain'))['lastFailure']).toMatchObject({
      what: expect.stringContaining('may not be executed') as string,
    });
    expect(failures()).toBeLessThan((performance.now() - proxy.startedAt) / 100 + 2);
    expect(textOf(await proxy.call('good__echo', { n: 1 }))).toBe('{"n":1}');
  });

  test('A12 over and over, right after its start, is restarted for ever with pauses, and called critical', async () => {
    const restart = { delayMs: 100, maxDelayMs: 400 };
    const proxy = await startProxy(
      { good: server(), crashing: server({ exitAfterMs: 100 }, { restart }) },
      { unready: true },
    );
    await proxy.greet();
    const failed = (): number =>
      proxy.log.filter(({ msg, server: of }) => msg === 'downstream server failed' && of === 'crashing')
        .length;
    await until(
      'it to be critical',
      async () => (await proxy.status('crashing'))['state'] === 'critical',
      10_000,
    );
    expect(failed()).toBeGreaterThanOrEqual(5);
    const waits = proxy.log
      .filter(({ server: of }) => of === 'crashing')
      .flatMap(({ restartInMs }) => restartInMs ?? []);
    expect(waits[0]).toBe(0);
    for (const wait of waits.slice(1)) {
      expect(wait).toBeGreaterThanOrEqual(100);
      expect(wait).toBeLessThanOrEqual(400);
    }
    const so = failed();
    await until('it to be tried again all the same', () => failed() > so);
    // An outage keeps its tools listed.
    expect(await proxy.toolNames()).toContain('crashing__echo');
    expect(textOf(await proxy.call('good__echo', { n: 1 }))).toBe('{"n":1}');
  });
});

describe('stopping the proxy', () => {
  test('A02 takes the grandchild of a wrapper along', async () => {
    const proxy = await startProxy({ a: server({ grandchild: true }) });
    await until('the grandchild', () => proxy.descendants.length === 2);
    expect(await proxy.stop(2000)).toBe(0);
    expect(proxy.descendants).toEqual([]);
  });

  test('A04 takes bounded time with a child that ignores the end of its input and SIGTERM', async () => {
    const proxy = await startProxy({
      a: server({ ignoreEof: true, ignoreTerm: true }, { stopGraceMs: 200 }),
    });
    const since = performance.now();
    expect(await proxy.stop(2000)).toBe(0);
    expect(performance.now() - since).toBeGreaterThan(390);
    expect(proxy.descendants).toEqual([]);
  });
});

describe('the pipes of a child process', () => {
  test('A07 may carry banners before and between messages: skipped, counted, warned of once', async () => {
    const proxy = await startProxy({
      a: server({ banner: 'Welcome!\n\u001b[32mready\u001b[0m\n[INFO] up\n' }),
    });
    for (let i = 0; i < 3; i++) expect(textOf(await proxy.call('banner'))).toBe('after the banner');
    expect((await proxy.status('a'))['skipped']).toEqual({ 'a line that is no message was skipped': 12 });
    expect(proxy.log.filter(({ msg }) => msg === 'skipped')).toHaveLength(1);
  });

  test('A08 are drained of 50 MB on stderr, which floods nobody', async () => {
    const proxy = await startProxy({ a: server() }, { config: { log: { level: 'debug' } } });
    expect(textOf(await proxy.call('stderr', { bytes: 50 * MIB }, 20_000))).toBe('done');
    expect(proxy.stderr.length).toBeLessThan(2 * MIB);
  });

  test('A09 carry 11 MB; 64 MB cost only the call that they answer', async () => {
    const proxy = await startProxy({ a: server() });
    const passes = proxy.askTool('large', { bytes: 11 * MIB, idFirst: true });
    const tooLarge = [true, false].map((idFirst) => proxy.askTool('large', { bytes: 64 * MIB, idFirst }));
    const neighbour = proxy.askTool('echo', { n: 1 });
    for (const id of tooLarge) {
      const answer = await proxy.answer(id, 15_000);
      expect(failureOf(answer)).toEqual({ code: 'RESULT_TOO_LARGE', server: 'a', delivered: true });
    }
    expect(textOf(await proxy.answer(neighbour))).toBe('{"n":1}');
    expect(textOf(await proxy.answer(passes)).length).toBeGreaterThan(6 * MIB);
    expect(await proxy.status('a')).toMatchObject({ state: 'ready', restarts: 0 });
  }, 20_000);

  test('A10 carry text to the letter when it comes byte by byte', async () => {
    const proxy = await startProxy({ a: server() });
    const text = 'grüße 🦊 line\u2028separator \u2029 日本 \r\n end';
    expect(textOf(await proxy.call('bytes', { text }))).toBe(text);
    proxy.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/unknown', params: { text } }) + '\r');
    expect(textOf(await proxy.call('echo', { text }))).toBe(JSON.stringify({ text }));
  });

  test('A11 that a child does not read fill up to a bound; what is beyond is refused as BUSY', async () => {
    // 320 MB will be sent: what is kept of it has to fit.
    const env = { NODE_OPTIONS: '--max-old-space-size=384' };
    const entry = { timeoutMs: 1500, maxConcurrency: 5000, circuitBreaker: { failureThreshold: 5000 } };
    const proxy = await startProxy({ a: server({}, entry), b: server() }, { env });
    await proxy.call('a__deaf');
    const payload = 'x'.repeat(64 * 1024);
    const calls: (number | string)[] = [];
    for (let i = 0; i < 5000; i++) {
      calls.push(proxy.askTool('a__echo', { payload }));
      if (proxy.child.stdin?.writableNeedDrain)
        await new Promise((resolve) => proxy.child.stdin?.once('drain', resolve));
    }
    expect(textOf(await proxy.call('b__echo', { n: 1 }, 5000))).toBe('{"n":1}');
    const codes = new Map<unknown, number>();
    for (const id of calls) {
      const code = failureOf(await proxy.answer(id, 10_000))?.['code'];
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect([...codes.keys()].sort()).toEqual(['BUSY', 'TIMEOUT']);
    expect(codes.get('BUSY')).toBeGreaterThan(3500);
  }, 30_000);
});

describe('the environment of a child process', () => {
  test('A17 holds only what is allowed, and no secret of the proxy', async () => {
    const proxy = await startProxy(
      { a: server({}, { env: { OWN: 'own', GIVEN: '${MY_TOKEN}' } }) },
      {
        env: { MY_TOKEN: 'given-secret', OTHER_SECRET: 'never-seen', ALICE: 'alice-token' },
        config: { http: { tokens: { alice: '${ALICE}' } } },
      },
    );
    const env = JSON.parse(textOf(await proxy.call('env'))) as Record<string, string>;
    expect(env).toMatchObject({ OWN: 'own', GIVEN: 'given-secret', PATH: process.env['PATH'] });
    expect(env).not.toHaveProperty('MY_TOKEN');
    expect(JSON.stringify(env)).not.toMatch(/never-seen|alice-token/);
    expect(proxy.stderr).not.toMatch(/given-secret|never-seen|alice-token/);
    const allowed =
      /^(?:OWN|GIVEN|HOME|LOGNAME|PATH|SHELL|TERM|USER|LANG|TZ|TMPDIR|(?:https?|no|all)_proxy|SWITCHYARD_\w+|npm_\w+|NODE_EXTRA_CA_CERTS|XDG_\w+|LC_\w+)$/i;
    expect(Object.keys(env).filter((name) => !allowed.test(name))).toEqual([]);
  });
});
