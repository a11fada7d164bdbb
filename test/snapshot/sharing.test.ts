import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRunning } from '../harness/processes.ts';
import { server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

describe('several proxies on one state folder', () => {
  test('start at once, have children of their own, and outlive one that is killed', async () => {
    const [folder, mark] = [temporaryFolder('case'), 'shared-state'];
    const servers = { a: server(), b: server({ names: ['echo'] }) };
    const all = await Promise.all(Array.from({ length: 3 }, () => startProxy(servers, { folder, mark })));
    const pids = await Promise.all(all.map(async (proxy) => Number(textOf(await proxy.call('a__pid')))));
    expect(new Set(pids).size).toBe(3);
    const state = (name: string): string[] => readdirSync(join(folder, 'state', name));
    await until('the snapshot', () => state('snapshot').length === 2);

    const [first, second, third] = all;
    first?.child.kill('SIGKILL');
    await first?.exited;
    first?.ledger.excuseOpen();
    // One more comes, and sweeps up after the dead one alone.
    const fourth = await startProxy(servers, { folder, mark });
    await until("the dead one's children to be gone", () => !isRunning(pids[0] as number));
    expect(pids.slice(1).every(isRunning)).toBe(true);
    for (const proxy of [second, third, fourth])
      expect(textOf((await proxy?.call('b__echo', { n: 1 })) ?? {})).toBe('{"n":1}');
    expect(state('snapshot').filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(await fourth.stop()).toBe(0);
    expect(pids.slice(1).every(isRunning)).toBe(true);
    for (const proxy of [second, third]) expect(await proxy?.stop()).toBe(0);
  });
});
