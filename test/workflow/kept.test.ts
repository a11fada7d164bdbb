/** What is kept of runs: large results once, ended ones up to a number, and under names that nobody can guess. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunView } from '../../src/workflow/run-view.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const ann = { client: clientNamed('ann') };
const MEGABYTE = 1024 * 1024;
const echo: ToolSpec = { run: (args) => args, safe: true, readOnly: true };
/** Two megabytes, and nothing besides. */
const big: ToolSpec = {
  run: ({ letter }) => ({ content: [], structuredContent: { text: String(letter).repeat(2 * MEGABYTE) } }),
  safe: true,
};
const call = { steps: [{ id: 'a', tool: 'echo' }] };
const waits = { steps: [{ id: 'ok', approve: { message: 'go?', by: 'caller' } }] };

type Options = Parameters<typeof bench>[1];

async function started(options: Options = {}): Promise<Bench> {
  const b = bench({ echo, big }, { openJournal: storeJournal, ...options });
  open.push(b);
  await b.workflows.start();
  return b;
}

async function run(b: Bench, workflow: unknown): Promise<RunView> {
  return await b.workflows.run({ workflow, input: {}, wait: true }, ann);
}

/** @returns megabytes on the disk, once all is written. */
async function sizeOfJournal(b: Bench): Promise<number> {
  await b.workflows.close();
  return statSync(join(b.stateDir, 'workflows', 'journal.db')).size / MEGABYTE;
}

describe('large results', () => {
  const of = (...letters: string[]): object => ({
    steps: letters.map((letter, index) => ({ id: `s${index}`, tool: 'big', with: { letter } })),
    output: '${{ size(steps.s0.output.text) }}',
  });

  test('that are equal are on the disk once, within a run and over runs; each step still gives its whole one', async () => {
    const same = await started();
    const first = await run(same, of('x', 'x', 'x'));
    const second = await run(same, of('x'));
    expect([first.output, second.output]).toEqual([2 * MEGABYTE, 2 * MEGABYTE]);
    const megabytes = await sizeOfJournal(same);
    // One of two megabytes, and no second.
    expect(megabytes).toBeGreaterThan(2);
    expect(megabytes).toBeLessThan(3);

    const again = await started({ stateDir: same.stateDir });
    for (const [{ run_id }, step] of [
      [first, 's0'] as const,
      [first, 's2'] as const,
      [second, 's0'] as const,
    ]) {
      const { steps } = await again.workflows.show(run_id, ann, { step });
      expect(steps?.[step]).toMatchObject({ output: { text: 'x'.repeat(2 * MEGABYTE) } });
    }
  });

  test('that differ are kept apart', async () => {
    const b = await started();
    await run(b, of('x', 'y', 'z'));
    expect(await sizeOfJournal(b)).toBeGreaterThan(6);
  });

  test('go with the last run that has them: their room is used again', async () => {
    const b = await started();
    await run(b, of('x', 'y'));
    const before = await sizeOfJournal(b);
    const emptied = await started({ stateDir: b.stateDir, limits: { keptRuns: 0 } });
    expect(await emptied.workflows.list({}, ann)).toEqual([]);
    await run(emptied, of('v', 'w'));
    expect(await sizeOfJournal(emptied)).toBeLessThan(before + 0.5);
  });
});

describe('"keptRuns"', () => {
  test('takes the runs away that ended first, at a start; never one that waits, however old', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    const timeOfDay = (): number => (now += 1000);
    const b = await started({ timeOfDay });
    const waiting = [await run(b, waits), await run(b, waits)];
    const ended: string[] = [];
    for (let i = 0; i < 6; i++) ended.push((await run(b, call)).run_id);
    // It began first of all, and ended last.
    const late = await b.workflows.resume({ runId: waiting[0]?.run_id ?? '', decision: 'approve' }, ann);
    expect(late.status).toBe('succeeded');
    await b.workflows.close();

    const again = await started({ stateDir: b.stateDir, timeOfDay, limits: { keptRuns: 3 } });
    const left = await again.workflows.list({}, ann);
    expect(left.map(({ run_id }) => run_id).toSorted()).toEqual(
      [late.run_id, ...ended.slice(-2), waiting[1]?.run_id].toSorted(),
    );
    for (const gone of ended.slice(0, 4))
      await expect(again.workflows.show(gone, ann)).rejects.toThrow(/There is no run/);
    const still = { runId: waiting[1]?.run_id ?? '', decision: 'approve' };
    expect(await again.workflows.resume(still, ann)).toMatchObject({ status: 'succeeded' });
  });

  test('takes them away while the proxy runs, too, whenever a hundred more have ended', async () => {
    const b = await started({ limits: { keptRuns: 3 } });
    const waiting = await run(b, waits);
    for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 20 }, async () => await run(b, call)));
    // What is written later is on the disk later: the runs before have been looked through.
    expect(await run(b, call)).toMatchObject({ status: 'succeeded' });
    const left = await b.workflows.list({ limit: 1000 }, ann);
    expect(left.map(({ status }) => status).toSorted()).toEqual([
      'needs_attention',
      ...Array.from({ length: 4 }, () => 'succeeded'),
    ]);
    expect(left.map(({ run_id }) => run_id)).toContain(waiting.run_id);
  });

  test('is 1,000 where nobody says anything', async () => {
    const b = await started();
    for (let i = 0; i < 20; i++)
      await Promise.all(Array.from({ length: 51 }, async () => await run(b, call)));
    await b.workflows.close();
    const again = await started({ stateDir: b.stateDir });
    await run(again, waits);
    expect(await again.workflows.list({ status: 'succeeded', limit: 2000 }, ann)).toHaveLength(1000);
  });
});

describe('the id of a run', () => {
  const BYTES = 16;
  const bits = (id: string): string =>
    [...Buffer.from(id.slice('wr_'.length), 'base64url')]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('');
  const differing = (one: string, other: string): number =>
    [...one].filter((bit, index) => bit !== other[index]).length;

  test('is 128 random bits: those of one millisecond have nothing to do with each other', async () => {
    const now = Date.now();
    const b = await started({ timeOfDay: () => now });
    const ids: string[] = [];
    for (let i = 0; i < 150; i++) ids.push((await run(b, waits)).run_id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^wr_[\w-]{22}$/);
    const all = ids.map(bits);
    expect(new Set(all.map((one) => one.length))).toEqual(new Set([BYTES * 8]));
    // No bit stands still: by chance, one in 2^149.
    for (let place = 0; place < BYTES * 8; place++)
      expect(new Set(all.map((one) => one[place])), `bit ${place}`).toEqual(new Set(['0', '1']));
    // Half of the bits change from one to the next, give or take: more than 36 away from 64 is one in 10^9.
    for (const [index, one] of all.entries()) {
      const next = all[index + 1];
      if (next === undefined) continue;
      expect(Math.abs(differing(one, next) - 64), `${ids[index]} and the next`).toBeLessThanOrEqual(36);
    }
    // Nor is one of them told by the order, as with a clock or a counter.
    expect(ids.toSorted()).not.toEqual(ids);
  });
});
