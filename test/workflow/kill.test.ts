/** J01: the process is killed before and after writes of the journal, and the next one goes on. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { recover, type Undisturbed, undisturbed } from '../fixtures/workflow/after-the-kill.ts';
import { KILL_CASES } from '../fixtures/workflow/kill-cases.ts';
import { killedProcess } from '../fixtures/workflow/killed-process.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

const host = fileURLToPath(new URL('../fixtures/workflow/kill-host.ts', import.meta.url));
const names = Object.keys(KILL_CASES);
const root = temporaryFolder('kill');
const whole = new Map<string, Undisturbed>();

beforeAll(async () => {
  await Promise.all(
    names.map(async (name) => {
      const folder = join(root, 'undisturbed', name);
      mkdirSync(folder, { recursive: true });
      whole.set(name, await undisturbed(name, folder, storeJournal));
    }),
  );
}, 60_000);

/** More than the longest of them commits. */
const MOST_COMMITS = 16;

async function frozenEverywhere(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const signal = await new Promise<string | null | undefined>((done) => {
    execFile(process.execPath, ['--import', 'tsx', host, folder, String(MOST_COMMITS)], (error) =>
      done(error?.signal),
    );
  });
  expect(signal).toBe('SIGKILL');
}

describe('J01 killed at every write of the journal', () => {
  test('one process that is killed with a run frozen at every place: each comes to the end of the undisturbed run, and no unsafe call is made twice', async () => {
    const folder = join(root, 'frozen');
    await frozenEverywhere(folder);
    // Where a workflow has no so many commits, it came to its end and was not cut off.
    const places = readdirSync(folder).filter((place) => !existsSync(join(folder, place, 'whole')));
    expect(places.length).toBeGreaterThan(names.length * 8);
    let [doubts, resumed] = [0, 0];
    for (const place of places) {
      const threaded = place.startsWith('threaded-');
      const name = names.find((one) => place.replace('threaded-', '').startsWith(`${one}-`)) ?? '';
      const wanted = whole.get(name) as Undisturbed;
      const found = await (threaded
        ? recover(join(folder, place), wanted)
        : recover(join(folder, place), wanted, storeJournal));
      expect(found.faults, place).toEqual([]);
      doubts += found.doubts;
      if (found.resumed) resumed++;
    }
    // The places are not all the same one.
    expect(resumed).toBeGreaterThan(places.length / 2);
    expect(doubts).toBeGreaterThan(10);
  }, 120_000);

  test.each(names.map((name, index) => ({ name, n: 2 + (index % 4) })))(
    'a process of its own that is killed before or after write $n of $name: another goes on to the same end',
    async ({ name, n }) => {
      const folder = join(root, 'killed');
      for (const phase of n % 2 === 0 ? (['before', 'after'] as const) : (['after'] as const)) {
        const left = await killedProcess({ name, n, phase }, folder);
        const { faults } = await recover(left ?? 'it was not killed', whole.get(name) as Undisturbed);
        expect(faults, phase).toEqual([]);
      }
    },
    60_000,
  );
});
