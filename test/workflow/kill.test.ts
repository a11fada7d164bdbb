/** J01: the process is killed before and after every write of the journal, and the next one goes on. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KILL_CASES, killBench, ledgerOf, playCase, WHO } from '../fixtures/workflow/kill-cases.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import type { RunView } from '../../src/workflow/run-view.ts';

const host = fileURLToPath(new URL('../fixtures/workflow/kill-host.ts', import.meta.url));
const names = Object.keys(KILL_CASES);
const root = mkdtempSync(join(tmpdir(), 'switchyard-kill-'));
const undisturbed = new Map<string, { readonly view: RunView; readonly ledger: readonly string[] }>();

beforeAll(async () => {
  await Promise.all(
    names.map(async (name) => {
      const stateDir = join(root, 'undisturbed', name);
      mkdirSync(stateDir, { recursive: true });
      const workflows = killBench(stateDir, storeJournal);
      await workflows.start();
      const view = (await playCase(name, workflows)) as RunView;
      undisturbed.set(name, { view, ledger: ledgerOf(stateDir) });
      await workflows.close();
    }),
  );
}, 30_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** More than the longest of them commits. */
const MOST_COMMITS = 16;

async function killedEverywhere(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const signal = await new Promise<string | null | undefined>((done) => {
    execFile(process.execPath, ['--import', 'tsx', host, folder, String(MOST_COMMITS)], (error) =>
      done(error?.signal),
    );
  });
  expect(signal).toBe('SIGKILL');
}

/** Goes on in this process with what the killed one left, deciding what nobody knows by the ledger. */
async function recovered(
  stateDir: string,
  threaded: boolean,
): Promise<{ readonly view: RunView | undefined; readonly doubts: number }> {
  const workflows = threaded ? killBench(stateDir) : killBench(stateDir, storeJournal);
  let doubts = 0;
  try {
    await workflows.start();
    const [run] = await workflows.list({}, WHO);
    if (!run) return { view: undefined, doubts };
    let view = await workflows
      .resume({ runId: run.run_id }, WHO)
      .catch(() => workflows.show(run.run_id, WHO));
    while (view.status === 'needs_attention') {
      const [question] = view.attention ?? [];
      if (question?.options.includes('approve') === true)
        view = await workflows.resume({ runId: run.run_id, decision: 'approve' }, WHO);
      else {
        doubts++;
        // A person looks, and finds that it did happen: tools write the ledger first.
        const step = question?.step ?? '';
        const line = happened(stateDir, step);
        const answer =
          line === undefined
            ? { decision: 'retry' }
            : line.startsWith('boom ')
              ? { decision: 'fail' }
              : { decision: 'done', output: { v: line.slice(4) } };
        view = await workflows.resume({ runId: run.run_id, step, ...answer }, WHO);
      }
    }
    return { view, doubts };
  } finally {
    await workflows.close();
  }
}

/** The call of the step, if it was made: each is made once in these workflows. */
function happened(stateDir: string, step: string): string | undefined {
  const wanted: Readonly<Record<string, string>> = {
    a: 'a',
    b: 'b',
    c: 'c',
    left: 'l',
    bottom: 'l tr t',
    'one[0]': 'item 1',
    'one[1]': 'item 2',
    do: 'done',
    out: 'out',
    'within#1/two': 'x12',
  };
  const start = wanted[step];
  if (start === undefined) throw new Error(`a doubt about ${step}`);
  const made = ledgerOf(stateDir).filter((line) => /^(put|boom) /.test(line));
  const words = (line: string): string => line.slice(line.indexOf(' ') + 1);
  return made.find(
    (line) => words(line).startsWith(start) && (step !== 'left' || !words(line).startsWith('l tr t')),
  );
}

function counts(ledger: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of ledger) found.set(line, (found.get(line) ?? 0) + 1);
  return found;
}

describe('J01 killed at every write of the journal', () => {
  test('every workflow comes to the end of the undisturbed run, and no unsafe call is made twice', async () => {
    const folder = join(root, 'killed');
    await killedEverywhere(folder);
    const places = readdirSync(folder);
    expect(places.length).toBeGreaterThan(names.length * MOST_COMMITS * 2);
    let doubts = 0;
    let resumed = 0;
    for (const place of places) {
      const name = names.find((one) => place.replace('threaded-', '').startsWith(`${one}-`)) ?? '';
      const stateDir = join(folder, place);
      const found = await recovered(stateDir, place.startsWith('threaded-'));
      const { view } = found;
      doubts += found.doubts;
      // Killed before the run was on record: it never began.
      if (!view) {
        expect(ledgerOf(stateDir), place).toEqual([]);
        continue;
      }
      resumed++;
      const { view: whole, ledger } = undisturbed.get(name) as { view: RunView; ledger: readonly string[] };
      expect([place, view.status, view.output], JSON.stringify(view)).toEqual([
        place,
        whole.status,
        whole.output,
      ]);
      const [called, wanted] = [counts(ledgerOf(stateDir)), counts(ledger)];
      for (const [line, times] of wanted) {
        expect(called.get(line) ?? 0, `${place}: ${line}`).toBeGreaterThanOrEqual(times);
        if (/^(put|boom) /.test(line)) expect(called.get(line), `${place}: ${line}`).toBe(1);
      }
      expect([...called.keys()].sort(), place).toEqual([...wanted.keys()].sort());
    }
    // The places are not all the same one.
    expect(resumed).toBeGreaterThan(places.length / 2);
    expect(doubts).toBeGreaterThan(10);
  }, 60_000);
});
