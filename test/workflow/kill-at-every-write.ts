/**
 * `npm run kill-at-every-write`: for every workflow of the kill test and every commit of its journal, a process that is
 * killed with SIGKILL before and after it; another one goes on. First the engine alone, its journal in a thread and
 * its tools functions; then the whole: the built proxy over stdio, with a server in a process of its own, and now and
 * then a second kill while it goes on. Exits with 1 where anything differs from the undisturbed run. Takes some
 * minutes: the suite kills at some places only.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Recovered,
  recover,
  type Undisturbed,
  undisturbed,
} from '../fixtures/workflow/after-the-kill.ts';
import { KILL_CASES } from '../fixtures/workflow/kill-cases.ts';
import { killedProcess, type Place } from '../fixtures/workflow/killed-process.ts';
import { killedProxy, proxyRecovers, proxyUndisturbed } from '../fixtures/workflow/killed-proxy.ts';

interface Subject {
  readonly what: string;
  readonly undisturbed: (name: string, folder: string) => Promise<Undisturbed>;
  readonly killed: (place: Place, root: string) => Promise<string | undefined>;
  readonly recover: (folder: string, whole: Undisturbed, place: Place) => Promise<Recovered>;
}

const SUBJECTS: readonly Subject[] = [
  {
    what: 'the engine',
    undisturbed,
    killed: killedProcess,
    recover: (folder, whole) => recover(folder, whole),
  },
  {
    what: 'the proxy',
    undisturbed: proxyUndisturbed,
    killed: killedProxy,
    recover: (folder, whole, { n, phase }) =>
      proxyRecovers(folder, whole, n % 2 === 0 ? { n: 1 + (n % 3), phase } : undefined),
  },
];

const root = mkdtempSync(join(tmpdir(), 'switchyard-kill-all-'));
let failed = false;

for (const subject of SUBJECTS) {
  const found = { kills: 0, resumed: 0, doubts: 0, wrong: 0 };
  for (const name of Object.keys(KILL_CASES)) {
    const folder = join(root, subject.what, name);
    mkdirSync(folder, { recursive: true });
    const whole = await subject.undisturbed(name, folder);
    const before = { ...found };
    for (let n = 1, reached = true; reached; n++) {
      const places = (['before', 'after'] as const).map((phase): Place => ({ name, n, phase }));
      const left = await Promise.all(places.map(async (place) => await endOf(subject, place, whole)));
      reached = left.some((one) => one !== undefined);
      for (const one of left) {
        if (one === undefined) continue;
        found.kills++;
        found.doubts += one.doubts;
        if (one.resumed) found.resumed++;
        if (one.faults.length > 0) found.wrong++;
      }
    }
    const { kills, doubts } = found;
    console.log(`${name}: killed ${kills - before.kills} times, ${doubts - before.doubts} calls in doubt`);
  }
  const { kills, resumed, doubts, wrong } = found;
  console.log(
    `${subject.what}: ${kills} processes killed, ${resumed} runs went on, ${doubts} calls in doubt, ${wrong} ended otherwise`,
  );
  failed ||= wrong > 0 || resumed === 0;
}
// What a failure left is there to be looked at.
if (failed) console.log(`see ${root}`);
else rmSync(root, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

/** @returns nothing if it came to its end without being killed. */
async function endOf(subject: Subject, place: Place, whole: Undisturbed): Promise<Recovered | undefined> {
  const left = await subject.killed(place, join(root, subject.what));
  if (left === undefined) return undefined;
  const found = await subject.recover(left, whole, place);
  for (const fault of found.faults) console.log(`${left}: ${fault}`);
  return found;
}
