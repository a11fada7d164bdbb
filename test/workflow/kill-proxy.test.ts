/** J01 on the real whole: the built proxy is killed around a write of its journal; another proxy goes on. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KILL_CASES } from '../fixtures/workflow/kill-cases.ts';
import { killedProxy, proxyRecovers, proxyUndisturbed } from '../fixtures/workflow/killed-proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const root = temporaryFolder('kill-proxy');

const places = Object.keys(KILL_CASES).map((name, index) => ({
  name,
  phase: index % 2 === 0 ? ('before' as const) : ('after' as const),
  // Whoever goes on is killed as well.
  again: index % 4 === 1 ? { n: 2, phase: 'after' as const } : undefined,
}));

describe.concurrent('J01 the proxy killed while its workflow runs', () => {
  test.each(places)(
    '$phase a commit in the middle of $name: the next proxy comes to the end of the undisturbed run, and calls nothing twice that is not safe to repeat',
    async ({ name, phase, again }) => {
      const whole = await proxyUndisturbed(name, join(root, name));
      expect(whole.ledger).not.toEqual([]);
      // The first ones are of the start, and begin the run.
      expect(whole.commits).toBeGreaterThan(3);
      const middle = Math.ceil(whole.commits / 2) + 1;
      // Between these two a call is made, of which nobody knows afterwards.
      const n = phase === 'after' ? middle : middle + 1;
      const left = await killedProxy({ name, n, phase }, root);
      expect(left, 'it came to its end').toBeDefined();
      const { faults, resumed, doubts } = await proxyRecovers(left as string, whole, again);
      expect(faults).toEqual([]);
      expect(resumed).toBe(true);
      // One step after the other: the call in the middle is one that is not safe to repeat.
      if (name === 'chain' || name === 'nested') expect(doubts).toBe(1);
    },
    60_000,
  );
});
