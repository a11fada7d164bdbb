/** What the kinds of steps do, and the limits of a run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { AskClient } from '../../src/core/call.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { Json, type JsonObject } from '../../src/json/json.ts';
import type { RunView } from '../../src/workflow/run-view.ts';
import type { Who } from '../../src/workflow/who.ts';
import type { WorkflowsOptions } from '../../src/workflow/workflows.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, toolError, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const echo: ToolSpec = { run: (args) => args, safe: true, readOnly: true };
const never: ToolSpec = {
  run: (_args, { signal }) =>
    new Promise((_, reject) => {
      signal.onCancel((message) => reject(new ProxyError('CANCELLED', { message, delivered: 'unknown' })));
    }),
  safe: true,
};
const ann = { client: clientNamed('ann') };

async function started(
  tools: Readonly<Record<string, ToolSpec>>,
  { saved = {}, ...options }: Partial<WorkflowsOptions> & { saved?: Readonly<Record<string, string>> } = {},
): Promise<Bench> {
  const b = bench(tools, { openJournal: storeJournal, files: ['*.yaml'], ...options });
  open.push(b);
  for (const [name, text] of Object.entries(saved)) writeFileSync(join(b.stateDir, `${name}.yaml`), text);
  await b.workflows.start();
  return b;
}

async function run(b: Bench, workflow: unknown, input: unknown = {}, who: Who = ann): Promise<RunView> {
  return await b.workflows.run({ workflow, input, wait: true }, who);
}

/** A client whose model answers with these texts, one after the other. */
function withModel(...answers: string[]): { readonly who: Who; readonly asked: JsonObject[] } {
  const asked: JsonObject[] = [];
  const ask: AskClient = ({ method, params }) => {
    asked.push({ method, ...params.object });
    const content = { type: 'text', text: answers.shift() ?? '' };
    return Promise.resolve(Json.of({ role: 'assistant', model: 'm', content }));
  };
  return { who: { client: clientNamed('ann', { sampling: {} }), ask }, asked };
}

describe('a "sample" step', () => {
  test('gives the text of the model of the client, asked with what stands in the step', async () => {
    const b = await started({ echo });
    const { who, asked } = withModel('a summary');
    const sample = { prompt: 'Sum up ${{ input.text }}', system: 'Be brief.', max_tokens: 50 };
    const workflow = { input: { type: 'object', properties: { text: {} } }, steps: [{ id: 's', sample }] };
    const view = await run(b, workflow, { text: '${{ input.x }}' }, who);
    expect(view).toMatchObject({ status: 'succeeded', output: 'a summary' });
    expect(asked).toEqual([
      {
        method: 'sampling/createMessage',
        messages: [{ role: 'user', content: { type: 'text', text: 'Sum up ${{ input.x }}' } }],
        systemPrompt: 'Be brief.',
        maxTokens: 50,
      },
    ]);
  });

  test('with a schema gives the JSON, also out of a fence, and asks again where it does not fit and "retry" says so', async () => {
    const b = await started({ echo });
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const step = { id: 's', sample: { prompt: 'Count.', schema } };
    const once = withModel('{"n":"many"}');
    expect(await run(b, { steps: [step] }, {}, once.who)).toMatchObject({
      status: 'failed',
      steps: { s: { error: { code: 'TOOL_ERROR' } } },
    });
    const again = withModel('{"n":"many"}', '```json\n{"n":3}\n```');
    const retry = { attempts: 2, delay: '1ms', on: ['TOOL_ERROR'] };
    expect(await run(b, { steps: [{ ...step, retry }] }, {}, again.who)).toMatchObject({
      status: 'succeeded',
      output: { n: 3 },
      steps: { s: { attempts: 2 } },
    });
  });

  test('fails with CLIENT_CANNOT where the client has no model to offer', async () => {
    const b = await started({ echo });
    expect(await run(b, { steps: [{ id: 's', sample: { prompt: 'Hm?' } }] })).toMatchObject({
      status: 'failed',
      steps: { s: { error: { code: 'CLIENT_CANNOT' } } },
    });
  });
});

describe('steps that call nothing', () => {
  test('"wait" goes on at the time that is given, and says when', async () => {
    const b = await started({ echo });
    const until = new Date(Date.now() + 50).toISOString();
    const workflow = {
      steps: [
        { id: 'rest', wait: { until } },
        { id: 'then', after: ['rest'], set: { at: '${{ steps.rest.output.until }}' } },
      ],
    };
    const view = await run(b, workflow);
    expect(view).toMatchObject({ status: 'succeeded', output: { at: until } });
    expect(Date.parse(view.finished_at ?? '')).toBeGreaterThanOrEqual(Date.parse(until));
  });

  test('an approval that nobody answers in time is a no, or a failure where it says so', async () => {
    const b = await started({ echo });
    const after = { id: 'go', after: ['ok'], tool: 'echo' };
    const approve = { message: 'go?', timeout: '20ms' };
    const no = await b.workflows.run(
      { workflow: { steps: [{ id: 'ok', approve }, after] }, input: {}, wait: false },
      ann,
    );
    const failing = await b.workflows.run(
      {
        workflow: { steps: [{ id: 'ok', approve: { ...approve, on_timeout: 'fail' } }, after] },
        input: {},
        wait: false,
      },
      ann,
    );
    await expect
      .poll(async () => await b.workflows.show(no.run_id, ann))
      .toMatchObject({ status: 'succeeded', steps: { go: { status: 'skipped' } } });
    await expect
      .poll(async () => await b.workflows.show(failing.run_id, ann))
      .toMatchObject({ status: 'failed', steps: { ok: { error: { code: 'TIMEOUT' } } } });
    expect(b.calls).toEqual([]);
  });
});

describe('errors of steps and items', () => {
  const odd: ToolSpec = {
    run: ({ n }) => (Number(n) % 2 === 1 ? toolError('odd') : { n }),
    safe: true,
  };
  const each = { id: 'e', foreach: '[1, 2, 3]', concurrency: 1, tool: 'odd', with: { n: '${{ item }}' } };

  test('"fail" begins no further item, "collect" lists what failed, "skip" leaves null', async () => {
    const b = await started({ odd });
    expect(await run(b, { steps: [each] })).toMatchObject({ status: 'failed' });
    expect(b.calls).toHaveLength(1);
    const collect = await run(b, {
      steps: [{ ...each, on_item_error: 'collect' }],
      output: '${{ {"got": steps.e.output, "bad": steps.e.errors.map(x, x.index)} }}',
    });
    expect(collect).toMatchObject({
      status: 'succeeded',
      output: { got: [null, { n: 2 }, null], bad: [0, 2] },
    });
    const skip = await run(b, {
      steps: [{ ...each, on_item_error: 'skip' }],
      output: '${{ {"got": steps.e.output, "bad": size(steps.e.errors)} }}',
    });
    expect(skip).toMatchObject({ status: 'succeeded', output: { got: [null, { n: 2 }, null], bad: 0 } });
  });

  test('"stop" starts nothing after a failure; "continue" runs what does not need it', async () => {
    const b = await started({ odd, echo });
    const steps = [
      { id: 'bad', tool: 'odd', with: { n: 1 } },
      { id: 'first', tool: 'echo', with: { v: 1 } },
      { id: 'later', tool: 'echo', after: ['first'], with: { v: 2 } },
      { id: 'needs', tool: 'echo', with: { v: '${{ steps.bad.output }}' } },
    ];
    const stop = await run(b, { concurrency: 1, steps });
    expect(stop).toMatchObject({ status: 'failed', error: { code: 'STEP_FAILED', step: 'bad' } });
    expect(b.calls.map(({ args }) => args)).not.toContainEqual({ v: 2 });
    const on = await run(b, { on_error: 'continue', steps });
    expect(on).toMatchObject({
      status: 'failed',
      steps: { later: { status: 'succeeded' }, needs: { status: 'skipped', reason: '"bad" failed' } },
    });
  });

  test('the timeout of a step and of the whole workflow end the call in flight', async () => {
    const b = await started({ never, echo });
    const step = { id: 'n', tool: 'never' };
    expect(await run(b, { steps: [{ ...step, timeout: '20ms', on_resume: 'fail' }] })).toMatchObject({
      status: 'failed',
      steps: { n: { error: { code: 'TIMEOUT' } } },
    });
    const whole = await run(b, { timeout: '20ms', steps: [step, { id: 'l', after: ['n'], tool: 'echo' }] });
    expect(whole).toMatchObject({ status: 'failed', error: { code: 'TIMEOUT' } });
    expect(b.calls.map(({ tool }) => tool)).toEqual(['never', 'never']);
  });

  test('a key that is not there is named, with those that are', async () => {
    const b = await started({ echo });
    const view = await run(b, {
      steps: [
        { id: 'a', tool: 'echo', with: { title: 1 } },
        { id: 'b', tool: 'echo', with: { v: '${{ steps.a.output.titel }}' } },
      ],
    });
    expect(view.error?.message).toMatch(/titel.*title/s);
    expect(b.calls).toHaveLength(1);
  });
});

describe('limits', () => {
  const level = (n: number): string => `name: w${n}\nsteps: [{ id: a, workflow: w${n + 1} }]\n`;
  const leaf = (n: number): string => `name: w${n}\nsteps: [{ id: a, tool: echo }]\n`;

  test('workflows nested deeper than allowed are refused before the first call, with the way down', async () => {
    const saved = { w1: level(1), w2: level(2), w3: level(3), w4: leaf(4) };
    const b = await started({ echo }, { saved, limits: { nesting: 3 } });
    await expect(run(b, 'w1')).rejects.toThrow(/nested more than 3 deep: w1 → w2 → w3 → w4/);
    expect(b.calls).toEqual([]);
    expect(await run(b, 'w2')).toMatchObject({ status: 'succeeded' });
  });

  test('workflows that run each other are refused with the circle', async () => {
    const saved = { w1: level(1), w2: 'name: w2\nsteps: [{ id: a, workflow: w1 }]\n' };
    const b = await started({ echo }, { saved });
    await expect(run(b, 'w1')).rejects.toThrow(/w1 → w2 → w1/);
  });

  test('more runs at work than allowed are BUSY; one that waits for somebody is none of them', async () => {
    const b = await started({ never, echo }, { limits: { runs: 1 } });
    const waits = await run(b, { steps: [{ id: 'ok', approve: { message: 'go?' } }] });
    expect(waits.status).toBe('needs_attention');
    const workflow = { steps: [{ id: 'n', tool: 'never' }] };
    const first = await b.workflows.run({ workflow, input: {}, wait: false }, ann);
    await expect(run(b, { steps: [{ id: 'e', tool: 'echo' }] })).rejects.toMatchObject({ code: 'BUSY' });
    await b.workflows.cancel(first.run_id, ann);
    expect(await run(b, { steps: [{ id: 'e', tool: 'echo' }] })).toMatchObject({ status: 'succeeded' });
  });

  test('a definition and an input that are too large are refused before the first call', async () => {
    const b = await started({ echo }, { limits: { definitionBytes: 300, inputBytes: 20 } });
    const step = { id: 'a', tool: 'echo', with: { v: '${{ input }}' } };
    await expect(run(b, { steps: [step], description: 'x'.repeat(300) })).rejects.toThrow(
      /at most 300 bytes/,
    );
    await expect(run(b, { steps: [step] }, { v: 'x'.repeat(30) })).rejects.toThrow(/at most 20 bytes/);
    expect(b.calls).toEqual([]);
  });
});
