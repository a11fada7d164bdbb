/** The cases J04 to J06, consent, and what one step does to the others. */
import { afterEach, describe, expect, test } from 'vitest';
import { Cancellation } from '../../src/core/cancellation.ts';
import type { AskClient, Call } from '../../src/core/call.ts';
import { Json, type JsonObject } from '../../src/json/json.ts';
import type { RunView } from '../../src/workflow/run-view.ts';
import { InvalidDefinition } from '../../src/workflow/definition/invalid-definition.ts';
import type { Who } from '../../src/workflow/who.ts';
import type { WorkflowsOptions } from '../../src/workflow/workflows.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { until } from '../harness/until.ts';
import { bench, type Bench, clientNamed, lost, toolError, type ToolSpec } from './bench-of-tools.ts';

const open: Bench[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function started(
  tools: Readonly<Record<string, ToolSpec>>,
  options: Partial<WorkflowsOptions> = {},
): Promise<Bench> {
  const b = bench(tools, { openJournal: storeJournal, ...options });
  open.push(b);
  await b.workflows.start();
  return b;
}

const ann = { client: clientNamed('ann') };
const bob = { client: clientNamed('bob') };

async function run(b: Bench, workflow: unknown, input: unknown = {}, who: Who = ann): Promise<RunView> {
  return await b.workflows.run({ workflow, input, wait: true }, who);
}

const stepsOf = (
  view: RunView,
): Readonly<
  Record<
    string,
    {
      readonly status: string;
      readonly reason?: string;
      readonly output?: unknown;
      readonly attempts: number;
    }
  >
> => view.steps as never;

const echo: ToolSpec = { run: (args) => args, safe: true, readOnly: true };
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe('J04 limits and injection', () => {
  test('text from one step that looks like a template stays text in the next', async () => {
    const b = await started({ evil: { run: () => ({ text: '${{ input.secret }} " }, "x": 1' }) }, echo });
    const view = await run(
      b,
      {
        input: { type: 'object', properties: { secret: { type: 'string' } } },
        steps: [
          { id: 'a', tool: 'evil' },
          {
            id: 'b',
            tool: 'echo',
            with: { whole: '${{ steps.a.output.text }}', part: 'say: ${{ steps.a.output.text }}!' },
          },
        ],
        output: '${{ steps.b.output }}',
      },
      { secret: 'hidden' },
    );
    expect(view.output).toEqual({
      whole: '${{ input.secret }} " }, "x": 1',
      part: 'say: ${{ input.secret }} " }, "x": 1!',
    });
  });

  test('10,000 steps are refused before the first call', async () => {
    const b = await started({ echo });
    const steps = Array.from({ length: 10_000 }, (_, index) => ({ id: `s${index}`, tool: 'echo' }));
    await expect(run(b, { steps })).rejects.toThrow(/at most 1000 steps/);
    expect(b.calls).toEqual([]);
  });

  test('a list with more items than allowed fails its step before the first item', async () => {
    const b = await started({ echo }, { limits: { items: 10 } });
    const view = await run(
      b,
      {
        steps: [{ id: 'a', foreach: 'input.list', tool: 'echo' }],
        input: { type: 'object', properties: { list: {} } },
      },
      { list: Array.from({ length: 11 }, () => 1) },
    );
    expect(view).toMatchObject({ status: 'failed' });
    expect(view.error?.message).toContain('at most 10');
    expect(b.calls).toEqual([]);
  });

  test('results that are too large in all fail the step that brings them, and the run ends', async () => {
    const b = await started(
      { big: { run: () => ({ text: 'x'.repeat(300_000) }) } },
      { limits: { resultBytes: 1_300_000 } },
    );
    const view = await run(b, {
      steps: ['a', 'b', 'c'].map((id, index, ids) => ({
        id,
        tool: 'big',
        ...(index > 0 && { after: [ids[index - 1]] }),
      })),
    });
    expect(view.status).toBe('failed');
    expect(stepsOf(view)).toMatchObject({
      a: { status: 'succeeded', output: { $large: { bytes: 300_011 } } },
      b: { status: 'succeeded' },
      c: { status: 'failed', error: { code: 'RESULT_TOO_LARGE' } },
    });
    const whole = await b.workflows.show(view.run_id, ann, { step: 'a' });
    expect(JSON.stringify(stepsOf(whole)['a']?.output)).toHaveLength(300_011);
  });

  test('an expression that would take for ever ends in time', async () => {
    const b = await started({ echo });
    const list = Array.from({ length: 10_000 }, (_, index) => index);
    const view = await run(
      b,
      {
        input: { type: 'object', properties: { list: {} } },
        steps: [{ id: 'a', set: { x: '${{ input.list.map(a, input.list.map(b, a * b)) }}' } }],
      },
      { list },
    );
    expect(view.error?.message).toMatch(/longer than/);
  });

  test('a cycle is shown as a path', async () => {
    const b = await started({ echo });
    const answer = await b.workflows.plan(
      {
        steps: [
          { id: 'a', after: ['c'], tool: 'echo' },
          { id: 'b', after: ['a'], tool: 'echo' },
          { id: 'c', after: ['b'], tool: 'echo' },
        ],
      },
      ann,
    );
    expect(answer).toMatchObject({
      valid: false,
      errors: [{ message: expect.stringContaining('a → c → b → a') as string }],
    });
  });
});

describe('J05 who may see a run', () => {
  test("another client's run is as unknown as one that does not exist", async () => {
    const b = await started({ echo });
    const view = await run(b, { steps: [{ id: 'ok', approve: { message: 'go?', by: 'caller' } }] });
    const unknown = (id: string): string => `There is no run "${id}". workflow_runs lists yours.`;
    for (const id of [view.run_id, 'wr_guess']) {
      await expect(b.workflows.show(id, bob)).rejects.toThrow(unknown(id));
      await expect(b.workflows.resume({ runId: id, decision: 'approve' }, bob)).rejects.toThrow(unknown(id));
      await expect(b.workflows.cancel(id, bob)).rejects.toThrow(unknown(id));
    }
    expect(await b.workflows.list({}, bob)).toEqual([]);
    expect(await b.workflows.list({}, 'operator')).toHaveLength(1);
    expect(view.run_id).toMatch(/^wr_[\w-]{22}$/);
  });
});

describe('J06 cancelling', () => {
  test('reaches the call in flight, starts no later step, and says "cancelled"', async () => {
    let reached = '';
    const slow = (_args: unknown, call: Call): Promise<unknown> =>
      new Promise((_resolve, reject) =>
        call.signal.onCancel((reason) => ((reached = reason), reject(lost('DOWNSTREAM_UNAVAILABLE')))),
      );
    const b = await started({ slow: { run: slow }, echo });
    const view = await b.workflows.run(
      {
        workflow: {
          steps: [
            { id: 'a', tool: 'slow' },
            { id: 'b', after: ['a'], tool: 'echo' },
          ],
        },
        input: {},
        wait: false,
      },
      ann,
    );
    expect(view.status).toBe('running');
    await pause(20);
    const end = await b.workflows.cancel(view.run_id, ann);
    expect(reached).toBe('the run was cancelled');
    expect(end).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
    expect(stepsOf(end)['b']).toMatchObject({ status: 'skipped' });
    expect(b.calls).toHaveLength(1);
    expect(await b.workflows.show(view.run_id, ann)).toMatchObject({ status: 'cancelled' });
  });

  test('undoes what was done, if the workflow says so', async () => {
    const b = await started({ make: { run: () => ({ id: 7 }) }, drop: { run: () => ({}) } });
    const workflow = {
      on_error: 'rollback',
      steps: [
        { id: 'a', tool: 'make', undo: { tool: 'drop', with: { id: '${{ output.id }}' } } },
        { id: 'ok', after: ['a'], approve: { message: 'go?' } },
      ],
    };
    const view = await run(b, workflow);
    expect(view.status).toBe('needs_attention');
    const end = await b.workflows.cancel(view.run_id, ann);
    expect(end).toMatchObject({
      status: 'cancelled',
      steps: { a: { status: 'undone' }, ok: { status: 'cancelled' } },
    });
    expect(b.calls.map(({ tool }) => tool)).toEqual(['make', 'drop']);
  });

  test('the cancelled call of run_workflow cancels its run; a client that is gone does not', async () => {
    const b = await started({ nap: { run: async () => (await pause(60), {}) }, echo });
    const workflow = {
      steps: [
        { id: 'a', tool: 'nap' },
        { id: 'b', after: ['a'], tool: 'echo' },
      ],
    };
    const [cancelled, gone] = [new Cancellation(), new Cancellation()];
    const both = [cancelled, gone].map((signal) =>
      b.workflows.run({ workflow, input: {}, wait: true, signal }, ann),
    );
    await pause(20);
    cancelled.cancel('the client cancelled it', 'client-cancelled');
    gone.cancel('the client is gone', 'client-gone');
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual(['cancelled', 'succeeded']);
  });

  test.each([
    'dialog closed',
    'the client is gone',
    'the proxy stops',
    'my session ended',
    'the user ends it',
    'User pressed Esc',
    '',
  ])('a client that cancels in the words "%s" cancels its run', async (words) => {
    const b = await started({ nap: { run: async () => (await pause(60), {}) }, echo });
    const signal = new Cancellation();
    const end = b.workflows.run({ workflow: napAndEcho, input: {}, wait: true, signal }, ann);
    await until('the call', () => b.calls[0]);
    signal.cancel(words, 'client-cancelled');
    expect((await end).status).toBe('cancelled');
  });

  test.each(['client-gone', 'proxy-stops', 'call-expired', 'not-needed'] as const)(
    'a run that was waited for goes on where the cause is %s, whatever the words',
    async (cause) => {
      const b = await started({ nap: { run: async () => (await pause(60), {}) }, echo });
      const signal = new Cancellation();
      const end = b.workflows.run({ workflow: napAndEcho, input: {}, wait: true, signal }, ann);
      await until('the call', () => b.calls[0]);
      signal.cancel('the user cancelled it', cause);
      expect((await end).status).toBe('succeeded');
    },
  );
});

const napAndEcho = {
  steps: [
    { id: 'a', tool: 'nap' },
    { id: 'b', after: ['a'], tool: 'echo' },
  ],
};

describe('steps and each other', () => {
  test('a step starts when its inputs are there, and not when a whole level is', async () => {
    const order: string[] = [];
    const b = await started({
      nap: {
        run: async (args) => (
          await pause((args as unknown as { ms: number }).ms),
          order.push((args as unknown as { n: string }).n),
          args
        ),
      },
    });
    await run(b, {
      steps: [
        { id: 'slow', tool: 'nap', with: { ms: 80, n: 'slow' } },
        { id: 'fast', tool: 'nap', with: { ms: 5, n: 'fast' } },
        { id: 'next', after: ['fast'], tool: 'nap', with: { ms: 5, n: 'next' } },
      ],
    });
    expect(order).toEqual(['fast', 'next', 'slow']);
  });

  test('who refers to a skipped step is skipped with the reason, unless it looks at the status', async () => {
    const b = await started({ echo });
    const view = await run(b, {
      steps: [
        { id: 'a', when: '1 > 2', tool: 'echo' },
        { id: 'b', tool: 'echo', with: { x: '${{ steps.a.output }}' } },
        { id: 'c', tool: 'echo', with: { x: '${{ steps.a.status }}' } },
        { id: 'd', after: ['a'], tool: 'echo' },
      ],
    });
    expect(stepsOf(view)).toMatchObject({
      a: { status: 'skipped' },
      b: { status: 'skipped' },
      c: { output: { x: 'skipped' } },
      d: { status: 'succeeded' },
    });
    expect(stepsOf(view)['b']?.reason).toContain('"a" was skipped');
  });

  test('a lost connection is asked about, unless the tool is safe to repeat', async () => {
    let times = 0;
    const breaks: ToolSpec = { run: () => (++times === 1 ? Promise.reject(lost()) : { times }) };
    const b = await started({ risky: breaks });
    const workflow = { steps: [{ id: 'a', tool: 'risky', retry: { attempts: 3, delay: 1 } }] };
    const view = await run(b, workflow);
    expect(view).toMatchObject({ status: 'needs_attention', steps: { a: { status: 'in_doubt' } } });
    expect(times).toBe(1);
    expect(await b.workflows.resume({ runId: view.run_id, decision: 'retry' }, ann)).toMatchObject({
      status: 'succeeded',
      steps: { a: { attempts: 2 } },
    });

    times = 0;
    const safe = await started({ risky: { ...breaks, safe: true } });
    expect(await run(safe, workflow)).toMatchObject({ status: 'succeeded', steps: { a: { attempts: 2 } } });
  });

  test('a check says whether a step in doubt has happened', async () => {
    for (const there of [true, false]) {
      let times = 0;
      const b = await started({
        put: { run: () => (++times === 1 ? Promise.reject(lost()) : { ok: true }) },
        look: { run: () => ({ there }) },
      });
      const view = await run(b, {
        steps: [
          {
            id: 'a',
            tool: 'put',
            retry: { attempts: 2, delay: 1 },
            verify: { tool: 'look', done: 'result.there' },
          },
        ],
      });
      expect(view).toMatchObject({
        status: 'succeeded',
        steps: { a: { output: there ? { there } : { ok: true } } },
      });
      expect(times).toBe(there ? 1 : 2);
    }
  });

  test('rolls back in reverse order of completion, each item, and reports an undo that failed', async () => {
    const b = await started({
      make: { run: (args) => args },
      drop: { run: (args) => ((args as unknown as { v: number }).v === 2 ? toolError('it is in use') : {}) },
      boom: { run: () => toolError('no') },
    });
    const view = await run(b, {
      on_error: 'rollback',
      steps: [
        {
          id: 'm',
          foreach: '[1, 2, 3]',
          concurrency: 1,
          tool: 'make',
          with: { v: '${{ item }}' },
          undo: { tool: 'drop', with: { v: '${{ item }}' } },
        },
        { id: 'x', after: ['m'], tool: 'boom' },
      ],
    });
    expect(b.calls.filter(({ tool }) => tool === 'drop').map(({ args }) => args)).toEqual([
      { v: 3 },
      { v: 2 },
      { v: 1 },
    ]);
    expect(view).toMatchObject({
      status: 'failed',
      steps: { m: { status: 'undo_failed' } },
      attention: [{ step: 'm' }],
    });
    expect(view.attention?.[0]?.question).toContain('it is in use');
  });

  test('a fallback answers after the last attempt', async () => {
    const b = await started({ boom: { run: () => toolError('no') }, echo });
    const view = await run(b, {
      steps: [
        { id: 'a', tool: 'boom', fallback: { value: 5 } },
        { id: 'b', tool: 'boom', fallback: { tool: 'echo', with: { v: 6 } } },
      ],
      output: ['${{ steps.a.output }}', '${{ steps.b.output.v }}'],
    });
    expect(view).toMatchObject({ status: 'succeeded', output: [5, 6] });
  });

  test('"from" runs again from the failed step on, with what was there before it', async () => {
    let broken = true;
    const b = await started({ echo, put: { run: () => (broken ? toolError('no') : { ok: true }) } });
    const view = await run(b, {
      steps: [
        { id: 'a', tool: 'echo', with: { v: 1 } },
        { id: 'b', tool: 'put', with: { v: '${{ steps.a.output.v }}' } },
      ],
      output: '${{ steps.b.output.ok }}',
    });
    expect(view.status).toBe('failed');
    broken = false;
    const again = await b.workflows.resume({ runId: view.run_id, from: 'b' }, ann);
    expect(again).toMatchObject({ status: 'succeeded', output: true, resumed_from: view.run_id });
    expect(b.calls.map(({ tool }) => tool)).toEqual(['echo', 'put', 'put']);
  });

  test('"from" also runs the steps that only the halt of the run had kept from starting', async () => {
    let broken = true;
    let failed: () => void = () => {};
    const hasFailed = new Promise<void>((resolve) => (failed = resolve));
    const b = await started({
      echo,
      put: {
        run: () => {
          setImmediate(failed);
          return broken ? toolError('no') : {};
        },
      },
      slow: { run: async () => await hasFailed.then(() => ({})) },
    });
    const view = await run(b, {
      steps: [
        { id: 'put', tool: 'put' },
        { id: 'slow', tool: 'slow' },
        { id: 'kept', tool: 'echo', with: { v: 1 }, after: ['slow'] },
        { id: 'unmet', tool: 'echo', with: { v: 2 }, when: 'false', after: ['slow'] },
      ],
    });
    expect(view).toMatchObject({
      status: 'failed',
      steps: { slow: { status: 'succeeded' }, kept: { status: 'skipped' } },
    });
    broken = false;
    const again = await b.workflows.resume({ runId: view.run_id, from: 'put' }, ann);
    expect(again).toMatchObject({
      status: 'succeeded',
      steps: { kept: { status: 'succeeded' }, unmet: { status: 'skipped' } },
    });
    expect(b.calls.map(({ tool }) => tool).sort()).toEqual(['echo', 'put', 'put', 'slow']);
  });
});

describe('consent', () => {
  const asking = (content: JsonObject | undefined, asked: string[] = []): Who => {
    const ask: AskClient = ({ params }) => {
      asked.push((params.value as { message: string }).message);
      return Promise.resolve(Json.of(content ? { action: 'accept', content } : { action: 'cancel' }));
    };
    return { client: clientNamed('ann', { elicitation: {} }), ask };
  };
  const writing = { steps: [{ id: 'a', tool: 'put' }] };

  test('a model cannot approve its own step, unless it is for the caller', async () => {
    const b = await started({ put: { run: () => ({}) } });
    const workflow = (by: string): object => ({
      steps: [
        { id: 'ok', approve: { message: 'sure?', by } },
        { id: 'a', after: ['ok'], tool: 'put' },
      ],
    });
    const person = await run(b, workflow('person'));
    await expect(b.workflows.resume({ runId: person.run_id, decision: 'approve' }, ann)).rejects.toThrow(
      /for a person/,
    );
    const byClient = await b.workflows.resume(
      { runId: person.run_id, decision: 'approve' },
      asking({ confirm: false }),
    );
    expect(byClient).toMatchObject({
      status: 'succeeded',
      steps: {
        ok: { output: { confirm: false, by: 'person' } },
        a: { status: 'skipped', reason: '"ok" was rejected' },
      },
    });
    const caller = await run(b, workflow('caller'));
    expect(await b.workflows.resume({ runId: caller.run_id, decision: 'approve' }, ann)).toMatchObject({
      status: 'succeeded',
      steps: { a: { status: 'succeeded' } },
    });
  });

  test('an approval is asked by elicitation where the client can be asked', async () => {
    const b = await started({ put: { run: () => ({}) } });
    const asked: string[] = [];
    const view = await run(
      b,
      {
        steps: [
          { id: 'ok', approve: { message: 'sure?' } },
          { id: 'a', after: ['ok'], tool: 'put' },
        ],
      },
      {},
      asking({ confirm: true }, asked),
    );
    expect(view.status).toBe('succeeded');
    expect(asked).toEqual(['sure?']);
  });

  test('"ask" shows a definition that writes to the user first; "read-only" and "off" refuse it', async () => {
    const ask = await started({ put: { run: () => ({}) }, echo }, { inline: 'ask' });
    await expect(run(ask, writing, {}, asking(undefined))).rejects.toThrow(
      /dismissed the question.*workflows.inline/,
    );
    expect(ask.calls).toEqual([]);
    expect(await run(ask, writing, {}, asking({ confirm: true }))).toMatchObject({ status: 'succeeded' });
    expect(await run(ask, { steps: [{ id: 'a', tool: 'echo' }] }, {}, asking(undefined))).toMatchObject({
      status: 'succeeded',
    });
    const readOnly = await started({ put: { run: () => ({}) }, echo }, { inline: 'read-only' });
    await expect(run(readOnly, writing)).rejects.toBeInstanceOf(InvalidDefinition);
    expect(await run(readOnly, { steps: [{ id: 'a', tool: 'echo' }] })).toMatchObject({
      status: 'succeeded',
    });
    const off = await started({ echo }, { inline: 'off' });
    await expect(run(off, { steps: [{ id: 'a', tool: 'echo' }] })).rejects.toThrow(/switched off/);
  });
});
