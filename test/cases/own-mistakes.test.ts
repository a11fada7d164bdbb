import { describe, expect, test } from 'vitest';
import { httpClient } from '../harness/http-client.ts';
import { failureOf, type ProxyUnderTest, server, startProxy } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { processesWith } from '../harness/processes.ts';
import { until } from '../harness/until.ts';

/** Makes a mistake in the process when the signal comes. */
function mistaken(code: string): Readonly<Record<string, string>> {
  const script = `process.on('SIGUSR2', () => setImmediate(() => { ${code} }));`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
}

const MISTAKES = [
  ['an uncaught exception', "throw new Error('a mistake')", 'uncaught exception'],
  ['an unhandled rejection', "Promise.reject(new Error('a mistake'))", 'unhandled rejection'],
] as const;

async function endsInOrder(proxy: ProxyUnderTest, what: string): Promise<void> {
  expect(await proxy.exitedWithin(5000)).toBe(1);
  const told = proxy.log.filter(({ level }) => level === 'error');
  expect(told).toMatchObject([{ msg: what, err: { message: 'a mistake' } }]);
  expect(proxy.log.find(({ msg }) => msg === 'stopping')).toMatchObject({ why: what });
  expect(proxy.descendants).toEqual([]);
}

describe.each(MISTAKES)('%s', (_, code, what) => {
  test('ends a proxy over stdio in order: logged, what is under way is answered, no child is left, exit code 1', async () => {
    const proxy = await startProxy({ a: server({ grandchild: true }) }, { env: mistaken(code) });
    proxy.excuse(/a mistake/);
    const call = proxy.askTool('hang');
    await until('the call', async () => (await proxy.status('a'))['inFlight'] === 1);
    proxy.child.kill('SIGUSR2');
    expect(failureOf(await proxy.answer(call))?.['code']).toBe('CANCELLED');
    await endsInOrder(proxy, what);
  });

  test('ends a proxy over HTTP likewise', async () => {
    const proxy = await startProxy({ a: server() }, { http: true, env: mistaken(code) });
    proxy.excuse(/a mistake/);
    const client = await httpClient(proxy).greet();
    const call = client.call('hang');
    await until('the call', async () => (await client.status('a'))['inFlight'] === 1);
    proxy.child.kill('SIGUSR2');
    expect(failureOf(await call)?.['code']).toBe('CANCELLED');
    await endsInOrder(proxy, what);
  });

  test('ends the proxy that clients share, and each of them is told with exit code 1', async () => {
    const mark = { SWITCHYARD_TEST_SHARED: `${process.pid} ${what}` };
    const options = { args: ['serve', '--attach'], env: { ...mistaken(code), ...mark }, unready: true };
    const proxy = await startProxy({ a: server() }, { ...options, folder: temporaryFolder('case') });
    proxy.excuse(/the shared proxy is gone/);
    await proxy.greet();
    await proxy.call('echo', { n: 1 });
    const call = proxy.askTool('hang');
    await until('the call', async () => (await proxy.status('a'))['inFlight'] === 1);
    const background = (): number[] =>
      processesWith('SWITCHYARD_TEST_SHARED', mark.SWITCHYARD_TEST_SHARED).filter((pid) => pid !== proxy.pid);
    const [shared] = background();
    process.kill(shared as number, 'SIGUSR2');
    expect(failureOf(await proxy.answer(call))?.['code']).toBe('CANCELLED');
    expect(await proxy.exitedWithin(5000)).toBe(1);
    await until('it to be gone', () => background().length === 0);
  });
});
