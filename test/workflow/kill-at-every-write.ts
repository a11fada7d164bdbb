/**
 * `npm run kill-at-every-write`: a real process for every workflow of the kill test and every commit of its journal,
 * killed with SIGKILL before and after it; another process goes on. Exits with 1 where anything differs from the
 * undisturbed run. Takes some minutes: the suite kills at some places only.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recover, undisturbed } from '../fixtures/workflow/after-the-kill.ts';
import { KILL_CASES } from '../fixtures/workflow/kill-cases.ts';
import { killedProcess } from '../fixtures/workflow/killed-process.ts';

const root = mkdtempSync(join(tmpdir(), 'switchyard-kill-all-'));
let wrong = 0;
let [kills, resumed, doubts] = [0, 0, 0];

for (const name of Object.keys(KILL_CASES)) {
  const folder = join(root, name);
  mkdirSync(folder);
  const whole = await undisturbed(name, folder);
  const before = { kills, doubts };
  for (let n = 1, reached = true; reached; n++) {
    const left = await Promise.all(
      (['before', 'after'] as const).map((phase) => killedProcess({ name, n, phase }, root)),
    );
    reached = left.some((one) => one !== undefined);
    for (const one of left) {
      if (one === undefined) continue;
      kills++;
      const found = await recover(one, whole);
      doubts += found.doubts;
      if (found.resumed) resumed++;
      for (const fault of found.faults) console.log(`${one}: ${fault}`);
      if (found.faults.length > 0) wrong++;
    }
  }
  console.log(`${name}: killed ${kills - before.kills} times, ${doubts - before.doubts} calls in doubt`);
}
console.log(
  `${kills} processes killed, ${resumed} runs went on, ${doubts} calls in doubt, ${wrong} ended otherwise`,
);
process.exitCode = wrong === 0 && kills > 0 ? 0 : 1;
