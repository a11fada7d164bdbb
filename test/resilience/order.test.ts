import { describe, expect, test } from 'vitest';
import { at } from '../../src/json/json.ts';
import { proxyWith, server } from './proxy-in-process.ts';

const QUICK = { restart: { delayMs: 10, maxDelayMs: 50 } };

/** The order of the middleware, told by what only this order does. */
describe('cache → deadline → retry → router → circuit breaker → concurrency → timeout', () => {
  test('the cache stands outside of the circuit: what is known is given while the circuit is open', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          ...QUICK,
          circuitBreaker: { failureThreshold: 2 },
          cache: { tools: ['read'] },
          tools: { override: { slow: { timeoutMs: 40 }, write: { timeoutMs: 40 } } },
        },
      },
    }));
    await proxy.call('read');
    for (const tool of ['slow', 'write']) await proxy.outcome(tool, { fault: 'hang' });
    expect(await proxy.outcome('who')).toBe('CIRCUIT_OPEN');
    expect(at((await proxy.call('read')).value, '_meta', 'switchyard/cache', 'hit')).toBe(true);
  });

  test('retry stands outside of the circuit: every attempt counts', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          ...QUICK,
          retry: { attempts: 3, delayMs: 1 },
          timeoutMs: 40,
          circuitBreaker: { failureThreshold: 3 },
          tools: { safeToRepeat: ['*'] },
        },
      },
    }));
    await proxy.outcome('slow', { fault: 'hang' });
    expect(at((await proxy.status('a'))['breaker'], 'tools')).toEqual({ slow: 'open' });
  });

  test('retry stands outside of the router: another attempt may go to another member', async () => {
    const proxy = await proxyWith((folder) => ({
      defaults: { ...QUICK, retry: { attempts: 4, delayMs: 1 }, tools: { safeToRepeat: ['*'] } },
      mcpServers: { a: server('a', folder), b: server('b', folder) },
      pools: { p: { members: ['a', 'b'], strategy: 'round-robin' } },
    }));
    await proxy.ready('a', 'b');
    await proxy.outcome('p__read', { fault: 'crash', key: 1 });
    expect(new Set(proxy.ledger)).toEqual(new Set(['1 read a', '1 read b']));
  });

  test('concurrency stands inside of the circuit: a full queue is no failure of the server', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: {
        a: {
          ...server('a', folder),
          maxConcurrency: 1,
          maxQueue: 0,
          circuitBreaker: { failureThreshold: 2 },
        },
      },
    }));
    await proxy.call('read');
    const slow = proxy.call('slow', { ms: 100 });
    for (let i = 0; i < 10; i++) expect(await proxy.outcome('read')).toBe('BUSY');
    await slow;
    expect(await proxy.outcome('read')).toBe('answered');
  });

  test("the timeout stands inside of concurrency: waiting for a turn is not the server's silence", async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), maxConcurrency: 1, timeoutMs: 1000 } },
    }));
    await proxy.call('read');
    // The last one waits longer than the timeout; none takes near as long itself.
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => proxy.outcome('slow', { ms: 100 })));
    expect(new Set(outcomes)).toEqual(new Set(['answered']));
  });

  test('the deadline stands outside of all attempts and queues, and inside of the cache', async () => {
    const proxy = await proxyWith((folder) => ({
      mcpServers: { a: { ...server('a', folder), maxConcurrency: 1, timeoutMs: 150, maxTimeoutMs: 150 } },
    }));
    await proxy.call('read');
    const outcomes = await Promise.all([1, 2, 3].map(() => proxy.outcome('slow', { ms: 100 })));
    expect(outcomes).toEqual(['answered', 'TIMEOUT', 'TIMEOUT']);
  });
});
