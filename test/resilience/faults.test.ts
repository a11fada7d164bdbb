import { describe, expect, test } from 'vitest';
import { at } from '../../src/json/json.ts';
import { client } from '../harness/builders.ts';
import { until } from '../harness/until.ts';
import { proxyWith, server } from './proxy-in-process.ts';

const FAST = { retry: { attempts: 3, delayMs: 5, maxDelayMs: 20 }, restart: { delayMs: 10, maxDelayMs: 50 } };

describe('circuitBreaker', () => {
  test('H01 H03 a server that crashes at every call is left alone after the fifth', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), ...FAST } },
    }));
    for (let i = 0; i < 5; i++)
      expect(await proxy.outcome('write', { fault: 'crash' })).toBe('OUTCOME_UNKNOWN');
    const opened = proxy.log.filter(({ message }) => message === 'circuit opened');
    expect(opened.map(({ facts }) => facts['server'])).toContain('a');
    expect(proxy.ledger).toHaveLength(5);
  });

  test('H03 an open circuit refuses at once, tells when to come back, and nothing reaches the server', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { ...server('a', folder), ...FAST, timeoutMs: 50, circuitBreaker: { failureThreshold: 2 } },
      },
    }));
    for (const tool of ['write', 'slow'])
      expect(await proxy.outcome(tool, { fault: 'hang' })).toBe('TIMEOUT');
    const reached = proxy.ledger.length;
    for (let i = 0; i < 100; i++)
      await expect(proxy.call('read')).rejects.toMatchObject({
        code: 'CIRCUIT_OPEN',
        delivered: false,
        server: 'a',
      });
    expect(proxy.ledger).toHaveLength(reached);
    const { breaker } = await proxy.status('a');
    expect(breaker).toMatchObject({ state: 'open' });
    expect(at(breaker, 'retryAfterMs')).toBeGreaterThan(29_000);
  });

  test('opens again and closes again, as its numbers say', async () => {
    const circuitBreaker = { failureThreshold: 1, recoveryTimeoutMs: 100, successThreshold: 1 };
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), ...FAST, timeoutMs: 300, circuitBreaker } },
    }));
    await proxy.outcome('slow', { fault: 'hang' });
    expect(await proxy.outcome('slow')).toBe('CIRCUIT_OPEN');
    expect(await proxy.outcome('read')).toBe('answered');
    await until('a call to be let through', async () => (await proxy.outcome('slow')) === 'answered');
    expect(await proxy.outcome('slow')).toBe('answered');
    const states = proxy.log.flatMap(({ message }) => (message.startsWith('circuit') ? [message] : []));
    expect(states).toEqual(['circuit opened', 'circuit half-open', 'circuit closed']);
  });

  test('override.circuitBreaker holds for its tool alone', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          ...FAST,
          timeoutMs: 300,
          tools: { override: { slow: { circuitBreaker: { failureThreshold: 1 } } } },
        },
      },
    }));
    await proxy.outcome('slow', { fault: 'hang' });
    await proxy.outcome('write', { fault: 'hang' });
    expect([await proxy.outcome('slow'), await proxy.outcome('write')]).toEqual(['CIRCUIT_OPEN', 'answered']);
  });

  test('H02 a hundred isError answers leave it closed', async () => {
    const proxy = await proxyWith((folder) => ({ mcpServers: { a: server('a', folder) } }));
    for (let i = 0; i < 100; i++) await proxy.call('write', { fault: 'isError' });
    expect(await proxy.status('a')).toMatchObject({ breaker: { state: 'closed' }, toolErrors: 100 });
  });
});

describe('timeoutMs and maxTimeoutMs', () => {
  test('override.timeoutMs holds for its tool alone', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { ...server('a', folder), ...FAST, tools: { override: { slow: { timeoutMs: 50 } } } },
      },
    }));
    expect(await proxy.outcome('slow', { ms: 300 })).toBe('TIMEOUT');
    expect(await proxy.outcome('write', { ms: 100 })).toBe('answered');
  });

  test('maxTimeoutMs bounds the whole call, retries included', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          retry: { attempts: 50, delayMs: 100 },
          timeoutMs: 100,
          maxTimeoutMs: 300,
          tools: { safeToRepeat: ['read'] },
        },
      },
    }));
    expect(await proxy.outcome('read', { fault: 'hang' })).toBe('TIMEOUT');
    // Of fifty attempts of 100 ms each.
    expect(proxy.ledger.length).toBeLessThan(4);
  });
});

describe('maxConcurrency and maxQueue', () => {
  test('further calls wait, and beyond the queue are told that the server is busy', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), maxConcurrency: 1, maxQueue: 1 } },
    }));
    await proxy.call('read');
    const outcomes = await Promise.all([1, 2, 3].map(() => proxy.outcome('slow', { ms: 100 })));
    expect(outcomes.sort()).toEqual(['BUSY', 'answered', 'answered']);
  });

  test('F13 a client that floods does not keep the others out', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), maxConcurrency: 1, maxQueue: 4 } },
    }));
    await proxy.call('read');
    const flood = Array.from({ length: 20 }, () =>
      proxy.outcome('slow', { ms: 20 }, { client: client('flood') }),
    );
    expect(await proxy.outcome('read', {}, { client: client('anna') })).toBe('answered');
    expect((await Promise.all(flood)).filter((outcome) => outcome === 'BUSY').length).toBeGreaterThan(10);
  });

  test('a slow server does not delay another', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), maxConcurrency: 1 }, b: server('b', folder) },
    }));
    await Promise.all([proxy.call('a__read'), proxy.call('b__read')]);
    let ended = 0;
    const slow = Array.from({ length: 5 }, () => proxy.call('a__slow', { ms: 200 }).then(() => ended++));
    await proxy.call('b__read');
    expect(ended).toBeLessThan(5);
    await Promise.all(slow);
  });
});

describe('retry', () => {
  test.each([
    ['not marked', {}, {}, 'OUTCOME_UNKNOWN', 1],
    ['safeToRepeat', { tools: { safeToRepeat: ['re*'] } }, {}, 'DOWNSTREAM_FAILED', 3],
    ['annotated, not trusted', {}, { trustAnnotations: false }, 'OUTCOME_UNKNOWN', 1],
    ['annotated and trusted', {}, { trustAnnotations: true }, 'DOWNSTREAM_FAILED', 3],
    [
      'annotated by the operator',
      { tools: { override: { read: { annotations: { idempotentHint: true } } } } },
      {},
      'DOWNSTREAM_FAILED',
      3,
    ],
    [
      'trusted, but overruled',
      { trustAnnotations: true, tools: { override: { read: { annotations: { readOnlyHint: false } } } } },
      {},
      'OUTCOME_UNKNOWN',
      1,
    ],
    [
      'one attempt only',
      { retry: { attempts: 1 }, tools: { safeToRepeat: ['*'] } },
      {},
      'DOWNSTREAM_FAILED',
      1,
    ],
  ])('H07 a call that was written and lost its server: %s', async (_, options, more, code, runs) => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), ...FAST, ...more, ...options } },
    }));
    expect(await proxy.outcome('read', { fault: 'crash' })).toBe(code);
    expect(proxy.ledger).toHaveLength(runs);
  });

  test("every attempt carries the same idempotency key, in the tool's own argument too", async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: { ...server('a', folder), tools: { override: { write: { idempotencyKey: 'request_id' } } } },
      },
    }));
    const { got } = (await proxy.call('write', { x: 1 })).value as {
      got: { args: Record<string, unknown>; _meta: Record<string, unknown> };
    };
    expect(got._meta['switchyard/idempotencyKey']).toMatch(/^[0-9a-f-]{36}$/);
    expect(got.args).toEqual({ x: 1, request_id: got._meta['switchyard/idempotencyKey'] });
    const own = (await proxy.call('write', { request_id: 'mine' })).value as typeof got | { got: typeof got };
    expect(at(own, 'got', 'args', 'request_id')).toBe('mine');
  });
});

describe('cache', () => {
  const cached = { cache: { tools: ['read'], ttlMs: 60_000, invalidatedBy: ['write'] } };

  test('H10 answers equal calls with one, and drops what a write made worthless', async () => {
    const proxy = await proxyWith((folder) => ({ mcpServers: { a: { ...server('a', folder), ...cached } } }));
    await Promise.all(Array.from({ length: 100 }, () => proxy.call('read', { x: 1 })));
    expect(proxy.ledger).toHaveLength(1);
    await proxy.call('read', { x: '1' });
    await proxy.call('read', { x: 1 });
    expect(proxy.ledger).toHaveLength(2);
    await proxy.call('write');
    await proxy.call('read', { x: 1 });
    expect(proxy.ledger).toHaveLength(4);
    expect(await proxy.status('a')).toMatchObject({ cache: { misses: 102, hits: 1 } });
  });

  test('F09 does not give one client what another one asked', async () => {
    const proxy = await proxyWith((folder) => ({ mcpServers: { a: { ...server('a', folder), ...cached } } }));
    for (const who of ['anna', 'ben', 'anna', 'ben']) await proxy.call('read', {}, { client: client(who) });
    expect(proxy.ledger).toHaveLength(2);
  });

  test('H11 a restart and list_changed drop it', async () => {
    const cache = { tools: ['read'], ttlMs: 60_000 };
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), ...FAST, cache } },
    }));
    await proxy.call('read');
    await proxy.outcome('slow', { fault: 'crash-before' });
    await proxy.call('write');
    await proxy.call('read');
    await proxy.call('read');
    expect(proxy.ledger).toEqual(['- read a', '- write a', '- read a']);
    await proxy.call('slow', { touch: true });
    await proxy.call('read');
    expect(proxy.ledger).toHaveLength(5);
  });

  test('an old answer is given, marked, while the server is down', async () => {
    const cache = { tools: ['read'], ttlMs: 1, staleIfErrorMs: 60_000 };
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), retry: { attempts: 1 }, cache } },
    }));
    await proxy.call('read');
    await new Promise((done) => setTimeout(done, 10));
    proxy.fault('a', 'crash-before');
    expect(at((await proxy.call('read')).value, '_meta', 'switchyard/cache')).toMatchObject({
      hit: true,
      stale: true,
    });
  });

  test.each([
    ['off', { mode: 'off', tools: ['read'] }, true, 2],
    ['auto, trusted', { mode: 'auto' }, true, 1],
    ['auto, not trusted', { mode: 'auto' }, false, 2],
    ['named, another tool', { tools: ['who'] }, true, 2],
  ])('mode %s', async (_, cache, trustAnnotations, runs) => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), cache, trustAnnotations } },
    }));
    await proxy.call('read');
    await proxy.call('read');
    expect(proxy.ledger).toHaveLength(runs);
  });
});
