/** `workflows.limits.runs` where parked runs go on: all of them at once, by decisions or by forms. */
import { afterEach, describe, expect, test } from 'vitest';
import type { AskClient } from '../../src/core/call.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { Json } from '../../src/json/json.ts';
import type { RunView } from '../../src/workflow/run-view.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const TURNS = 50;
const RUNS = 2;

/** A tool that stays at work for some turns of the event loop, and counts how many calls are in it at most. */
function crowd(): { readonly tool: ToolSpec; readonly most: () => number } {
  let [inside, most] = [0, 0];
  const run = async (): Promise<object> => {
    most = Math.max(most, ++inside);
    for (let turn = 0; turn < TURNS; turn++) await new Promise((next) => setImmediate(next));
    inside--;
    return {};
  };
  return { tool: { run, safe: true }, most: () => most };
}

async function limited(tool: ToolSpec): Promise<Bench> {
  const b = bench({ crowd: tool }, { openJournal: storeJournal, limits: { runs: RUNS } });
  open.push(b);
  await b.workflows.start();
  return b;
}

function asks(by: 'caller' | 'person'): object {
  return {
    steps: [
      { id: 'ok', approve: { message: 'go?', by } },
      { id: 'work', tool: 'crowd', after: ['ok'] },
    ],
  };
}

describe('parked runs that go on at once', () => {
  const ann = { client: clientNamed('ann') };

  test('go on by decisions up to the bound; the others are refused as BUSY and keep their question', async () => {
    const { tool, most } = crowd();
    const { workflows } = await limited(tool);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.push((await workflows.run({ workflow: asks('caller'), input: {}, wait: true }, ann)).run_id);
    const approve = async (runId: string): Promise<RunView> =>
      await workflows.resume({ runId, decision: 'approve' }, ann);

    const outcomes = await Promise.allSettled(ids.map(approve));
    const refused = outcomes.flatMap((outcome, n) => (outcome.status === 'rejected' ? [n] : []));
    expect(refused).toHaveLength(5 - RUNS);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toBeInstanceOf(ProxyError);
        expect(outcome.reason).toMatchObject({ code: 'BUSY', delivered: false });
      } else expect(outcome.value.status).toBe('succeeded');
    expect(most()).toBe(RUNS);

    const [first = 0] = refused;
    expect((await workflows.show(ids[first] ?? '', ann)).attention).toMatchObject([{ step: 'ok' }]);
    expect((await approve(ids[first] ?? '')).status).toBe('succeeded');
  });

  test('go on by forms up to the bound; the other forms wait, and no answer is lost', async () => {
    const { tool, most } = crowd();
    const { workflows } = await limited(tool);
    const answers: (() => void)[] = [];
    let shown: () => void = () => {};
    const ask: AskClient = async () =>
      await new Promise((resolve) => {
        answers.push(() => resolve(Json.of({ action: 'accept', content: { confirm: true } })));
        shown();
      });
    const who = { client: clientNamed('bob', { elicitation: {} }), ask };
    const runs: Promise<RunView>[] = [];
    for (let n = 0; n < 5; n++) {
      const isShown = new Promise<void>((resolve) => (shown = resolve));
      runs.push(workflows.run({ workflow: asks('person'), input: {}, wait: true }, who));
      await isShown;
    }
    for (const answer of answers) answer();
    expect((await Promise.all(runs)).map(({ status }) => status)).toEqual(Array(5).fill('succeeded'));
    expect(most()).toBe(RUNS);
  });

  test('take no slot while they are parked, so that others may begin', async () => {
    const { tool } = crowd();
    const { workflows } = await limited(tool);
    for (let n = 0; n < 3 * RUNS; n++)
      expect((await workflows.run({ workflow: asks('caller'), input: {}, wait: true }, ann)).status).toBe(
        'needs_attention',
      );
  });

  test('are cancelled whatever the bound: nobody waits for a slot to end a run', async () => {
    const { tool } = crowd();
    const { workflows } = await limited(tool);
    const parked = await workflows.run({ workflow: asks('caller'), input: {}, wait: true }, ann);
    const busy = { steps: [{ id: 'work', tool: 'crowd' }] };
    const at = Array.from({ length: RUNS }, () =>
      workflows.run({ workflow: busy, input: {}, wait: true }, ann),
    );
    expect((await workflows.cancel(parked.run_id, ann)).status).toBe('cancelled');
    await Promise.all(at);
  });
});
